//! What CPUs are, rather than what they do: how many cores there are, and how fast each runs.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

use super::{text, trouble::Trouble};

/// The frequencies in `/proc/cpuinfo`: a CPU's number as text, and Hz. Other architectures than x86 do not tell.
pub(super) fn frequencies(cpuinfo: &[u8]) -> impl Iterator<Item = (&[u8], f64)> {
    let mut number = None;
    text::lines(cpuinfo).filter_map(move |line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let value = line[colon + 1..].trim_ascii();
        match line[..colon].trim_ascii() {
            b"processor" => {
                number = text::number(value).map(|_| value);
                None
            }
            b"cpu MHz" => Some((number?, text::decimal(value)? * 1e6)),
            _ => None,
        }
    })
}

/// Counts cores: the sets of CPUs that share one, of which hyper-threading makes two.
#[derive(Debug)]
pub(super) struct Cores {
    /// `/sys/devices/system/cpu`.
    folder: PathBuf,
    /// What was counted, and how many CPUs were online then: it is counted anew when that changes.
    counted: Option<(u64, u64)>,
}

impl Cores {
    pub(super) fn new(root: &Path) -> Self {
        Self { folder: root.join("sys/devices/system/cpu"), counted: None }
    }

    /// The cores of `cpus` CPUs that are online.
    pub(super) fn count(&mut self, cpus: u64) -> Result<u64, Trouble> {
        match self.counted {
            Some((of, cores)) if of == cpus => Ok(cores),
            _ => {
                let cores = cores(&self.folder)?;
                self.counted = Some((cpus, cores));
                Ok(cores)
            }
        }
    }
}

/// How many different sets there are.
fn cores(folder: &Path) -> Result<u64, Trouble> {
    let mut sets = HashSet::new();
    let unreadable = |source| Trouble::Unreadable { path: folder.to_owned(), source };
    for entry in fs::read_dir(folder).map_err(unreadable)?.flatten() {
        let name = entry.file_name();
        let number = name.as_encoded_bytes().strip_prefix(b"cpu").and_then(text::number);
        // A CPU that is offline has no topology.
        if number.is_some()
            && let Ok(siblings) = fs::read(entry.path().join("topology/thread_siblings_list"))
        {
            sets.insert(siblings);
        }
    }
    let none = || Trouble::Malformed {
        path: folder.to_owned(),
        wanted: "core (cpu0/topology/thread_siblings_list)",
    };
    if sets.is_empty() { Err(none()) } else { Ok(sets.len() as u64) }
}
