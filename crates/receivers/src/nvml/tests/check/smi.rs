//! What `nvidia-smi -q -x` says of a GPU, by the path of its elements, in Weir's units.

use std::collections::BTreeMap;

/// A GPU's part of the document.
#[derive(Clone, Debug)]
pub(super) struct SmiGpu {
    pub(super) uuid: String,
    /// The text of each element without elements of its own; of several of one path, the first.
    texts: BTreeMap<String, String>,
}

/// What is said of one thing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Said {
    Number(f64),
    /// `N/A`.
    NotAvailable,
    /// There is no such element: this version of `nvidia-smi` does not print it.
    Nothing,
}

/// The GPUs of the document.
pub(super) fn read(xml: &str) -> Result<Vec<SmiGpu>, roxmltree::Error> {
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
    let document = roxmltree::Document::parse_with_options(xml, options)?;
    let gpus = document.root_element().children().filter(|node| node.has_tag_name("gpu"));
    Ok(gpus.map(gpu).collect())
}

fn gpu(node: roxmltree::Node<'_, '_>) -> SmiGpu {
    let mut texts = BTreeMap::new();
    collect(node, "", &mut texts);
    SmiGpu { uuid: texts.get("uuid").cloned().unwrap_or_default(), texts }
}

fn collect(node: roxmltree::Node<'_, '_>, path: &str, texts: &mut BTreeMap<String, String>) {
    for child in node.children().filter(roxmltree::Node::is_element) {
        let name = child.tag_name().name();
        let path = if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
        if child.first_element_child().is_some() {
            collect(child, &path, texts);
        } else {
            texts.entry(path).or_insert_with(|| child.text().unwrap_or_default().trim().to_owned());
        }
    }
}

impl SmiGpu {
    /// What the element at `path` says. `a|b` is whichever there is, `a+b` the sum of both.
    pub(super) fn said(&self, path: &str) -> Said {
        let any = path.split('|').map(|path| self.sum(path));
        any.into_iter().find(|said| *said != Said::Nothing).unwrap_or(Said::Nothing)
    }

    fn sum(&self, path: &str) -> Said {
        let parts = path.split('+').map(|path| self.one(path));
        let sum = parts.reduce(|sum, part| match (sum, part) {
            (Said::Number(a), Said::Number(b)) => Said::Number(a + b),
            (Said::Number(_), other) | (other, _) => other,
        });
        sum.unwrap_or(Said::Nothing)
    }

    fn one(&self, path: &str) -> Said {
        if let Some(text) = self.texts.get(path) {
            return number(text).map_or(Said::NotAvailable, Said::Number);
        }
        // What stands above may be `N/A` as a whole.
        match path.rsplit_once('/') {
            Some((above, _)) if self.texts.get(above).is_some_and(|text| number(text).is_none()) => {
                Said::NotAvailable
            }
            Some((above, _)) if above.contains('/') => self.one(above),
            _ => Said::Nothing,
        }
    }

    /// Makes it say something else.
    pub(super) fn overwrite(&mut self, path: &str, text: &str) {
        self.texts.insert(path.to_owned(), text.to_owned());
    }
}

/// `5120 MiB` in bytes, `87 %` as a ratio, `P2`, `16x`, `Yes`; nothing for `N/A` and what is no number.
fn number(text: &str) -> Option<f64> {
    match text {
        "No" | "Disabled" | "Not Active" | "None" => return Some(0.0),
        "Yes" | "Enabled" | "Active" | "Reset" => return Some(1.0),
        "Reboot" => return Some(2.0),
        "Drain P2P" => return Some(3.0),
        "Drain and Reset" => return Some(4.0),
        _ => {}
    }
    let (number, unit) = text.split_once(' ').unwrap_or((text, ""));
    let number: f64 = number.trim_start_matches('P').trim_end_matches('x').parse().ok()?;
    match unit {
        "" | "C" | "W" | "MHz" | "bank(s)" => Some(number),
        "MiB" => Some(number * 1_048_576.0),
        "%" => Some(number / 100.0),
        _ => None,
    }
}

#[test]
fn words_and_units_are_numbers_and_what_is_missing_is_told_from_what_is_not_available() {
    let xml = "<?xml version=\"1.0\" ?>\n<!DOCTYPE nvidia_smi_log SYSTEM \"nvsmi_device_v13.dtd\">\n<nvidia_smi_log><gpu id=\"0\">\
               <uuid>GPU-1</uuid><fan_speed>N/A</fan_speed><performance_state>P8</performance_state><a><b>16x</b><c>2 %</c>\
               <d>3 MiB</d><e>Not Active</e></a><remapped_rows>N/A</remapped_rows></gpu></nvidia_smi_log>";
    let gpus = read(xml).unwrap();
    let said = |path: &str| gpus[0].said(path);
    assert_eq!((gpus.len(), &*gpus[0].uuid), (1, "GPU-1"));
    assert_eq!(said("fan_speed"), Said::NotAvailable);
    assert_eq!(said("performance_state"), Said::Number(8.0));
    assert_eq!(said("a/b"), Said::Number(16.0));
    assert_eq!(said("a/c"), Said::Number(0.02));
    assert_eq!(said("a/d"), Said::Number(3_145_728.0));
    assert_eq!(said("a/e"), Said::Number(0.0));
    assert_eq!(said("a/f"), Said::Nothing);
    assert_eq!(said("older|a/b"), Said::Number(16.0));
    assert_eq!(said("a/b+a/c"), Said::Number(16.02));
    assert_eq!(said("remapped_rows/remapped_row_corr"), Said::NotAvailable);
    assert_eq!(said("remapped_rows/row_remapper_histogram/max"), Said::NotAvailable);
}
