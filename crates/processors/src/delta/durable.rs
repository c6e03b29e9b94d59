//! The durable side of a stage: what it remembers is saved, and gone on from after a restart.
//!
//! **What is saved never runs ahead of what was exported.** Every batch that goes on carries a part of the present ack; a snapshot is
//! handed over with the fate of all of them, and the storage keeps it only when that is known. So after a crash the saved state is of a
//! moment before which everything was delivered, or dropped and counted. What came after it is counted from there again: none of it is
//! missed, and what had been exported of it counts twice.

use std::time::Duration;

use weir_core::{Ack, Batch, Context, Fate, InternerStats, Saved, Storage, UnixNanos, Verdict};

use super::{
    Config,
    saved::{FORMAT, decode, encode},
    streams::Streams,
};

pub(super) struct Durable {
    storage: Storage,
    name: String,
    id: String,
    interval: Duration,
    /// When the last snapshot was taken.
    since: UnixNanos,
    ack: Ack,
    fate: Fate,
    /// What was saved has been read.
    is_restored: bool,
}

impl Durable {
    /// Where the configuration names a storage that is there; `prior` is the predecessor's over a reload.
    pub(super) fn new(config: &Config, context: &Context, prior: Option<Self>) -> Option<Self> {
        let name = config.storage.as_ref()?;
        if let Some(prior) = prior.filter(|prior| prior.name == *name) {
            return Some(Self { interval: config.save_interval.0, ..prior });
        }
        let id = context.id.to_string();
        let Some(storage) = context.storage(name, FORMAT) else {
            tracing::warn!(component = id, storage = %name, "the storage is switched off: nothing is kept over a restart");
            return None;
        };
        let (ack, fate) = Ack::new();
        // The first snapshot is due at once: until then a crash leaves nothing to go on from.
        let (interval, since) = (config.save_interval.0, UnixNanos(0));
        Some(Self { storage, name: name.clone(), id, interval, since, ack, fate, is_restored: false })
    }

    pub(super) fn interval(&self) -> Duration {
        self.interval
    }

    /// What becomes of `batch` decides when the next snapshot may be kept.
    pub(super) fn follow(&self, batch: &mut Batch) {
        batch.ack.join(self.ack.clone());
    }

    /// Before the first point: goes on from what was saved. A storage has read it by then.
    pub(super) fn restore(
        &mut self,
        streams: &mut Streams,
        staleness: Duration,
        now: UnixNanos,
        stats: InternerStats,
    ) {
        if std::mem::replace(&mut self.is_restored, true) {
            return;
        }
        let Some(saved) = self.storage.take_saved() else { return };
        let id = &*self.id;
        let age = weir_config::Duration(Duration::from_secs(now.since(saved.taken).as_secs()));
        match decode(&saved.state) {
            Err(error) => {
                tracing::warn!(component = id, %error, "nothing is gone on from: counting begins anew");
            }
            Ok((remembered, unknown_before)) => {
                let saved_streams = remembered.len();
                streams.remembered = remembered;
                streams.unknown_before = unknown_before;
                streams.forget(staleness, now, stats);
                let streams = streams.remembered.len();
                let stale = saved_streams - streams;
                if saved.is_final {
                    tracing::info!(component = id, streams, stale, %age, "goes on from the state of an orderly end: nothing counts twice");
                } else {
                    tracing::warn!(
                        component = id, streams, stale, %age,
                        "goes on from a state saved before the process ended without a word: what was exported of the points that came after it counts twice"
                    );
                }
            }
        }
    }

    /// Hands a snapshot over, if it is time and there is room for it.
    pub(super) fn save_if_due(&mut self, streams: &Streams, now: UnixNanos) {
        if now.since(self.since) >= self.interval && self.storage.has_room() {
            self.save(streams, now, false);
        }
    }

    /// Hands the last snapshot over: no point comes after it.
    pub(super) fn save_last(&mut self, streams: &Streams, now: UnixNanos) {
        self.save(streams, now, true);
    }

    fn save(&mut self, streams: &Streams, now: UnixNanos, is_final: bool) {
        let (ack, fate) = Ack::new();
        // This stage's own part has nothing to say.
        std::mem::replace(&mut self.ack, ack).settle(Verdict::Delivered);
        let settled = std::mem::replace(&mut self.fate, fate);
        self.storage.save(Saved { state: encode(streams), taken: now, is_final }, settled);
        self.since = now;
    }
}
