//! `file_sd_configs`: files that are looked at every few seconds. A file that cannot be read leaves what it said before; one that
//! is gone takes its targets with it.
//!
//! Contents are compared, not times, and no events of the kernel are waited for: a ConfigMap of Kubernetes is a link that changes,
//! and network filesystems send no events.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::task::spawn_blocking;

use super::{Group, Teller, groups};
use crate::prometheus::{config::FileSd, files};

/// How often files are looked at, at least.
const LOOK: Duration = Duration::from_secs(5);
/// The largest file that is read, in bytes: a hundred thousand targets take about ten million.
const MAX_FILE: u64 = 64 << 20;

#[derive(Debug)]
pub(in crate::prometheus) struct FileSource {
    patterns: Vec<PathBuf>,
    every: Duration,
}

/// What the files said last.
type Known = BTreeMap<PathBuf, Content>;

/// A file's bytes, and what they say.
type Content = (Vec<u8>, Vec<Group>);

impl FileSource {
    pub(super) fn new(config: &FileSd) -> Self {
        Self { patterns: config.patterns(), every: config.refresh_interval.0.min(LOOK) }
    }

    pub(super) async fn run(self, teller: Teller) {
        let mut known = Known::new();
        let mut is_first = true;
        while !teller.is_over() {
            let patterns = self.patterns.clone();
            // Files can be far away.
            let looked = spawn_blocking(move || {
                let changed = look(&patterns, &mut known);
                (known, changed)
            });
            let Ok((now, (changed, troubles))) = looked.await else { return };
            known = now;
            troubles.iter().for_each(|trouble| teller.complain(trouble));
            if changed || is_first {
                is_first = false;
                teller.tell(known.values().flat_map(|(_, groups)| groups.clone()).collect()).await;
            }
            teller.context.clock.sleep(self.every).await;
        }
    }
}

/// Reads what has changed; answers whether anything has, and what could not be read.
fn look(patterns: &[PathBuf], known: &mut Known) -> (bool, Vec<String>) {
    let mut troubles = Vec::new();
    let mut found = Vec::new();
    for pattern in patterns {
        match files::matching(pattern) {
            Ok(paths) => found.extend(paths),
            Err(error) => troubles.push(format!("`{}`: {error}", pattern.display())),
        }
    }
    let before = known.len();
    known.retain(|path, _| found.contains(path));
    let mut changed = known.len() != before;
    for path in found {
        match read(&path, known.get(&path).map(|(content, _)| content)) {
            Ok(None) => {}
            Ok(Some(new)) => {
                changed = true;
                known.insert(path, new);
            }
            Err(Trouble::Gone) => changed |= known.remove(&path).is_some(),
            Err(Trouble::Other(error)) => troubles.push(format!("`{}`: {error}", path.display())),
        }
    }
    (changed, troubles)
}

enum Trouble {
    Gone,
    Other(String),
}

/// The file's content and groups; `None` where it is as it was.
fn read(path: &Path, before: Option<&Vec<u8>>) -> Result<Option<Content>, Trouble> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => Trouble::Gone,
        _ => Trouble::Other(error.to_string()),
    };
    let size = fs::metadata(path).map_err(failed)?.len();
    if size > MAX_FILE {
        return Err(Trouble::Other(format!("{size} bytes are more than the {MAX_FILE} that are read")));
    }
    let content = fs::read(path).map_err(failed)?;
    if before == Some(&content) {
        return Ok(None);
    }
    let is_json = path.extension().is_some_and(|extension| extension == "json");
    let groups = if is_json {
        groups::of_json(&content).map_err(|error| error.to_string())
    } else {
        groups::of_yaml(&content).map_err(|error| error.to_string())
    };
    let mut groups = groups.map_err(Trouble::Other)?;
    for Group { labels, .. } in &mut groups {
        labels.set("__meta_filepath", &path.display().to_string());
    }
    Ok(Some((content, groups)))
}
