//! The ledger's last word: what went in, what came out, what was dropped and why, and whether it adds up.

use std::fmt::Write as _;

use weir_core::Ledger;

const HEADS: [&str; 7] = ["in", "made", "out", "held", "merged", "dropped", "refused"];

/// The ledger as a table for people.
pub(crate) fn table(ledger: &Ledger) -> String {
    let nodes = ledger.nodes();
    let width = nodes.iter().map(|node| node.name().len()).max().unwrap_or(0).max(4);
    let mut text = format!("\n{:width$}", "node");
    for head in HEADS {
        let _ = write!(text, " {head:>12}");
    }
    text.push('\n');
    for node in &nodes {
        let a = node.ledger.read();
        let _ = write!(text, "{:width$}", node.name());
        for figure in [a.taken, a.made, a.passed, a.held, a.merged, a.dropped_total(), a.refused_total()] {
            let _ = write!(text, " {figure:>12}");
        }
        text.push('\n');
        for (verb, reasons) in [("dropped", &a.dropped), ("refused", &a.refused)] {
            for (reason, points) in reasons {
                let _ = writeln!(text, "{:width$} {points} {verb}: {reason}", "");
            }
        }
    }
    for edge in ledger.edges() {
        for (reason, points) in edge.ledger.dropped() {
            let _ =
                writeln!(text, "{points} points missed the branch {} -> {}: {reason}", edge.from, edge.to);
        }
    }
    let discrepancies = ledger.discrepancies();
    if discrepancies.is_empty() {
        text += "every node adds up: in + made = out + held + merged + dropped + refused\n";
    } else {
        text += "the ledger does NOT add up, which is a defect of Weir; please report it:\n";
        for line in discrepancies {
            let _ = writeln!(text, "  {line}");
        }
    }
    text
}
