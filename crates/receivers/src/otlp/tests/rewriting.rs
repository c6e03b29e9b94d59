//! Legal encodings that no usual encoder makes: fields in any order, messages in parts, numbers packed and not, varints longer
//! than need be, values that a later one replaces, fields that nobody knows.

use prost::encoding::{WireType, decode_key, decode_varint, encode_key, encode_varint};

/// What the fields of a message are. Those that are not listed are values that take no thought.
struct Message(&'static [(u32, Part)]);

#[derive(Clone, Copy)]
enum Part {
    /// One message, which may come in parts.
    One(&'static Message),
    /// Messages in a list.
    Many(&'static Message),
    /// Texts in a list: none replaces another.
    Texts,
    /// Numbers of eight bytes in a list.
    Words,
    /// Varints in a list.
    Varints,
}

use Part::{Many, One, Texts, Varints, Words};

static REQUEST: Message = Message(&[(1, Many(&RESOURCE_METRICS))]);
static RESOURCE_METRICS: Message = Message(&[(1, One(&RESOURCE)), (2, Many(&SCOPE_METRICS))]);
static RESOURCE: Message = Message(&[(1, Many(&KEY_VALUE)), (3, Many(&ENTITY))]);
static ENTITY: Message = Message(&[(3, Texts), (4, Texts)]);
static SCOPE_METRICS: Message = Message(&[(1, One(&SCOPE)), (2, Many(&METRIC))]);
static SCOPE: Message = Message(&[(3, Many(&KEY_VALUE))]);
static METRIC: Message = Message(&[
    (5, One(&NUMBERS)),
    (7, One(&NUMBERS)),
    (9, One(&HISTOGRAMS)),
    (10, One(&EXPONENTIAL_HISTOGRAMS)),
    (11, One(&SUMMARIES)),
    (12, Many(&KEY_VALUE)),
]);
static NUMBERS: Message = Message(&[(1, Many(&NUMBER))]);
static HISTOGRAMS: Message = Message(&[(1, Many(&HISTOGRAM))]);
static EXPONENTIAL_HISTOGRAMS: Message = Message(&[(1, Many(&EXPONENTIAL_HISTOGRAM))]);
static SUMMARIES: Message = Message(&[(1, Many(&SUMMARY))]);
static NUMBER: Message = Message(&[(5, Many(&EXEMPLAR)), (7, Many(&KEY_VALUE))]);
static HISTOGRAM: Message = Message(&[(6, Words), (7, Words), (8, Many(&EXEMPLAR)), (9, Many(&KEY_VALUE))]);
static EXPONENTIAL_HISTOGRAM: Message =
    Message(&[(1, Many(&KEY_VALUE)), (8, One(&BUCKETS)), (9, One(&BUCKETS)), (11, Many(&EXEMPLAR))]);
static BUCKETS: Message = Message(&[(2, Varints)]);
static SUMMARY: Message = Message(&[(6, Many(&QUANTILE)), (7, Many(&KEY_VALUE))]);
static QUANTILE: Message = Message(&[]);
static EXEMPLAR: Message = Message(&[(7, Many(&KEY_VALUE))]);
static KEY_VALUE: Message = Message(&[(2, One(&ANY_VALUE))]);
static ANY_VALUE: Message = Message(&[(5, One(&ARRAY)), (6, One(&MAP))]);
static ARRAY: Message = Message(&[(1, Many(&ANY_VALUE))]);
static MAP: Message = Message(&[(1, Many(&KEY_VALUE))]);

/// Chance from a seed: a linear congruential generator.
pub(super) struct Chance(pub(super) u64);

impl Chance {
    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit.max(1)
    }

    /// Once in `times`.
    fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}

/// Another encoding of a request that prost has encoded. `oddities` of a hundred places are changed.
pub(super) fn rewritten(request: &[u8], chance: &mut Chance, oddities: usize) -> Vec<u8> {
    let mut rewriter = Rewriter { chance, oddities };
    rewriter.message(&REQUEST, request)
}

struct Rewriter<'c> {
    chance: &'c mut Chance,
    oddities: usize,
}

/// One field as it will be written: its number, and key and value.
type Field = (u32, Vec<u8>);

impl Rewriter<'_> {
    fn oddly(&mut self) -> bool {
        self.chance.below(100) < self.oddities
    }

    fn message(&mut self, message: &Message, bytes: &[u8]) -> Vec<u8> {
        let mut fields = self.fields(message, bytes);
        if self.oddly() {
            self.mix(&mut fields);
        }
        fields.into_iter().flat_map(|(_, bytes)| bytes).collect()
    }

    fn fields(&mut self, message: &Message, mut rest: &[u8]) -> Vec<Field> {
        let mut fields = Vec::new();
        while !rest.is_empty() {
            let (number, form) = decode_key(&mut rest).expect("prost's own encoding");
            if self.oddly() {
                fields.push(self.unknown());
            }
            let part = message.0.iter().find(|(field, _)| *field == number).map(|(_, part)| *part);
            match (form, part) {
                (WireType::Varint, _) => {
                    let value = decode_varint(&mut rest).expect("a varint");
                    self.replaced(&mut fields, number, form);
                    let value = self.varint(value);
                    fields.push(self.field(number, form, &value));
                }
                (WireType::SixtyFourBit, _) => {
                    self.replaced(&mut fields, number, form);
                    fields.push(self.field(number, form, &rest[..8]));
                    rest = &rest[8..];
                }
                (WireType::LengthDelimited, part) => {
                    let len = decode_varint(&mut rest).expect("a length") as usize;
                    let (value, after) = rest.split_at(len);
                    rest = after;
                    self.sized(&mut fields, number, part, value);
                }
                _ => unreachable!("prost writes no such field"),
            }
        }
        fields
    }

    fn sized(&mut self, to: &mut Vec<Field>, number: u32, part: Option<Part>, value: &[u8]) {
        match part {
            Some(One(message)) if self.oddly() => {
                let mut first = self.fields(message, value);
                let second = first.split_off(self.chance.below(first.len() + 1));
                for half in [first, second] {
                    let bytes: Vec<u8> = half.into_iter().flat_map(|(_, bytes)| bytes).collect();
                    to.push(self.delimited(number, &bytes));
                }
            }
            Some(One(message) | Many(message)) => {
                let value = self.message(message, value);
                to.push(self.delimited(number, &value));
            }
            Some(Words) if self.oddly() => {
                for word in value.chunks(8) {
                    to.push(self.number(number, WireType::SixtyFourBit, word));
                }
            }
            Some(Varints) if self.oddly() => {
                let mut rest = value;
                while !rest.is_empty() {
                    let count = decode_varint(&mut rest).expect("a varint");
                    let count = self.varint(count);
                    to.push(self.number(number, WireType::Varint, &count));
                }
            }
            Some(Texts | Words | Varints) => to.push(self.delimited(number, value)),
            None => {
                self.replaced(to, number, WireType::LengthDelimited);
                to.push(self.delimited(number, value));
            }
        }
    }

    /// A number of a list: by itself, or packed by itself.
    fn number(&mut self, number: u32, form: WireType, value: &[u8]) -> Field {
        if self.chance.once_in(2) { self.field(number, form, value) } else { self.delimited(number, value) }
    }

    /// Before a value another, which it replaces.
    fn replaced(&mut self, to: &mut Vec<Field>, number: u32, form: WireType) {
        if self.oddly() {
            let value: &[u8] = match form {
                WireType::Varint => &[1],
                WireType::SixtyFourBit => &[7; 8],
                _ => b"\x01x",
            };
            to.push(self.field(number, form, value));
        }
    }

    /// A field that no message has, of any form.
    fn unknown(&mut self) -> Field {
        let number = [15, 16, 1000, 536_870_911][self.chance.below(4)];
        let mut bytes = match self.chance.below(5) {
            0 => self.field(number, WireType::Varint, b"\x96\x01").1,
            1 => self.field(number, WireType::SixtyFourBit, b"unknown!").1,
            2 => self.field(number, WireType::ThirtyTwoBit, b"none").1,
            3 => self.delimited(number, b"\xff\xfe").1,
            _ => self.field(number, WireType::StartGroup, b"\x08\x01\x12\x01x").1,
        };
        if bytes.ends_with(b"\x08\x01\x12\x01x") {
            encode_key(number, WireType::EndGroup, &mut bytes);
        }
        (number, bytes)
    }

    fn delimited(&mut self, number: u32, value: &[u8]) -> Field {
        let mut sized = self.varint(value.len() as u64);
        sized.extend_from_slice(value);
        self.field(number, WireType::LengthDelimited, &sized)
    }

    fn field(&mut self, number: u32, form: WireType, value: &[u8]) -> Field {
        let mut bytes = self.varint(u64::from(number << 3 | form as u32));
        bytes.extend_from_slice(value);
        (number, bytes)
    }

    /// A varint of one byte more than it needs, at times.
    fn varint(&mut self, value: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode_varint(value, &mut bytes);
        if bytes.len() < 10 && self.oddly() {
            *bytes.last_mut().expect("a byte") |= 0x80;
            bytes.push(0);
        }
        bytes
    }

    /// Another order; fields of one number keep theirs.
    fn mix(&mut self, fields: &mut [Field]) {
        for _ in 0..2 * fields.len() {
            let at = self.chance.below(fields.len().saturating_sub(1));
            if fields.len() > 1 && fields[at].0 != fields[at + 1].0 {
                fields.swap(at, at + 1);
            }
        }
    }
}
