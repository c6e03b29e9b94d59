//! From pieces of a body to lines.

use crate::Fault;

/// The longest line that is taken, in bytes: what a scrape holds of its body at most. Lines of real targets have some hundred
/// bytes; label values may be long (stack traces, queries).
pub const MAX_LINE: usize = 1024 * 1024;

/// Cuts a body that comes in pieces into lines.
#[derive(Debug, Default)]
pub struct Lines {
    /// The start of a line whose end has not come yet.
    held: Vec<u8>,
    /// The line is too long: the rest of it is passed over.
    passing: bool,
}

impl Lines {
    /// Calls `take` for every line that ends in `piece`, without its line feed. A line that is too long is a fault, once, and the
    /// lines after it are good.
    ///
    /// # Errors
    /// What `take` answers.
    pub fn feed<E>(
        &mut self,
        mut piece: &[u8],
        mut take: impl FnMut(Result<&[u8], Fault>) -> Result<(), E>,
    ) -> Result<(), E> {
        while let Some(end) = memchr::memchr(b'\n', piece) {
            let (line, rest) = (&piece[..end], &piece[end + 1..]);
            piece = rest;
            if std::mem::take(&mut self.passing) {
                continue;
            }
            if self.held.is_empty() {
                take(bounded(line))?;
            } else {
                let is_bounded = self.held.len() + line.len() <= MAX_LINE;
                if is_bounded {
                    self.held.extend_from_slice(line);
                }
                let taken = take(if is_bounded { Ok(&self.held) } else { Err(Fault::LineTooLong(MAX_LINE)) });
                self.held.clear();
                taken?;
            }
        }
        if self.passing {
            return Ok(());
        }
        if self.held.len() + piece.len() > MAX_LINE {
            self.held = Vec::new();
            self.passing = true;
            return take(Err(Fault::LineTooLong(MAX_LINE)));
        }
        self.held.extend_from_slice(piece);
        Ok(())
    }

    /// The last line, where no line feed ends it.
    pub fn rest(&mut self) -> Option<Vec<u8>> {
        let rest = std::mem::take(&mut self.held);
        (!rest.is_empty()).then_some(rest)
    }
}

fn bounded(line: &[u8]) -> Result<&[u8], Fault> {
    if line.len() <= MAX_LINE { Ok(line) } else { Err(Fault::LineTooLong(MAX_LINE)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&[u8]]) -> Vec<Result<Vec<u8>, Fault>> {
        let mut lines = Lines::default();
        let mut all = Vec::new();
        for piece in pieces {
            let taken: Result<(), ()> = lines.feed(piece, |line| {
                all.push(line.map(<[u8]>::to_vec));
                Ok(())
            });
            taken.unwrap();
        }
        all.extend(lines.rest().map(Ok));
        all
    }

    #[test]
    fn lines_are_the_same_wherever_a_body_is_cut() {
        let body = b"a 1\n\nbc 22\n# EOF";
        let expected: Vec<Result<Vec<u8>, Fault>> =
            [&b"a 1"[..], b"", b"bc 22", b"# EOF"].map(|line| Ok(line.to_vec())).into();
        assert_eq!(lines(&[body]), expected);
        for at in 0..body.len() {
            assert_eq!(lines(&[&body[..at], &body[at..]]), expected, "cut at {at}");
        }
        let bytes: Vec<&[u8]> = body.chunks(1).collect();
        assert_eq!(lines(&bytes), expected);
    }

    #[test]
    fn a_line_too_long_is_one_fault_takes_no_more_memory_and_the_next_is_good() {
        let piece = vec![b'x'; MAX_LINE / 4];
        let mut pieces: Vec<&[u8]> = vec![&piece; 9];
        pieces.push(b"x\na 1\n");
        assert_eq!(lines(&pieces), [Err(Fault::LineTooLong(MAX_LINE)), Ok(b"a 1".to_vec())]);
        let whole = [vec![b'x'; MAX_LINE + 1], b"\nb 2".to_vec()].concat();
        assert_eq!(lines(&[&whole]), [Err(Fault::LineTooLong(MAX_LINE)), Ok(b"b 2".to_vec())]);
    }
}
