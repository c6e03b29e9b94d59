//! The series that there are. A series' number decides everything about it: sender, kind, name and values.

/// How many senders there are.
pub(crate) const SENDERS: u32 = 40;
/// Series that a sender has throughout.
pub(crate) const LASTING: u32 = 3;
/// Series that a sender begins at every round.
pub(crate) const NEW_A_ROUND: u32 = 4;

/// What a series' points are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Always the same value, which follows from the number.
    Gauge,
    /// Increments as they are.
    Delta,
    /// What all increments add up to.
    Counter,
}

impl Kind {
    /// The name of the metric.
    pub(crate) fn metric(self) -> &'static str {
        match self {
            Self::Gauge => "river.level",
            Self::Delta => "river.added",
            Self::Counter => "river.passed",
        }
    }
}

/// A series of one sender, by its place among the sender's: first the lasting ones, then those of each round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Number(pub(crate) u32);

impl Number {
    /// The counter that a sender has throughout; a second door brings another counter under the same name.
    pub(crate) fn lasting_counter(sender: u32) -> Self {
        Self(sender)
    }

    /// The gauge that a sender has throughout.
    pub(crate) fn lasting_gauge(sender: u32) -> Self {
        Self(sender + SENDERS)
    }

    /// Increments that come so seldom that their series expires between two of them.
    pub(crate) fn sleeper(sender: u32) -> Self {
        Self(sender + 2 * SENDERS)
    }

    /// The `nth` series that begins in `round`. The third and the fourth have a second point in the next round.
    pub(crate) fn passing(sender: u32, round: u32, nth: u32) -> Self {
        Self(sender + (LASTING + round * NEW_A_ROUND + nth) * SENDERS)
    }

    /// How many numbers there are in `rounds` rounds.
    pub(crate) fn count(rounds: u32) -> usize {
        ((LASTING + rounds * NEW_A_ROUND) * SENDERS) as usize
    }

    /// Who sends it.
    pub(crate) fn sender(self) -> u32 {
        self.0 % SENDERS
    }

    /// What it is.
    pub(crate) fn kind(self) -> Kind {
        match self.0 / SENDERS {
            0 => Kind::Counter,
            1 => Kind::Gauge,
            2 => Kind::Delta,
            passing => match (passing - LASTING) % NEW_A_ROUND {
                0 => Kind::Gauge,
                2 => Kind::Counter,
                _ => Kind::Delta,
            },
        }
    }

    /// The value of the gauge of this number.
    pub(crate) fn level(self) -> i64 {
        (mixed(u64::from(self.0)) % 1_000_000_007) as i64
    }

    /// The `nth` increment of the counter of this number, as `door` brings it.
    pub(crate) fn increment(self, door: u32, nth: u32) -> i64 {
        let all = (u64::from(self.0) << 32) ^ (u64::from(door) << 24) ^ u64::from(nth);
        (mixed(all) % 1000 + 1) as i64
    }
}

/// The `service.name` of a sender.
pub(crate) fn service(sender: u32) -> String {
    format!("sender-{sender:02}")
}

/// What was sent, or what arrived, of one series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Total {
    /// Points.
    pub(crate) samples: u64,
    /// The sum of the gauge's values, or of the increments.
    pub(crate) sum: i64,
}

impl Total {
    /// One point more.
    pub(crate) fn add(&mut self, value: i64) {
        self.samples += 1;
        self.sum += value;
    }
}

/// Splitmix64's finalizer: neighbours get values that have nothing in common.
fn mixed(seed: u64) -> u64 {
    let mut x = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
