//! Samples of known shapes, the same on every run.

/// SplitMix64: 64 well-mixed bits a step from any seed.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// In (0, 1].
    pub(crate) fn unit(&mut self) -> f64 {
        ((self.bits() >> 11) + 1) as f64 / (1_u64 << 53) as f64
    }

    /// Standard normal (Box–Muller).
    pub(crate) fn normal(&mut self) -> f64 {
        (-2.0 * self.unit().ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos()
    }
}

/// Samples are multiples of this, so that a test can add them up in integers.
pub(crate) const QUANTUM: f64 = 1.0 / (1 << 20) as f64;

pub(crate) type Draw = fn(&mut Random) -> f64;

/// What gauges and increments look like.
pub(crate) const SHAPES: &[(&str, Draw)] = &[
    ("constant", |_| 42.5),
    ("few integers", |random| (random.bits() % 7) as f64),
    ("integers", |random| (random.bits() % 1_000) as f64),
    ("uniform", |random| random.unit() * 1_000.0),
    ("narrow", |random| 8e6 + random.unit() * 1_000.0),
    ("log-normal", |random| (random.normal() + 3.0).exp()),
    ("wide log-normal", |random| (random.normal() * 2.0 + 2.0).exp()),
    ("bimodal", |random| {
        if random.bits() % 10 < 9 {
            2.0 + random.normal().abs() * 0.2
        } else {
            900.0 + random.normal() * 50.0
        }
    }),
    ("heavy tail", |random| random.unit().powf(-1.0 / 0.8)),
    (
        "half zeros",
        |random| if random.bits().is_multiple_of(2) { 0.0 } else { (random.normal() * 1.5).exp() },
    ),
    ("normal about zero", |random| random.normal() * 100.0),
    ("negative", |random| -(random.normal() + 1.0).exp()),
    (
        "a spike of one value",
        |random| if random.bits() % 5 < 2 { 200.0 } else { (random.normal() + 5.0).exp() },
    ),
];

/// `count` samples of a shape.
pub(crate) fn draw(shape: Draw, count: usize) -> Vec<f64> {
    let mut random = Random::new(0x0057_E1F5);
    (0..count).map(|_| (shape(&mut random) / QUANTUM).round() * QUANTUM).collect()
}
