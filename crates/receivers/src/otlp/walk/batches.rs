//! The batches of a request: one is open, the others are full.

use weir_core::{Batch, Interner, MAX_POINTS};

pub(super) struct Batches<'d> {
    interner: &'d Interner,
    full: Vec<Batch>,
    open: Option<Batch>,
    /// Room to make for numbers when the next batch is opened.
    expected: usize,
}

impl<'d> Batches<'d> {
    pub(super) fn new(interner: &'d Interner) -> Self {
        Self { interner, full: Vec::new(), open: None, expected: 0 }
    }

    /// Makes room for `count` numbers in the next `bytes` bytes, and for as many again in the rest of `unread` bytes.
    #[inline]
    pub(super) fn expect_numbers(&mut self, count: usize, bytes: usize, unread: usize) {
        let room = self.open.as_ref().map_or(0, |batch| batch.numbers.capacity() - batch.numbers.len());
        if room < count {
            self.make_room(count.saturating_mul((unread / bytes.max(1)).max(1)));
        }
    }

    fn make_room(&mut self, count: usize) {
        self.expected = count.min(MAX_POINTS);
        if let Some(batch) = &mut self.open {
            batch.numbers.reserve(self.expected.min(MAX_POINTS - batch.numbers.len()));
        }
    }

    /// The batch with room for one more point.
    #[inline]
    pub(super) fn open(&mut self) -> &mut Batch {
        if self.open.as_ref().is_some_and(|batch| batch.points() >= MAX_POINTS as u64) {
            self.full.extend(self.open.take());
        }
        self.open.get_or_insert_with(|| {
            let mut batch = Batch::new(self.interner);
            batch.numbers.reserve(self.expected);
            batch
        })
    }

    /// All of them, without room that was made in vain.
    pub(super) fn finish(mut self) -> Vec<Batch> {
        self.full.extend(self.open.filter(|batch| !batch.is_empty()));
        for batch in &mut self.full {
            if batch.numbers.capacity() / 2 > batch.numbers.len() {
                batch.numbers.shrink_to_fit();
            }
        }
        self.full
    }
}
