//! Finding the `${…}` of a text.

/// A part of a text.
#[derive(Debug, PartialEq)]
pub(crate) enum Piece<'a> {
    /// Stays as it is.
    Text(&'a str),
    /// `$$`.
    Dollar,
    /// `${body}`.
    Token { whole: &'a str, body: &'a str },
    /// `${` without its end, up to the end of the text.
    Unclosed(&'a str),
}

/// Splits a text into what stays and what is replaced.
pub(crate) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    let mut kept = 0;
    while let Some(found) = rest[kept..].find('$') {
        let dollar = kept + found;
        let behind = &rest[dollar + 1..];
        let (piece, length) = if behind.starts_with('$') {
            (Piece::Dollar, 2)
        } else if let Some(body) = behind.strip_prefix('{') {
            match closing(body) {
                Some(end) if is_group(&body[..end]) => {
                    kept = dollar + "${".len() + end;
                    continue;
                }
                Some(end) => {
                    let length = "${".len() + end + "}".len();
                    (Piece::Token { whole: &rest[dollar..dollar + length], body: &body[..end] }, length)
                }
                None => (Piece::Unclosed(&rest[dollar..]), rest.len() - dollar),
            }
        } else {
            kept = dollar + 1;
            continue;
        };
        if dollar > 0 {
            pieces.push(Piece::Text(&rest[..dollar]));
        }
        pieces.push(piece);
        rest = &rest[dollar + length..];
        kept = 0;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    pieces
}

/// The byte of the `}` that closes the text; braces inside pair up, so a default may be `{}`.
fn closing(body: &str) -> Option<usize> {
    let mut open = 0_usize;
    for (at, byte) in body.bytes().enumerate() {
        match byte {
            b'{' => open += 1,
            b'}' if open == 0 => return Some(at),
            b'}' => open -= 1,
            _ => {}
        }
    }
    None
}

/// `${1}` is a group of a regular expression, never a variable.
fn is_group(body: &str) -> bool {
    !body.is_empty() && body.bytes().all(|byte| byte.is_ascii_digit())
}

/// Splits `name:-default` at the first `:-` outside of nested braces.
pub(crate) fn split_default(body: &str) -> (&str, Option<&str>) {
    let mut open = 0_usize;
    for (at, byte) in body.bytes().enumerate() {
        match byte {
            b'{' => open += 1,
            b'}' => open = open.saturating_sub(1),
            b':' if open == 0 && body.as_bytes().get(at + 1) == Some(&b'-') => {
                return (&body[..at], Some(&body[at + 2..]));
            }
            _ => {}
        }
    }
    (body, None)
}

/// The Collector's rule: `^[a-zA-Z_][a-zA-Z0-9_]*$`.
pub(crate) fn is_variable_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
