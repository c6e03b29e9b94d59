//! A place in a line, and what may stand there.

use std::borrow::Cow;

use crate::Fault;

/// A place in a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    pub(super) line: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(line: &'a [u8]) -> Self {
        Self { line, at: 0 }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.line.get(self.at).copied()
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        &self.line[self.at..]
    }

    /// Passes over `byte`, if it is there.
    pub(super) fn passes(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    pub(super) fn expect(&mut self, byte: u8, name: &'static str) -> Result<(), Fault> {
        if self.passes(byte) { Ok(()) } else { Err(Fault::expected(name, self.at)) }
    }

    /// Passes over spaces and tabs, however many.
    pub(super) fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
    }

    /// What there is up to the next blank, or the end.
    pub(super) fn word(&mut self) -> &'a [u8] {
        let rest = self.rest();
        let end = rest.iter().position(|byte| matches!(byte, b' ' | b'\t')).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// A name of ASCII letters, digits, `_`, and of a metric also `:`; not a digit first. `None` where there is none.
    pub(super) fn bare_name(&mut self, colons: bool) -> Option<&'a str> {
        let rest = self.rest();
        let fits = |at: usize, byte: u8| {
            byte.is_ascii_alphabetic()
                || byte == b'_'
                || (colons && byte == b':')
                || (at > 0 && byte.is_ascii_digit())
        };
        let end = rest.iter().enumerate().position(|(at, byte)| !fits(at, *byte)).unwrap_or(rest.len());
        if end == 0 {
            return None;
        }
        self.at += end;
        std::str::from_utf8(&rest[..end]).ok()
    }

    /// Text in quotes, with what `\\`, `\"` and `\n` stand for; other backslashes are themselves.
    pub(super) fn quoted(&mut self) -> Result<Cow<'a, str>, Fault> {
        let start = self.at + 1;
        self.pass_quoted()?;
        unescaped(&self.line[start..self.at - 1])
    }

    /// Passes over text in quotes.
    pub(super) fn pass_quoted(&mut self) -> Result<(), Fault> {
        self.expect(b'"', "`\"`")?;
        loop {
            let found = memchr::memchr2(b'"', b'\\', self.rest());
            let Some(found) = found else { return Err(Fault::expected("`\"`", self.line.len())) };
            self.at += found + 1;
            if self.line[self.at - 1] == b'"' {
                return Ok(());
            }
            // What is escaped, were it a quote; a backslash at the end finds no quote after it.
            self.at = (self.at + 1).min(self.line.len());
        }
    }
}

fn unescaped(bytes: &[u8]) -> Result<Cow<'_, str>, Fault> {
    let text = std::str::from_utf8(bytes).map_err(|_| Fault::NotUtf8)?;
    if !text.contains('\\') {
        return Ok(Cow::Borrowed(text));
    }
    let (mut out, mut escaped) = (String::with_capacity(text.len()), false);
    for char in text.chars() {
        match (escaped, char) {
            (false, '\\') => {
                escaped = true;
                continue;
            }
            (true, 'n') => out.push('\n'),
            (true, '\\' | '"') | (false, _) => out.push(char),
            (true, _) => out.extend(['\\', char]),
        }
        escaped = false;
    }
    Ok(Cow::Owned(out))
}
