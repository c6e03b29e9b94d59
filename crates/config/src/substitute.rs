//! `${env:NAME}`, `${env:NAME:-default}`, `${NAME}`, `${NAME:-default}`, `${file:/path}` and `$$`, in scalars.
//!
//! A scalar that is one `${…}` and has no quotes is typed as YAML afterwards; inside a longer text it is text. What a
//! variable or a file holds is taken as it is, so a `$` in a password needs no escape; a default is part of the
//! configuration, so it may hold another `${…}`. `$1`, `${1}`, `$name` and a `$` at the end stay as they are: they
//! are what regular expressions replace with.

pub(crate) mod token;

use std::path::Path;

use crate::env::Variable;
use crate::source::{MAX_SOURCE_BYTES, read_bounded};
use crate::{Diagnostics, Entry, Env, Node, SourceMap, Span, Value, nearest, parse, scalar};
use token::{Piece, pieces};

/// How many `${…}` one scalar may have, nested ones included (the Collector's bound).
const MAX_EXPANSIONS: usize = 100;

/// How many bytes all `${…}` of a load may become together.
const MAX_EXPANDED_BYTES: usize = 16 << 20;

/// The schemes of `${scheme:…}`.
const SCHEMES: [&str; 2] = ["env", "file"];

/// Replaces every `${…}` in the values below `node`.
pub(crate) fn substitute(
    node: Node,
    sources: &SourceMap,
    env: &Env,
    nodes_left: &mut usize,
    diags: &mut Diagnostics,
) -> Node {
    Substitution { sources, env, nodes_left, bytes_left: MAX_EXPANDED_BYTES, diags }.node(node)
}

struct Substitution<'a> {
    sources: &'a SourceMap,
    env: &'a Env,
    nodes_left: &'a mut usize,
    bytes_left: usize,
    diags: &'a mut Diagnostics,
}

/// The scalar cannot be replaced; why has been reported.
struct Failed;

