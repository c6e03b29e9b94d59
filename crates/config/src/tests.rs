//! Tests of the crate as its users see it.

mod check;
mod deserialize;
mod fuzz;
mod load;
mod merge;
mod mutate;
mod oracle;
mod print;
mod spans;
mod substitute;
mod types;

use crate::{Diagnostics, Document, Env, Node, Severity, Source, load as load_sources};

/// Loads one text, with `HOST`, `PORT` and `EMPTY` set.
fn load(text: &str) -> (Document, Diagnostics) {
    load_with(&[text], &[])
}

/// Loads several texts, called `0.yaml`, `1.yaml`, …, and applies `--set` values.
fn load_with(texts: &[&str], sets: &[&str]) -> (Document, Diagnostics) {
    let env = Env::from_pairs([("HOST", "db"), ("PORT", "8080"), ("EMPTY", "")]);
    load_env(texts, sets, &env)
}

fn load_env(texts: &[&str], sets: &[&str], env: &Env) -> (Document, Diagnostics) {
    let sources: Vec<_> = texts
        .iter()
        .enumerate()
        .map(|(index, text)| Source::Text { name: format!("{index}.yaml"), text: (*text).to_owned() })
        .collect();
    let sets: Vec<_> = sets.iter().map(|set| (*set).to_owned()).collect();
    let mut diags = Diagnostics::new();
    let document = load_sources(&sources, &sets, env, &mut diags);
    (document, diags)
}

/// The root of a text that loads without a word.
fn root(text: &str) -> Node {
    let (document, diags) = load(text);
    assert!(diags.is_empty(), "{}", diags.render(document.sources(), false));
    document.root().clone()
}

/// Each finding as `line:column token: message`, or `file:line:column …` where it is not in the first source.
fn told(document: &Document, diags: &Diagnostics) -> Vec<String> {
    diags
        .iter()
        .map(|found| {
            let warning = if found.severity == Severity::Warning { "warning: " } else { "" };
            let Some(span) = found.span else { return format!("{warning}{}", found.message) };
            let (line, column) = document.sources().position(span);
            let name = match document.sources().name(span.source) {
                "0.yaml" => String::new(),
                name => format!("{name}:"),
            };
            format!(
                "{name}{line}:{column} {:?}: {warning}{}",
                document.sources().snippet(span),
                found.message
            )
        })
        .collect()
}

/// What loading the text alone finds.
fn findings(text: &str) -> Vec<String> {
    let (document, diags) = load(text);
    told(&document, &diags)
}
