//! A node as YAML again: what `print-config` shows.

use std::fmt::Write;

use crate::types::REDACTED;
use crate::{Node, Value};

/// The node as YAML. With `redact`, the values of keys that [look secret](looks_secret), values that were read into a
/// [`Secret`](crate::Secret), and passwords in URLs are replaced.
///
/// The structure is written here and only text is quoted by the library: its numbers forget how they were written, and
/// `1.10` is a version to a string key.
pub fn to_yaml(node: &Node, redact: bool) -> String {
    annotated_yaml(node, redact, |_| None)
}

/// As [`to_yaml`], with what `note` says of a value as a comment behind it. A note is one line.
pub fn annotated_yaml(node: &Node, redact: bool, note: impl Fn(&Node) -> Option<String>) -> String {
    let mut printer = Printer { out: String::new(), redact, note: &note };
    match &node.value {
        Value::Map(entries) if !entries.is_empty() => printer.map(node, 0, false),
        Value::Seq(items) if !items.is_empty() => printer.seq(node, 0, false),
        _ => {
            printer.scalar(node, false);
            printer.out.push('\n');
        }
    }
    printer.out
}

/// Whether a key's name says that its value is a secret. A key that names where the secret is (`password_file`,
/// `token_url`) does not.
pub fn looks_secret(key: &str) -> bool {
    let key: String =
        key.chars().map(|c| if c == '-' || c == '.' { '_' } else { c.to_ascii_lowercase() }).collect();
    let names_a_place =
        ["_file", "_path", "_url", "_uri", "_endpoint", "_name", "_ttl", "_expiration", "_enabled"]
            .iter()
            .any(|end| key.ends_with(end));
    !names_a_place && SECRET_WORDS.iter().any(|word| key.contains(word))
}

const SECRET_WORDS: [&str; 16] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "api_key",
    "apikey",
    "authorization",
    "access_key",
    "accesskey",
    "private_key",
    "key_pem",
    "credential",
    "cookie",
    "bearer",
    "license_key",
];

struct Printer<'a> {
    out: String,
    redact: bool,
    note: &'a dyn Fn(&Node) -> Option<String>,
}

impl Printer<'_> {
    /// A map whose first key stands where the output stands now.
    fn map(&mut self, node: &Node, indent: usize, is_secret: bool) {
        for (index, entry) in node.entries().iter().enumerate() {
            if index > 0 {
                self.indent(indent);
            }
            self.text(&entry.key);
            self.out.push(':');
            let is_secret = is_secret || looks_secret(&entry.key);
            match &entry.value.value {
                Value::Map(entries) if !entries.is_empty() => {
                    self.out.push('\n');
                    self.indent(indent + 1);
                    self.map(&entry.value, indent + 1, is_secret);
                }
                Value::Seq(items) if !items.is_empty() => {
                    self.out.push('\n');
                    self.indent(indent);
                    self.seq(&entry.value, indent, is_secret);
                }
                Value::Null => self.end_line(&entry.value),
                _ => {
                    self.out.push(' ');
                    self.scalar(&entry.value, is_secret);
                    self.end_line(&entry.value);
                }
            }
        }
    }

    /// A list whose first dash stands where the output stands now.
    fn seq(&mut self, node: &Node, indent: usize, is_secret: bool) {
        for (index, item) in node.items().iter().enumerate() {
            if index > 0 {
                self.indent(indent);
            }
            self.out.push_str("- ");
            match &item.value {
                Value::Map(entries) if !entries.is_empty() => self.map(item, indent + 1, is_secret),
                Value::Seq(items) if !items.is_empty() => self.seq(item, indent + 1, is_secret),
                _ => {
                    self.scalar(item, is_secret);
                    self.end_line(item);
                }
            }
        }
    }

    /// Ends the line of a value, with its note.
    fn end_line(&mut self, node: &Node) {
        if let Some(note) = (self.note)(node) {
            self.out.push_str("  # ");
            self.out.push_str(&note);
        }
        self.out.push('\n');
    }

    fn indent(&mut self, indent: usize) {
        self.out.extend(std::iter::repeat_n("  ", indent));
    }

    /// A scalar or an empty collection, in one line.
    fn scalar(&mut self, node: &Node, is_secret: bool) {
        match &node.value {
            Value::Null => self.out.push_str("null"),
            Value::Seq(_) => self.out.push_str("[]"),
            Value::Map(_) => self.out.push_str("{}"),
            _ if self.redact && (is_secret || node.is_secret()) => self.text(REDACTED),
            Value::Str(text) if self.redact => self.text(&without_password(text)),
            Value::Str(text) => self.text(text),
            Value::Bool(_) | Value::Int(_) | Value::Float(_) => {
                self.out.push_str(node.text().unwrap_or_default());
            }
        }
    }

    /// Text with the quotes that it needs; over several lines it becomes one line with escapes.
    fn text(&mut self, text: &str) {
        let is_one_line = !text.contains(|character: char| character.is_control() || is_invisible(character));
        match serde_yaml::to_string(text) {
            Ok(yaml) if is_one_line && yaml.trim_end().lines().count() == 1 => {
                self.out.push_str(yaml.trim_end());
            }
            _ => self.escaped(text),
        }
    }

    fn escaped(&mut self, text: &str) {
        self.out.push('"');
        for character in text.chars() {
            match character {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\n' => self.out.push_str("\\n"),
                '\t' => self.out.push_str("\\t"),
                c if c.is_control() || is_invisible(c) => {
                    // Writing to a string cannot fail.
                    let _ = write!(self.out, "\\U{:08X}", u32::from(c));
                }
                c => self.out.push(c),
            }
        }
        self.out.push('"');
    }
}

/// Characters that break a line or vanish where YAML is read.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{feff}' | '\u{2028}' | '\u{2029}')
}

/// A URL without the password of `scheme://user:password@host`.
fn without_password(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    match authority
        .rsplit_once('@')
        .and_then(|(user, _)| user.split_once(':').map(|(name, _)| (name, user.len())))
    {
        Some((name, length)) => format!("{scheme}://{name}:{REDACTED}{}", &rest[length..]),
        None => text.to_owned(),
    }
}
