//! Where the points of a scrape are put until it ends.

use weir_core::{Batch, Interner, MAX_POINTS, NumberPoint};

/// Batches: the last is open.
#[derive(Debug)]
pub(super) struct Points {
    batches: Vec<Batch>,
    /// Numbers that are still expected.
    expected: usize,
    /// What all batches take but the open one.
    closed_bytes: u64,
}

impl Points {
    /// Room for `expected` numbers.
    pub(super) fn new(interner: &Interner, expected: usize) -> Self {
        let mut batches = Vec::with_capacity(expected / MAX_POINTS + 2);
        batches.push(Batch::new(interner));
        let mut points = Self { batches, expected, closed_bytes: 0 };
        points.make_room();
        points
    }

    fn make_room(&mut self) {
        if let Some(open) = self.batches.last_mut() {
            open.numbers.reserve(self.expected.min(MAX_POINTS));
            self.expected = self.expected.saturating_sub(MAX_POINTS);
        }
    }

    /// The batch with room for one more point.
    #[inline]
    pub(super) fn open(&mut self, interner: &Interner) -> &mut Batch {
        if self.batches.last().is_none_or(|batch| batch.points() >= MAX_POINTS as u64) {
            self.closed_bytes += self.batches.last().map_or(0, Batch::bytes);
            self.batches.push(Batch::new(interner));
            self.make_room();
        }
        let last = self.batches.len() - 1;
        &mut self.batches[last]
    }

    /// Puts a number in, and answers where.
    #[inline]
    pub(super) fn push(&mut self, point: NumberPoint, interner: &Interner) -> u32 {
        let open = self.open(interner);
        open.numbers.push(point);
        let within = open.numbers.len() - 1;
        ((self.batches.len() - 1) * MAX_POINTS + within) as u32
    }

    /// The number that was put there.
    #[inline]
    pub(super) fn number(&mut self, at: u32) -> Option<&mut NumberPoint> {
        let at = at as usize;
        self.batches.get_mut(at / MAX_POINTS)?.numbers.get_mut(at % MAX_POINTS)
    }

    pub(super) fn batches_mut(&mut self) -> &mut [Batch] {
        &mut self.batches
    }

    /// What they take.
    pub(super) fn bytes(&self) -> u64 {
        self.closed_bytes + self.batches.last().map_or(0, Batch::bytes)
    }

    /// How many numbers there are.
    pub(super) fn numbers(&self) -> usize {
        self.batches.iter().map(|batch| batch.numbers.len()).sum()
    }

    pub(super) fn finish(mut self) -> Vec<Batch> {
        self.batches.retain(|batch| !batch.is_empty());
        self.batches
    }
}
