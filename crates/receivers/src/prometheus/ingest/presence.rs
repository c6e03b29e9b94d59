//! Which series of a target are live: those that its last scrape brought, unless that one failed.

use weir_core::UnixNanos;

use super::table::Held;

/// No scrape has succeeded, or the last one failed.
const NONE: u32 = u32::MAX;

/// What a scrape brings is compared with what the last one brought by number: where all of that came again, as it mostly does, nothing
/// is stale, and no series is looked at once more in the end.
#[derive(Debug)]
pub(super) struct Presence {
    /// The scrape whose series are live.
    live: u32,
    /// How many it brought.
    brought: u32,
    /// How many the scrape at hand has brought by now.
    here: u32,
    /// How many of these the live scrape had too.
    again: u32,
    /// What has a timestamp of its own says itself how old it is: it never goes stale.
    timed_stay: bool,
}

impl Presence {
    pub(super) fn new(timed_stay: bool) -> Self {
        Self { live: NONE, brought: 0, here: 0, again: 0, timed_stay }
    }

    /// A scrape begins.
    pub(super) fn begin(&mut self) {
        (self.here, self.again) = (0, 0);
    }

    /// `scrape`, the one at hand, brings this series.
    #[inline]
    pub(super) fn enter(&mut self, held: &mut Held, scrape: u32, is_timed: bool) {
        if held.seen != scrape {
            self.here += 1;
            self.again += u32::from(held.seen == self.live);
            (held.sent, held.was_live) = (self.sent(held), self.is_live(held));
            held.seen = scrape;
        }
        held.is_timed = is_timed;
    }

    /// Whether a series is live; while a scrape is at hand, whether it was before.
    pub(super) fn is_live(&self, held: &Held) -> bool {
        if held.seen == self.live {
            !(held.is_timed && self.timed_stay)
        } else {
            held.seen > self.live && held.was_live
        }
    }

    /// The time of the last point that a scrape which succeeded sent.
    #[inline]
    pub(super) fn sent(&self, held: &Held) -> UnixNanos {
        if held.seen == self.live { held.time } else { held.sent }
    }

    /// Whether all that was live is in the scrape at hand too.
    pub(super) fn is_whole(&self) -> bool {
        self.again == self.brought
    }

    /// `scrape`, the one at hand, has succeeded.
    pub(super) fn succeed(&mut self, scrape: u32) {
        (self.live, self.brought) = (scrape, self.here);
    }

    /// Nothing is live any more.
    pub(super) fn fail(&mut self) {
        (self.live, self.brought) = (NONE, 0);
    }
}