impl Substitution<'_> {
    fn node(&mut self, node: Node) -> Node {
        let value = match node.value {
            Value::Str(text) if text.contains('$') => {
                return self.scalar(&text, Node { value: Value::Null, ..node });
            }
            Value::Seq(items) => Value::Seq(items.into_iter().map(|item| self.node(item)).collect()),
            Value::Map(entries) => {
                let replaced = |entry: Entry| Entry { value: self.node(entry.value), ..entry };
                Value::Map(entries.into_iter().map(replaced).collect())
            }
            other => other,
        };
        Node { value, ..node }
    }

    /// A scalar that has a `$`; `old` is its node.
    fn scalar(&mut self, text: &str, old: Node) -> Node {
        let span = old.span;
        let mut scalar = Scalar { span, is_source: true, expansions: 0, searched: 0 };
        let Ok(expanded) = self.text(text, &mut scalar) else {
            return Node { value: Value::Str(text.to_owned()), ..old }.into_broken();
        };
        let is_one_token = matches!(pieces(text).as_slice(), [Piece::Token { .. }]) && scalar.expansions > 0;
        if is_one_token && !old.is_quoted() {
            return self.typed(&expanded, span).named(old.named_by);
        }
        Node { value: Value::Str(expanded), ..old }
    }

    /// The value that the whole of a scalar became.
    fn typed(&mut self, text: &str, span: Span) -> Node {
        let mut unread = Diagnostics::new();
        let parsed = parse::parse(span.source, text, 0, self.nodes_left, &mut unread);
        match parsed {
            // A collection keeps its text too: the value of a string key may look like one.
            Some(node) if matches!(node.value, Value::Seq(_) | Value::Map(_)) && !unread.has_errors() => {
                at_span(node, span).with_text(text)
            }
            Some(node) if node.is_quoted() && !unread.has_errors() => at_span(node, span),
            _ => match scalar::typed(text.trim()) {
                // Text is taken as it is: YAML would cut `a #b` and refuse `@a`.
                Value::Str(_) => Node::new(Value::Str(text.to_owned()), span),
                _ => Node::plain(text.trim(), span),
            },
        }
    }

    /// Replaces the tokens of a text.
    fn text(&mut self, text: &str, scalar: &mut Scalar) -> Result<String, Failed> {
        let mut out = String::with_capacity(text.len());
        let mut failed = false;
        for piece in pieces(text) {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Dollar => {
                    scalar.locate("$$", self.sources);
                    out.push('$');
                }
                Piece::Unclosed(rest) => {
                    let at = scalar.locate(rest, self.sources);
                    self.diags
                        .error(at, "`${` is never closed")
                        .help("a `$` that is meant as text is written `$$`");
                    return Err(Failed);
                }
                Piece::Token { whole, body } => {
                    let at = scalar.locate(whole, self.sources);
                    match self.token(whole, body, at, scalar) {
                        Ok(value) => out.push_str(&value),
                        // The tokens behind are looked at too, unless there are too many.
                        Err(Failed) if scalar.expansions <= MAX_EXPANSIONS => failed = true,
                        Err(Failed) => return Err(Failed),
                    }
                }
            }
        }
        if failed { Err(Failed) } else { Ok(out) }
    }

    fn token(&mut self, whole: &str, body: &str, at: Span, scalar: &mut Scalar) -> Result<String, Failed> {
        scalar.expansions += 1;
        if scalar.expansions > MAX_EXPANSIONS {
            self.diags.error(scalar.span, format!("more than {MAX_EXPANSIONS} `${{…}}` in one value"));
            return Err(Failed);
        }
        let (head, default) = token::split_default(body);
        let head = self.nested(head, at, scalar)?;
        let value = match head.split_once(':') {
            Some(("env", name)) => self.variable(name, default, at, scalar)?,
            Some(("file", _)) => {
                let path = self.nested(body, at, scalar)?;
                self.file(&path["file:".len()..], at)?
            }
            Some((scheme, _)) => return self.unknown_scheme(scheme, at),
            None => self.variable(&head, default, at, scalar)?,
        };
        let Some(left) = self.bytes_left.checked_sub(value.len()) else {
            let limit = MAX_EXPANDED_BYTES >> 20;
            self.diags
                .error(at, format!("all `${{…}}` together become more than {limit} MiB, `{whole}` included"));
            return Err(Failed);
        };
        self.bytes_left = left;
        Ok(value)
    }

    /// A part of a token, whose own tokens are replaced first.
    fn nested(&mut self, text: &str, at: Span, scalar: &mut Scalar) -> Result<String, Failed> {
        let mut inner = Scalar { span: at, is_source: false, expansions: scalar.expansions, searched: 0 };
        let replaced = self.text(text, &mut inner);
        scalar.expansions = inner.expansions;
        replaced
    }

    fn variable(
        &mut self,
        name: &str,
        default: Option<&str>,
        at: Span,
        scalar: &mut Scalar,
    ) -> Result<String, Failed> {
        if !token::is_variable_name(name) {
            self.diags
                .error(at, format!("`{name}` cannot be the name of an environment variable"))
                .help("a name has letters, digits and `_`; a `$` that is meant as text is written `$$`");
            return Err(Failed);
        }
        match (self.env.get(name), default) {
            (Variable::Set(value), _) => Ok(value.to_owned()),
            (Variable::Unset, Some(default)) => self.nested(default, at, scalar),
            (Variable::Unset, None) => {
                let near = self.env.nearest(name);
                let error = self.diags.error(at, format!("environment variable `{name}` is not set"));
                if let Some(near) = near {
                    error.help(format!("`{near}` is set"));
                }
                error
                    .help(format!("if it may be unset, give a default: `${{env:{name}:-}}` is an empty one"));
                Err(Failed)
            }
            (Variable::NotUtf8, _) => {
                self.diags.error(at, format!("environment variable `{name}` holds bytes that are not UTF-8"));
                Err(Failed)
            }
        }
    }

    /// The content of a file, without the newline that editors put at its end.
    fn file(&mut self, path: &str, at: Span) -> Result<String, Failed> {
        let why = match read_bounded(Path::new(path)) {
            Ok(bytes) if bytes.len() as u64 > MAX_SOURCE_BYTES => {
                format!("it is larger than {} MiB", MAX_SOURCE_BYTES >> 20)
            }
            Ok(bytes) => match String::from_utf8(bytes) {
                Ok(text) => {
                    let text = text.strip_suffix('\n').unwrap_or(&text);
                    return Ok(text.strip_suffix('\r').unwrap_or(text).to_owned());
                }
                Err(_) => "it is not UTF-8".to_owned(),
            },
            Err(error) => error.to_string(),
        };
        self.diags.error(at, format!("cannot read `{path}`: {why}"));
        Err(Failed)
    }

    fn unknown_scheme<T>(&mut self, scheme: &str, at: Span) -> Result<T, Failed> {
        let error = self.diags.error(at, format!("unknown source `{scheme}:` in `${{…}}`"));
        if let Some(near) = nearest(scheme, SCHEMES) {
            error.help(format!("did you mean `{near}:`?"));
        }
        error.help(
            "`${env:NAME}` reads a variable, `${file:/path}` a file; a `$` that is meant as text is `$$`",
        );
        Err(Failed)
    }
}

/// A scalar whose tokens are replaced.
struct Scalar {
    span: Span,
    /// Whether its text is what the source has, not a part of a token.
    is_source: bool,
    expansions: usize,
    /// How far into the source text the tokens have been located.
    searched: usize,
}

impl Scalar {
    /// The place of a token: the next time its text stands in the source, which escapes and folded lines shift against
    /// the scalar's text. When it stands there in another spelling, the whole scalar.
    fn locate(&mut self, token: &str, sources: &SourceMap) -> Span {
        let source = sources.snippet(self.span);
        let found = source.get(self.searched..).and_then(|rest| rest.find(token));
        let Some(at) = found.filter(|_| self.is_source) else { return self.span };
        let start = self.span.start as usize + self.searched + at;
        self.searched += at + token.len();
        Span::new(self.span.source, start..start + token.len())
    }
}

/// The tree with every span at the token that it came from.
fn at_span(node: Node, span: Span) -> Node {
    let value = match node.value {
        Value::Seq(items) => Value::Seq(items.into_iter().map(|item| at_span(item, span)).collect()),
        Value::Map(entries) => Value::Map(
            entries
                .into_iter()
                .map(|entry| Entry::new(entry.key, span, at_span(entry.value, span)))
                .collect(),
        ),
        other => other,
    };
    Node { value, span, ..node }
}
