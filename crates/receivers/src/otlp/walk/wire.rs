//! Protobuf's wire format: the fields of a message one by one, borrowed from its bytes.

use std::ops::RangeInclusive;

/// The bytes cannot be walked: they are malformed, or legal and rarely sent. prost knows which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::otlp) struct Odd;

/// The key of a field whose value is a varint.
pub(super) const fn varint(field: u32) -> u32 {
    field << 3
}

/// The key of a field whose value takes eight bytes.
pub(super) const fn fixed(field: u32) -> u32 {
    field << 3 | 1
}

/// The key of a field whose value says its length: text, bytes, messages, packed numbers.
pub(super) const fn sized(field: u32) -> u32 {
    field << 3 | 2
}

/// The fields of a message.
#[derive(Clone, Debug)]
pub(in crate::otlp) struct Fields<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Fields<'b> {
    pub(in crate::otlp) fn new(bytes: &'b [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// How many bytes have been read.
    #[inline]
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// What follows from `at` on.
    #[inline]
    pub(super) fn from(&self, at: usize) -> &'b [u8] {
        self.bytes.get(at..).unwrap_or_default()
    }

    /// Goes on at `at`.
    #[inline]
    pub(super) fn go_to(&mut self, at: usize) {
        self.at = at;
    }

    /// The key of the next field: its number and the form of its value; `None` at the end of the message.
    #[inline]
    pub(in crate::otlp) fn key(&mut self) -> Result<Option<u32>, Odd> {
        match self.bytes.get(self.at) {
            None => Ok(None),
            Some(byte) if *byte < 0x80 => {
                self.at += 1;
                Ok(Some(u32::from(*byte)))
            }
            Some(_) => u32::try_from(self.varint()?).map(Some).map_err(|_| Odd),
        }
    }

    #[inline]
    pub(in crate::otlp) fn varint(&mut self) -> Result<u64, Odd> {
        let first = *self.bytes.get(self.at).ok_or(Odd)?;
        self.at += 1;
        if first < 0x80 { Ok(u64::from(first)) } else { self.rest_of_varint(first) }
    }

    fn rest_of_varint(&mut self, first: u8) -> Result<u64, Odd> {
        let mut value = u64::from(first & 0x7f);
        for shift in (7..64).step_by(7) {
            let byte = *self.bytes.get(self.at).ok_or(Odd)?;
            self.at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                // The tenth byte holds the last of 64 bits.
                return if shift == 63 && byte > 1 { Err(Odd) } else { Ok(value) };
            }
        }
        Err(Odd)
    }

    #[inline]
    pub(super) fn fixed(&mut self) -> Result<u64, Odd> {
        let rest = self.from(self.at);
        let value = *rest.first_chunk().ok_or(Odd)?;
        self.at += size_of::<u64>();
        Ok(u64::from_le_bytes(value))
    }

    #[inline]
    pub(super) fn double(&mut self) -> Result<f64, Odd> {
        self.fixed().map(f64::from_bits)
    }

    /// A value that says its length.
    #[inline]
    pub(in crate::otlp) fn sized(&mut self) -> Result<&'b [u8], Odd> {
        let len = usize::try_from(self.varint()?).map_err(|_| Odd)?;
        let value = self.from(self.at).get(..len).ok_or(Odd)?;
        self.at += len;
        Ok(value)
    }

    pub(super) fn text(&mut self) -> Result<&'b str, Odd> {
        std::str::from_utf8(self.sized()?).map_err(|_| Odd)
    }

    /// Passes over the value of a field that the message's type does not have; `known` are the fields that it has.
    pub(super) fn unknown(&mut self, key: u32, known: RangeInclusive<u32>) -> Result<(), Odd> {
        // A known field whose value has another form than it should have.
        if known.contains(&(key >> 3)) { Err(Odd) } else { self.pass(key) }
    }

    /// Passes over the value of any field, but not over a group.
    #[inline]
    pub(in crate::otlp) fn pass(&mut self, key: u32) -> Result<(), Odd> {
        if key >> 3 == 0 {
            return Err(Odd);
        }
        match key & 7 {
            0 => self.varint().map(drop),
            1 => self.fixed().map(drop),
            2 => self.sized().map(drop),
            5 => {
                self.from(self.at).first_chunk::<4>().ok_or(Odd)?;
                self.at += 4;
                Ok(())
            }
            _ => Err(Odd),
        }
    }

    /// The fields that have `key` one after the other, of which the first begins at `start` and has its key read.
    #[inline]
    pub(super) fn run(&mut self, start: usize, key: u32) -> Result<&'b [u8], Odd> {
        loop {
            self.sized()?;
            let end = self.at;
            if self.key()? != Some(key) {
                self.at = end;
                return self.bytes.get(start..end).ok_or(Odd);
            }
        }
    }
}

/// A message whose fields of one sort come one after the other: these, and all the others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Split<'b> {
    before: &'b [u8],
    pub(super) run: &'b [u8],
    after: &'b [u8],
}

impl<'b> Split<'b> {
    pub(super) fn new(message: &'b [u8], in_run: impl Fn(u32) -> bool) -> Result<Self, Odd> {
        let mut fields = Fields::new(message);
        let mut run = None;
        loop {
            let start = fields.at();
            let Some(key) = fields.key()? else { break };
            fields.pass(key)?;
            if in_run(key) {
                let (first, end) = *run.get_or_insert((start, start));
                if end != start {
                    return Err(Odd); // others in between
                }
                run = Some((first, fields.at()));
            }
        }
        let (start, end) = run.unwrap_or((message.len(), message.len()));
        let (before, rest) = message.split_at_checked(start).ok_or(Odd)?;
        let (run, after) = rest.split_at_checked(end - start).ok_or(Odd)?;
        Ok(Self { before, run, after })
    }

    /// How many bytes the other fields take.
    pub(super) fn rest_len(&self) -> usize {
        self.before.len() + self.after.len()
    }

    /// The other fields: they mean the same, wherever the run was.
    pub(super) fn rest(&self) -> [Fields<'b>; 2] {
        [self.before, self.after].map(Fields::new)
    }

    /// Writes the other fields.
    #[inline]
    pub(super) fn write_rest(&self, to: &mut Vec<u8>) {
        to.clear();
        to.extend_from_slice(self.before);
        to.extend_from_slice(self.after);
    }
}
