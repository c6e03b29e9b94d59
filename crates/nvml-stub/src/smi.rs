//! The state as `nvidia-smi -q` prints it, as far as scripts read it.

use std::fmt::Write as _;

use crate::state::Node;

/// The text, in the layout of drivers since R470.
pub fn smi_text(node: &Node) -> String {
    let mut text = format!(
        "\n==============NVSMI LOG==============\n\nDriver Version                            : {}\n\nAttached GPUs                             : {}\n",
        node.driver,
        node.gpus.len()
    );
    for gpu in &node.gpus {
        let number = |quantity: &str| gpu.numbers.get(quantity).map_or("N/A".to_owned(), u64::to_string);
        let _ = writeln!(text, "GPU {}", gpu.pci);
        if !gpu.faults.is_empty() {
            text.push_str("    GPU is lost.  Reboot the system to recover this GPU\n\n");
            continue;
        }
        let _ = writeln!(text, "    Product Name                          : {}", gpu.name);
        let _ = writeln!(text, "    GPU UUID                              : {}", gpu.uuid);
        text.push_str("    ECC Errors\n");
        for (title, counter) in [("Volatile", "volatile"), ("Aggregate", "aggregate")] {
            let _ = writeln!(text, "        {title}");
            for (place, key) in [("SRAM", "sram"), ("DRAM", "dram")] {
                for (kind, word) in [("Correctable", "corrected"), ("Uncorrectable", "uncorrected")] {
                    let label = format!("{place} {kind}");
                    let _ = writeln!(
                        text,
                        "            {label:<30}: {}",
                        number(&format!("ecc.{counter}.{word}.{key}"))
                    );
                }
            }
        }
        text.push_str("    Retired Pages\n");
        let _ = writeln!(text, "        Single Bit ECC                    : {}", number("retired.single"));
        let _ = writeln!(text, "        Double Bit ECC                    : {}", number("retired.double"));
        let pending = if gpu.numbers.contains_key("retired.pending") { "No" } else { "N/A" };
        let _ = writeln!(text, "        Pending Page Blacklist            : {pending}\n");
    }
    text
}
