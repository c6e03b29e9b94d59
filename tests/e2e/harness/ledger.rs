//! The final table, read as a person would, and added up anew.

use std::collections::BTreeMap;

/// A node's row.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Row {
    pub(crate) taken: u64,
    pub(crate) made: u64,
    pub(crate) out: u64,
    pub(crate) held: u64,
    pub(crate) merged: u64,
    pub(crate) dropped: u64,
    pub(crate) refused: u64,
    /// What the lines below the row say, by verb and reason.
    pub(crate) reasons: BTreeMap<(String, String), u64>,
}

impl Row {
    /// Points dropped for this reason.
    pub(crate) fn dropped_for(&self, reason: &str) -> u64 {
        self.reasons.get(&("dropped".to_owned(), reason.to_owned())).copied().unwrap_or(0)
    }

    fn of_verb(&self, verb: &str) -> u64 {
        self.reasons.iter().filter(|((of, _), _)| of == verb).map(|(_, points)| points).sum()
    }
}

/// The table.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    rows: BTreeMap<String, Row>,
    /// Points that missed a branch, by the branch as it is written.
    pub(crate) missed: BTreeMap<String, u64>,
    verdict: bool,
}

impl Ledger {
    /// Reads the table at the end of a log.
    pub(crate) fn parse(text: &str) -> Self {
        let is_head = |line: &&str| line.starts_with("node ") && line.ends_with("refused");
        let mut lines = text.lines().skip_while(|line| !is_head(line));
        let head = lines.next().unwrap_or_else(|| panic!("there is no ledger:\n{text}"));
        let heads: Vec<&str> = head.split_whitespace().skip(1).collect();
        let mut ledger = Self::default();
        let mut last = String::new();
        for line in lines {
            if line.starts_with("every node adds up") {
                ledger.verdict = true;
            } else if let Some((points, branch)) = line.split_once(" points missed the branch ") {
                ledger.missed.insert(branch.to_owned(), points.parse().unwrap());
            } else if let Some((counted, reason)) = reasons_below(line) {
                let (points, verb) = counted.trim().split_once(' ').unwrap();
                let reasons = &mut ledger.rows.get_mut(&last).unwrap().reasons;
                reasons.insert((verb.to_owned(), reason.to_owned()), points.parse().unwrap());
            } else if let Some((name, row)) = row(line, &heads) {
                last.clone_from(&name);
                ledger.rows.insert(name, row);
            }
        }
        ledger
    }

    /// The row of a node, such as `receiver otlp`.
    pub(crate) fn row(&self, node: &str) -> &Row {
        self.rows.get(node).unwrap_or_else(|| panic!("no `{node}` in {self:#?}"))
    }

    /// What every ledger must fulfil at the end, whatever Weir's own check says.
    pub(crate) fn assert_adds_up(&self) {
        assert!(self.verdict, "Weir itself says that it does not add up: {self:#?}");
        assert!(!self.rows.is_empty(), "an empty ledger");
        for (node, row) in &self.rows {
            let gone = row.out + row.held + row.merged + row.dropped + row.refused;
            assert_eq!(row.taken + row.made, gone, "{node}: {row:?}");
            assert_eq!(row.held, 0, "{node} still holds points at the end: {row:?}");
            assert_eq!(row.dropped, row.of_verb("dropped"), "{node}: {row:?}");
            assert_eq!(row.refused, row.of_verb("refused"), "{node}: {row:?}");
        }
    }
}

/// The lines below a row are indented; what is logged while the table is written is not.
fn reasons_below(line: &str) -> Option<(&str, &str)> {
    line.starts_with("  ").then(|| line.split_once(": "))?
}

/// A name of several words, and a figure for each head.
fn row(line: &str, heads: &[&str]) -> Option<(String, Row)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let figures = words.len().checked_sub(heads.len()).filter(|name| *name > 0)?;
    let by_head: BTreeMap<&str, u64> = (heads.iter().zip(&words[figures..]))
        .map(|(head, figure)| Some((*head, figure.parse().ok()?)))
        .collect::<Option<_>>()?;
    let row = Row {
        taken: by_head["in"],
        made: by_head["made"],
        out: by_head["out"],
        held: by_head["held"],
        merged: by_head["merged"],
        dropped: by_head["dropped"],
        refused: by_head["refused"],
        reasons: BTreeMap::new(),
    };
    Some((words[..figures].join(" "), row))
}
