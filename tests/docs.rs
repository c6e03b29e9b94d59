//! The documentation says what is so: what it shows of files and of the program is compared with them.
//!
//! A fenced block says behind its language what it shows:
//!
//! - `run=ARGS`: what `weir ARGS` writes, in the repository's folder;
//! - `file=PATH`: a file of the repository;
//! - `valid`: a configuration, which `weir validate` must take without a word.
//!
//! `UPDATE_DOCS=1 cargo test --test docs` writes the blocks anew, to be read before they are kept.
#![allow(clippy::unwrap_used, clippy::panic, reason = "the helpers of a test")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Commands that end by themselves: a page must not start anything.
const COMMANDS: [&str; 5] = ["components", "graph", "print-config", "validate", "--help"];

#[test]
fn what_the_documentation_shows_is_so() {
    let update = std::env::var_os("UPDATE_DOCS").is_some();
    let mut wrong = Vec::new();
    let mut shown = 0;
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        let renewed = renewed(&text, |info, body| {
            shown += usize::from(info.contains('=') || info.ends_with(" valid"));
            current(info, body)
        });
        if renewed != text && update {
            fs::write(&page, renewed).unwrap();
        } else if renewed != text {
            wrong.push(page);
        }
    }
    assert!(wrong.is_empty(), "UPDATE_DOCS=1 cargo test --test docs renews {wrong:?}");
    assert!(shown > 10, "only {shown} blocks were compared: did their marks change?");
}

#[test]
fn every_component_has_a_page_and_every_page_a_component() {
    let listed = weir("components");
    let listed = listed.lines().filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next());
    let mut listed: Vec<String> = listed.map(str::to_owned).collect();
    let stem = |page: PathBuf| page.file_stem().unwrap().to_string_lossy().into_owned();
    let mut written: Vec<String> = markdown(&root().join("docs/components")).into_iter().map(stem).collect();
    listed.sort();
    listed.dedup(); // a receiver and an exporter of one name have one page
    written.sort();
    assert_eq!(listed, written);
}

#[test]
fn links_between_pages_lead_somewhere() {
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
        for target in targets.filter(|target| !target.is_empty() && !target.contains("://")) {
            let path = page.parent().unwrap().join(target);
            assert!(path.exists(), "{}: the link to {target} leads nowhere", page.display());
        }
    }
}

#[test]
fn the_code_map_of_core_has_every_file_and_no_other() {
    let page = fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    let table = page.split("Core, by file:").nth(1).unwrap().split("Config, by file:").next().unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    let mut mapped: Vec<String> =
        rows.flat_map(|row| words(row.split('|').nth(1).unwrap())).map(str::to_owned).collect();
    let core = root().join("crates/core/src");
    let files = |folder: PathBuf| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut there: Vec<String> = files(core.clone())
        .chain(files(core.join("graph")))
        .filter(|path| path.extension().is_some_and(|end| end == "rs"))
        .map(|path| path.strip_prefix(&core).unwrap().with_extension("").display().to_string())
        .filter(|name| !["lib", "graph"].contains(&name.as_str()))
        .collect();
    mapped.sort();
    there.sort();
    assert_eq!(mapped, there);
}

#[test]
fn tests_that_the_architecture_names_are_there() {
    let page = fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    let is_a_sentence = |word: &&str| {
        word.matches('_').count() > 2
            && word.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_')
    };
    let named: Vec<&str> = words(&page).filter(is_a_sentence).collect();
    assert!(named.len() > 30, "only {named:?} were found: do they look otherwise now?");
    let mut code = String::new();
    for folder in ["crates", "tests"] {
        gather(&root().join(folder), &mut code);
    }
    let missing: Vec<&str> =
        named.into_iter().filter(|name| !code.contains(&format!("fn {name}("))).collect();
    assert!(missing.is_empty(), "there is no test {missing:?}");
}

/// What stands between backticks.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Appends every Rust file below `folder` to `code`.
fn gather(folder: &Path, code: &mut String) {
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            gather(&path, code);
        } else if path.extension().is_some_and(|end| end == "rs") {
            *code += &fs::read_to_string(&path).unwrap();
        }
    }
}

/// The page with every block as `current` says it is now.
fn renewed(page: &str, mut current: impl FnMut(&str, &str) -> String) -> String {
    let mut text = String::new();
    let mut lines = page.split_inclusive('\n');
    while let Some(line) = lines.next() {
        text += line;
        if let Some(info) = line.strip_prefix("```") {
            let body: String = lines.by_ref().take_while(|line| !line.starts_with("```")).collect();
            text += &current(info.trim_end(), &body);
            text += "```\n";
        }
    }
    text
}

/// What a block of this kind must hold.
fn current(info: &str, body: &str) -> String {
    if let Some((_, arguments)) = info.split_once(" run=") {
        weir(arguments)
    } else if let Some((_, path)) = info.split_once(" file=") {
        fs::read_to_string(root().join(path)).unwrap()
    } else {
        if info.ends_with(" valid") {
            let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("example.yaml");
            fs::write(&file, body).unwrap();
            let said = weir(&format!("validate -c {}", file.display()));
            assert!(said.starts_with("valid: "), "an example is not valid:\n{body}\n{said}");
        }
        body.to_owned()
    }
}

/// What the program writes, to either output.
fn weir(arguments: &str) -> String {
    let arguments: Vec<&str> = arguments.split_whitespace().collect();
    assert!(COMMANDS.contains(&arguments[0]), "{arguments:?} might not end by itself");
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
    let output = command.args(&arguments).current_dir(root()).env_remove("UNSET").output().unwrap();
    let text = [output.stderr, output.stdout].concat();
    String::from_utf8(text).unwrap()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn pages() -> Vec<PathBuf> {
    let folders = ["docs", "docs/components"].map(|folder| root().join(folder));
    let mut pages = vec![root().join("README.md"), root().join("CONTRIBUTING.md")];
    pages.extend(folders.iter().flat_map(|folder| markdown(folder)));
    pages
}

fn markdown(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|end| end == "md")).collect();
    files.sort();
    files
}
