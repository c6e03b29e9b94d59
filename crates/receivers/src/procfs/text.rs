//! Lines, words and numbers as the kernel writes them.

/// The lines, without their ends. What follows the last newline is no line: it was cut off, and half a number is a wrong number.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|byte| *byte == b'\n').filter_map(|line| line.strip_suffix(b"\n"))
}

/// The words of a line, between blanks.
pub(super) fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty())
}

/// A word that is a number: digits and nothing else, within 64 bits.
pub(super) fn number(word: &[u8]) -> Option<u64> {
    if word.is_empty() {
        return None;
    }
    word.iter().try_fold(0_u64, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

/// What stands behind `key` on the line that begins with it.
pub(super) fn behind<'a>(text: &'a [u8], key: &[u8]) -> Option<impl Iterator<Item = &'a [u8]>> {
    lines(text).map(words).find_map(|mut words| (words.next()? == key).then_some(words))
}

/// The number there.
pub(super) fn keyed(text: &[u8], key: &[u8]) -> Option<u64> {
    number(behind(text, key)?.next()?)
}

/// The next `N` words as numbers.
pub(super) fn numbers<'a, const N: usize>(words: &mut impl Iterator<Item = &'a [u8]>) -> Option<[u64; N]> {
    let mut numbers = [0; N];
    for slot in &mut numbers {
        *slot = number(words.next()?)?;
    }
    Some(numbers)
}

/// A word such as `0.66`.
pub(super) fn decimal(word: &[u8]) -> Option<f64> {
    let is_plain = word.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
    let value: f64 = std::str::from_utf8(word).ok().filter(|_| is_plain)?.parse().ok()?;
    value.is_finite().then_some(value)
}
