//! Every key and every value of every file in `configs/` is made wrong in turn: misspelt, of the wrong type, removed, emptied,
//! given twice. The errors stand at exactly the tokens that `rules` names, and nowhere else.

use std::ops::Range;

use weir_config::Severity;

use crate::{
    configs, engine,
    rules::{self, Kind, Places, kind, place},
    weir::{self, Scratch},
    yaml::{self, Body, Entry, Token},
};

/// A file with one mistake.
struct Mutant {
    /// What was done, for messages.
    what: String,
    text: String,
    /// Where the mistake itself is an error; what follows from it for the rest of the file, `rules` says.
    wrong: Option<Range<usize>>,
}

/// A key or an item of a list, with its way from the root.
struct Found<'a> {
    path: Vec<String>,
    place: Place<'a>,
}

enum Place<'a> {
    /// A key; the next key of the same map, where there is one.
    Entry(&'a Entry, Option<&'a Entry>),
    /// An item of `[a, b]`: all items, and which.
    Item(&'a [Token], usize),
}

/// Every key and every item of the tree.
fn all<'a>(body: &'a Body, path: &[String], found: &mut Vec<Found<'a>>) {
    let deeper = |key: &str| path.iter().cloned().chain([key.to_owned()]).collect::<Vec<_>>();
    match body {
        Body::Empty | Body::Scalar(_) => {}
        Body::Map(entries) => {
            for (at, entry) in entries.iter().enumerate() {
                let path = deeper(&entry.key.text);
                found.push(Found { path: path.clone(), place: Place::Entry(entry, entries.get(at + 1)) });
                all(&entry.body, &path, found);
            }
        }
        Body::Flow(_, items) => {
            found.extend(
                (0..items.len()).map(|at| Found { path: path.to_vec(), place: Place::Item(items, at) }),
            );
        }
        Body::List(items) => {
            for (at, item) in items.iter().enumerate() {
                all(item, &deeper(&at.to_string()), found);
            }
        }
    }
}

/// A process for each of them would take longer than it tells.
const BINARY_TRIES_EVERY: usize = 11;

/// A value of each type that YAML has.
const WRONG: [&str; 7] = ["{wrong: [x]}", "[wrong]", "[[wrong]]", "wrong", "17", "true", "-1"];

struct Maker<'a> {
    text: &'a str,
    mutants: Vec<Mutant>,
}

