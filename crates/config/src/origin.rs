//! Where a value came from, in words: what `print-config --origins` writes behind it.

use crate::env::Variable;
use crate::substitute::token::{Piece, pieces, split_default};
use crate::{Document, Env, Node};

impl Document {
    /// Where the value was written: `weir.yaml:12`, and what its `${…}` came from; `--set a.b` for a value that was set on
    /// the command line. Never the value itself, which may be a secret.
    pub fn origin(&self, node: &Node, env: &Env) -> String {
        let sources = self.sources();
        let name = sources.name(node.span.source);
        if name == "--set" {
            let text = sources.text(node.span.source);
            return format!("--set {}", text.split_once('=').map_or(text, |(path, _)| path));
        }
        let mut words = format!("{name}:{}", sources.position(node.span).0);
        for piece in pieces(sources.snippet(node.span)) {
            if let Piece::Token { body, .. } = piece {
                words.push_str(", ");
                words.push_str(&token(split_default(body).0, env));
            }
        }
        words
    }
}

/// Where a `${…}` took its text from; `head` is what stands before its default.
fn token(head: &str, env: &Env) -> String {
    let name = match head.split_once(':') {
        Some(("file", path)) => return format!("file {path}"),
        Some((_, name)) => name,
        None => head,
    };
    match env.get(name) {
        Variable::Set(_) => format!("environment {name}"),
        Variable::Unset | Variable::NotUtf8 => format!("{name} is not set"),
    }
}

#[cfg(test)]
mod tests {
    use crate::{Diagnostics, Env, Source, annotated_yaml, load};

    #[test]
    fn every_value_says_where_it_was_written_and_what_it_was_made_of() {
        let text = |name: &str, text: &str| Source::Text { name: name.to_owned(), text: text.to_owned() };
        let sources = [
            text("a.yaml", "x:\n  region: ${env:REGION:-secret}\n  kept: 1\n  list: [a, '${Y}']\nempty:\n"),
            text("b.yaml", "# laid over a.yaml\nx: {zone: '${REGION}-${env:ZONE:-a}'}\n"),
        ];
        let env = Env::from_pairs([("Y", "why"), ("ZONE", "b")]);
        let env_with_region = Env::from_pairs([("REGION", "r"), ("Y", "why"), ("ZONE", "b")]);
        let mut diags = Diagnostics::new();
        let sets = ["x.kept=2".to_owned()];
        let document = load(&sources, &sets, &env_with_region, &mut diags);
        assert!(diags.is_empty(), "{}", diags.render(document.sources(), false));
        let printed = annotated_yaml(document.root(), true, |node| Some(document.origin(node, &env)));
        assert_eq!(
            printed,
            "x:
  region: r  # a.yaml:2, REGION is not set
  kept: 2  # --set x.kept
  list:
  - a  # a.yaml:4
  - why  # a.yaml:4, environment Y
  zone: r-b  # b.yaml:2, REGION is not set, environment ZONE
empty:  # a.yaml:5
"
        );
    }
}
