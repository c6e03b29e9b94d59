//! A round of Weir between two of a peer.

use std::collections::BTreeMap;

use crate::weir::Readings;

/// What a peer says, under the names that Weir has for it.
#[derive(Debug, Default, PartialEq, serde::Deserialize)]
pub(crate) struct Said {
    /// Only grow.
    pub(crate) counters: Readings,
    /// Grow and fall.
    pub(crate) gauges: Readings,
    /// Percents: may differ by a tenth of a point, the last digit that the peers print.
    pub(crate) percents: Readings,
}

/// A tenth of a point, and what a double loses.
const POINT: f64 = 0.1 + 1e-9;
/// How often values that grow and fall are asked for: each must hold still for long enough in one of them.
const ROUNDS: u32 = 64;

/// Asks the peer, Weir, and the peer again. Counters must lie between its answers each time, each of the others once.
pub(crate) fn agree(peer: impl Fn() -> Said, weir: impl Fn() -> Readings) {
    let mut apart: Option<BTreeMap<String, String>> = None;
    for _ in 0..ROUNDS {
        let (before, weir, after) = (peer(), weir(), peer());
        assert!(before != Said::default(), "the peer says nothing");
        let counters = outside(&before.counters, &weir, &after.counters, 0.0);
        assert!(counters.is_empty(), "{counters:#?}");
        let mut others = outside(&before.gauges, &weir, &after.gauges, 0.0);
        others.extend(outside(&before.percents, &weir, &after.percents, POINT));
        if let Some(earlier) = apart.take() {
            others.retain(|name, _| earlier.contains_key(name));
        }
        let apart = apart.insert(others);
        if apart.is_empty() {
            return;
        }
    }
    panic!("in none of {ROUNDS} rounds, at last: {apart:#?}");
}

/// Each series whose value in `weir` is not between `before` and `after`. What is gone afterwards (a device, a connection) says nothing.
fn outside(before: &Readings, weir: &Readings, after: &Readings, tolerance: f64) -> BTreeMap<String, String> {
    let still_there = before.iter().filter_map(|(name, before)| Some((name, *before, *after.get(name)?)));
    still_there
        .filter_map(|(name, before, after)| {
            let (least, most) = (before.min(after) - tolerance, before.max(after) + tolerance);
            // Doubles of the same ticks may differ in their last bits.
            let slack = 1e-9 * most.abs();
            let found = weir.get(name).copied();
            let holds = found.is_some_and(|value| (least - slack..=most + slack).contains(&value));
            (!holds).then(|| (name.clone(), format!("{before} to {after}, Weir has {found:?}")))
        })
        .collect()
}

#[test]
fn what_is_not_between_the_two_answers_is_found() {
    let of =
        |values: &[(&str, f64)]| values.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
    let (before, after): (Readings, Readings) =
        (of(&[("a", 1.0), ("b", 5.0), ("gone", 1.0)]), of(&[("a", 2.0), ("b", 4.0)]));
    let found = |weir: &[(&str, f64)], tolerance| outside(&before, &of(weir), &after, tolerance).len();
    assert_eq!(found(&[("a", 1.5), ("b", 4.5)], 0.0), 0);
    assert_eq!(found(&[("a", 2.05), ("b", 4.5)], 0.0), 1);
    assert_eq!(found(&[("a", 2.05), ("b", 4.5)], 0.1), 0);
    assert_eq!(found(&[("a", 0.5), ("b", 5.5)], 0.1), 2);
    assert_eq!(found(&[("a", 1.0)], 0.0), 1, "what Weir lacks");
}