impl Maker<'_> {
    /// Puts `by` in place of `range`; `wrong` is a part of `by` that is then an error.
    fn replace(&mut self, what: &str, range: Range<usize>, by: &str, wrong: Option<Range<usize>>) {
        let old = &self.text[range.clone()];
        let line = self.text[..range.start].matches('\n').count() + 1;
        let mut text = self.text.to_owned();
        text.replace_range(range.clone(), by);
        let wrong = wrong.map(|part| range.start + part.start..range.start + part.end);
        self.mutants.push(Mutant { what: format!("line {line}: {what}: {old:?} -> {by:?}"), text, wrong });
    }

    /// The whole of `by` is wrong, or nothing of it.
    fn swap(&mut self, what: &str, range: Range<usize>, by: &str, is_wrong: bool) {
        self.replace(what, range, by, is_wrong.then_some(0..by.len()));
    }

    fn found(&mut self, found: &Found<'_>) {
        let kind = kind(&found.path);
        match &found.place {
            Place::Entry(entry, next) => self.entry(&found.path, kind, entry, *next),
            Place::Item(items, at) => self.item(kind, items, *at),
        }
    }

    fn entry(&mut self, path: &[String], kind: Kind, entry: &Entry, next: Option<&Entry>) {
        self.misspelt_key(path, &entry.key);
        self.removed(entry, next);
        self.twice(entry);
        self.emptied(kind, entry);
        match &entry.body {
            Body::Scalar(token) => {
                for by in WRONG {
                    // Where a word stands for a choice, a map is a choice with something in it: its key is the wrong word.
                    let is_choice = matches!(kind, Kind::Word | Kind::Choice) && by.starts_with('{');
                    let wrong = if is_choice { 1..1 + "wrong".len() } else { 0..by.len() };
                    self.replace("wrong value", token.range.clone(), by, (!kind.takes(by)).then_some(wrong));
                }
                self.misspelt_value(kind, token);
            }
            Body::Flow(range, _) => {
                for by in WRONG.into_iter().filter(|by| *by != "[[wrong]]") {
                    // A list of choices takes a list; the wrong word is told in it.
                    let wrong = if matches!(kind, Kind::Choices | Kind::Measurements) && by == "[wrong]" {
                        1..1 + "wrong".len()
                    } else {
                        0..by.len()
                    };
                    self.replace("wrong value", range.clone(), by, (!kind.takes(by)).then_some(wrong));
                }
            }
            Body::Empty | Body::Map(_) | Body::List(_) => {
                // A map would be told at its unknown key, a list of a list at its item.
                let body = entry.key.range.end + 1..entry.whole.end;
                for by in WRONG.into_iter().filter(|by| !by.contains("[x]")) {
                    // A list of actions takes a list; what stands in it is told there.
                    let is_list = matches!(entry.body, Body::List(_)) && by.starts_with('[');
                    let part = if is_list { 2..by.len() } else { 1..1 + by.len() };
                    self.replace("wrong value", body.clone(), &format!(" {by}"), Some(part));
                }
            }
        }
    }

    fn item(&mut self, kind: Kind, items: &[Token], at: usize) {
        let item = &items[at];
        let is_free = !matches!(kind, Kind::Choices | Kind::Measurements);
        let kind_of_item = if is_free { Kind::Text } else { Kind::Choice };
        for by in WRONG {
            let wrong =
                if kind == Kind::Choices && by.starts_with('{') { 1..1 + "wrong".len() } else { 0..by.len() };
            self.replace("wrong item", item.range.clone(), by, (!kind_of_item.takes(by)).then_some(wrong));
        }
        self.misspelt_value(kind, item);
        let range = match items.get(at + 1) {
            Some(next) => item.range.start..next.range.start,
            None if at > 0 => items[at - 1].range.end..item.range.end,
            None => item.range.clone(),
        };
        self.swap("item removed", range, "", false);
    }

    /// A letter more: in the type of an id, because any name will do behind its slash.
    fn misspelt_key(&mut self, path: &[String], key: &Token) {
        let text = &self.text[key.range.clone()];
        if !rules::is_id(path) {
            return self.swap("misspelt", key.range.clone(), &format!("{text}z"), !rules::is_free_name(path));
        }
        let (kind, name) = text.split_once('/').map_or((text, None), |(kind, name)| (kind, Some(name)));
        let name = name.map(|name| format!("/{name}")).unwrap_or_default();
        self.swap("misspelt type", key.range.clone(), &format!("{kind}z{name}"), true);
        self.swap(
            "renamed",
            key.range.clone(),
            &format!("{kind}{name}{}", if name.is_empty() { "/z" } else { "z" }),
            false,
        );
    }

    fn misspelt_value(&mut self, kind: Kind, token: &Token) {
        let text = &self.text[token.range.clone()];
        let by = text.strip_suffix('\'').map_or_else(|| format!("{text}z"), |text| format!("{text}z'"));
        self.swap("misspelt", token.range.clone(), &by, !kind.takes_any_text());
    }

    /// With its lines; the key that follows takes its place, so that a dash before it stays.
    fn removed(&mut self, entry: &Entry, next: Option<&Entry>) {
        let line = self.text[..entry.key.range.start].rfind('\n').map_or(0, |newline| newline + 1);
        let range = next.map_or(line..entry.whole.end, |next| entry.key.range.start..next.key.range.start);
        self.swap("removed", range, "", false);
    }

    /// The entry again, behind itself.
    fn twice(&mut self, entry: &Entry) {
        let again = &self.text[entry.whole.clone()];
        let column =
            entry.key.range.start - self.text[..entry.key.range.start].rfind('\n').map_or(0, |at| at + 1);
        let by = format!("\n{}{again}", " ".repeat(column));
        // Behind the comment of the last line.
        let end = self.text[entry.whole.end..].find('\n').map_or(self.text.len(), |at| entry.whole.end + at);
        self.replace("twice", end..end, &by, Some(1 + column..1 + column + entry.key.range.len()));
    }

    /// The key stays, its value goes: told at the key where a value must be.
    fn emptied(&mut self, kind: Kind, entry: &Entry) {
        let key = &self.text[entry.key.range.clone()];
        let wrong = kind.is_required().then_some(0..key.len());
        let by = format!("{key}:");
        self.replace("emptied", entry.whole.clone(), &by, wrong);
    }
}

