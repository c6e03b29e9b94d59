//! Texts that others wrote: `OTEL_RESOURCE_ATTRIBUTES`, and the files of a downward-API volume.

use percent_encoding::percent_decode_str;

/// Why a text is no list of pairs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// A part without `=`.
    #[error("`{0}` is no pair: key=value")]
    NoPair(String),
    /// A pair without a key.
    #[error("`{0}` has no key before `=`")]
    NoKey(String),
    /// A percent sign without two hexadecimal digits behind it.
    #[error("`{0}` has a % that begins no %XX; a percent sign itself is %25")]
    BadPercent(String),
    /// What the bytes of a decoded text are not.
    #[error("`{0}` does not decode to UTF-8")]
    NotUtf8(String),
    /// A value without its quotes.
    #[error("the value of `{0}` is not in double quotes")]
    NotQuoted(String),
    /// A backslash with something behind it that Go does not write.
    #[error("the value of `{0}` has the unknown escape `\\{1}`")]
    BadEscape(String, String),
}

/// The pairs of `OTEL_RESOURCE_ATTRIBUTES`: `key=value,key=value`, percent-encoded.
///
/// The whole text is refused when a part of it cannot be read, as the SDK specification asks ("Specifying resource information
/// via an environment variable"): half of an identity is none. Empty parts, as a comma at the end makes, are passed over. A plus
/// sign is a plus sign.
///
/// # Errors
/// The first part that cannot be read.
pub fn resource_attributes(text: &str) -> Result<Vec<(String, String)>, ListError> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (key, value) = part.split_once('=').ok_or_else(|| ListError::NoPair(part.to_owned()))?;
            let (key, value) = (decoded(key.trim())?, decoded(value.trim())?);
            if key.is_empty() { Err(ListError::NoKey(part.to_owned())) } else { Ok((key, value)) }
        })
        .collect()
}

fn decoded(text: &str) -> Result<String, ListError> {
    let is_encoded =
        |rest: &str| rest.len() >= 2 && rest.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    if text.split('%').skip(1).any(|rest| !is_encoded(rest)) {
        return Err(ListError::BadPercent(text.to_owned()));
    }
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(std::borrow::Cow::into_owned).map_err(|_| ListError::NotUtf8(text.to_owned()))
}

/// The pairs of a downward-API file of labels or annotations: a line `key="value"` each, the value as Go quotes strings.
///
/// # Errors
/// The first line that cannot be read.
pub fn go_quoted_pairs(text: &str) -> Result<Vec<(String, String)>, ListError> {
    let lines = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
    lines
        .filter(|line| !line.is_empty())
        .map(|line| {
            let (key, quoted) = line.split_once('=').ok_or_else(|| ListError::NoPair(line.to_owned()))?;
            if key.is_empty() {
                return Err(ListError::NoKey(line.to_owned()));
            }
            let inner = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
            let inner = inner.ok_or_else(|| ListError::NotQuoted(key.to_owned()))?;
            Ok((key.to_owned(), unquoted(key, inner)?))
        })
        .collect()
}

/// What Go's `strconv.Quote` made of a string, undone.
fn unquoted(key: &str, text: &str) -> Result<String, ListError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['\\', '"']) {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        if rest[at..].starts_with('"') {
            return Err(ListError::NotQuoted(key.to_owned())); // the text ended before its end
        }
        let behind = &rest[at + 1..];
        let escape = || ListError::BadEscape(key.to_owned(), behind.chars().take(1).collect());
        let letter = behind.chars().next().ok_or_else(escape)?;
        let digits = match letter {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => 0,
        };
        match (letter, behind.get(1..=digits)) {
            ('x', Some(hex)) => bytes.push(u8::from_str_radix(hex, 16).map_err(|_| escape())?),
            ('u' | 'U', Some(hex)) => {
                let code = u32::from_str_radix(hex, 16).map_err(|_| escape())?;
                let character = char::from_u32(code).ok_or_else(escape)?;
                bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
            ('a', _) => bytes.push(0x07),
            ('b', _) => bytes.push(0x08),
            ('f', _) => bytes.push(0x0c),
            ('n', _) => bytes.push(b'\n'),
            ('r', _) => bytes.push(b'\r'),
            ('t', _) => bytes.push(b'\t'),
            ('v', _) => bytes.push(0x0b),
            ('\\' | '"', _) => bytes.push(letter as u8),
            _ => return Err(escape()),
        }
        rest = &behind[1 + digits..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8(bytes).map_err(|_| ListError::NotUtf8(text.to_owned()))
}

#[cfg(test)]
mod tests;
