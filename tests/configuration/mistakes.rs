//! Files with many mistakes: one run tells all of them. A `# !` marks each line with a mistake, a mark a mistake; how it looks
//! on the terminal stands in the file of the same name that ends in `.stderr`. `UPDATE_GOLDEN=1` writes those anew: read what
//! has changed before you commit it.

use std::{collections::BTreeMap, path::PathBuf};

use weir_config::Severity;

use crate::{engine, root, weir};

fn files() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join("tests/configuration/mistakes")).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    assert!(files.len() >= 5, "{files:?}");
    files
}

/// How many mistakes each line is marked with, lines from 1.
fn marks(text: &str) -> BTreeMap<usize, usize> {
    let marks = text.lines().map(|line| line.rsplit_once("# ").map_or("", |(_, mark)| mark));
    let marks = marks.map(|mark| if mark.chars().all(|c| c == '!') { mark.len() } else { 0 });
    (1..).zip(marks).filter(|(_, marks)| *marks > 0).collect()
}

#[test]
fn every_mistake_is_told_in_one_run() {
    for file in files() {
        let text = std::fs::read_to_string(&file).unwrap();
        let mut told = BTreeMap::new();
        for found in engine::findings(&text).iter().filter(|found| found.severity == Severity::Error) {
            *told.entry(text[..found.range.start].matches('\n').count() + 1).or_default() += 1;
        }
        assert_eq!(told, marks(&text), "{}", file.display());
        assert!(told.values().sum::<usize>() >= 10, "{}", file.display());
    }
}

#[test]
fn the_text_on_the_terminal_is_as_it_was() {
    for file in files() {
        let golden = file.with_extension("stderr");
        let name = file.strip_prefix(root()).unwrap().to_str().unwrap();
        let ended = weir::run(&["validate", "-c", name], &[]);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{name}");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&golden, &ended.stderr).unwrap();
        }
        let expected = std::fs::read_to_string(&golden).unwrap_or_default();
        assert_eq!(ended.stderr, expected, "{name}; UPDATE_GOLDEN=1 if this is better");
        let run = weir::run(&["run", "-c", name], &[]);
        assert_eq!((run.code, run.stderr), (Some(2), expected), "`run` says what `validate` says");
    }
}