fn mutants(text: &str) -> Vec<Mutant> {
    let tree = yaml::parse(text);
    let mut found = Vec::new();
    all(&tree, &[], &mut found);
    let mut maker = Maker { text, mutants: Vec::new() };
    for found in &found {
        maker.found(found);
    }
    maker.mutants.retain(|mutant| mutant.text != text);
    maker.mutants
}

fn expected(mutant: &Mutant) -> Places {
    let tree = yaml::parse(&mutant.text);
    let own = mutant.wrong.iter().map(place);
    own.chain(rules::graph(&tree))
        .chain(rules::actions(&tree))
        .chain(rules::switches(&tree))
        .chain(rules::measurements(&tree))
        .chain(rules::jobs(&tree))
        .collect()
}

fn errors(text: &str) -> Places {
    let findings = engine::findings(text);
    let errors = findings.iter().filter(|found| found.severity == Severity::Error);
    errors.map(|found| place(&found.range)).collect()
}

/// The tokens at `places`, for people.
fn shown(text: &str, places: &Places) -> Vec<String> {
    let line = |at: usize| text[..at].matches('\n').count() + 1;
    places.iter().map(|(start, end)| format!("line {}: {:?}", line(*start), &text[*start..*end])).collect()
}

#[test]
fn each_file_is_right_as_it_is() {
    for file in configs() {
        let text = std::fs::read_to_string(&file).unwrap();
        assert_eq!(engine::findings(&text), [], "{}", file.display());
        assert_eq!(expected(&Mutant { what: String::new(), text, wrong: None }), Places::new());
    }
}

#[test]
fn each_mistake_in_each_file_is_told_at_its_token_and_nowhere_else() {
    let mut wrong = Vec::new();
    let (mut tried, mut refused) = (0, 0);
    for file in configs() {
        let text = std::fs::read_to_string(&file).unwrap();
        for mutant in mutants(&text) {
            let (expected, found) = (expected(&mutant), errors(&mutant.text));
            tried += 1;
            refused += usize::from(!expected.is_empty());
            if expected != found {
                let name = file.file_name().unwrap().to_string_lossy();
                let messages: Vec<_> =
                    engine::findings(&mutant.text).into_iter().map(|found| found.message).collect();
                wrong.push(format!(
                    "{name} {}\n  expected {:?}\n  found    {:?}\n  {messages:?}",
                    mutant.what,
                    shown(&mutant.text, &expected),
                    shown(&mutant.text, &found)
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {tried}:\n{}", wrong.len(), wrong.join("\n"));
    println!("{tried} mutants, {refused} of them wrong");
    assert!(tried > 1000 && refused > 700, "{tried} {refused}");
}

/// The same for a part of them through the binary: on the terminal stand the token's file, line and column.
#[test]
fn the_terminal_names_file_line_and_column() {
    let scratch = Scratch::new("mutations");
    for file in configs() {
        let text = std::fs::read_to_string(&file).unwrap();
        let wrong = mutants(&text).into_iter().filter(|mutant| mutant.wrong.is_some());
        for mutant in wrong.step_by(BINARY_TRIES_EVERY) {
            let before = &mutant.text[..mutant.wrong.as_ref().map_or(0, |wrong| wrong.start)];
            let path = scratch.file("mutant.yaml", &mutant.text);
            let ended = weir::run(&["validate", "-c", path.to_str().unwrap()], &[]);
            let line = before.matches('\n').count() + 1;
            let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
            let place = format!("{}:{line}:{column}\n", path.display());
            assert_eq!(ended.code, Some(2), "{}", mutant.what);
            assert!(ended.stderr.contains(&place), "{}: no {place} in\n{}", mutant.what, ended.stderr);
            assert_eq!(ended.stdout, "", "{}", mutant.what);
        }
    }
}
