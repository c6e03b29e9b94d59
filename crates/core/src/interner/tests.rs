use std::collections::VecDeque;

use super::*;

fn identity(interner: &Interner, name: &str, temporality: Temporality) -> Identity {
    Identity {
        resource: interner.resource(Attributes::default(), ""),
        scope: interner.scope(Scope::default()),
        descriptor: interner.descriptor(Descriptor::sum("requests", "1", temporality, true)),
        attributes: Attributes::new(vec![interner.attribute("k", Value::str(name))]),
    }
}

fn stream(interner: &Interner, name: &str) -> Arc<Series> {
    interner.stream(&Arc::from("door"), identity(interner, name, Temporality::Cumulative)).unwrap()
}

fn name_of(interner: &Interner, id: SeriesId) -> Option<String> {
    interner.resolve(id).map(|s| s.attributes().get("k").unwrap().to_string())
}

#[test]
fn equal_identities_are_one_series_and_doors_keep_apart() {
    let interner = Interner::new(10);
    let (a, b) = (stream(&interner, "a"), stream(&interner, "a"));
    assert!(Arc::ptr_eq(&a, &b));
    let identity = identity(&interner, "a", Temporality::Cumulative);
    let other = interner.stream(&Arc::from("other door"), identity).unwrap();
    assert_ne!(a.id(), other.id());
    assert_ne!(a.stream(), other.stream());
}

#[test]
fn a_rewrite_changes_the_name_and_keeps_the_stream() {
    let interner = Interner::new(10);
    let (a, b) = (stream(&interner, "a"), stream(&interner, "b"));
    let same = identity(&interner, "same", Temporality::Cumulative);
    let (ra, rb) = (interner.rewritten(&a, same.clone()), interner.rewritten(&b, same.clone()));
    assert_ne!(ra.id(), rb.id(), "two writers never merge by accident");
    assert_eq!((ra.stream(), rb.stream()), (a.stream(), b.stream()));
    assert!(Arc::ptr_eq(&ra, &interner.rewritten(&a, same)));
    assert_eq!(interner.stats().streams, 2, "rewrites do not count against the cap");
}

#[test]
fn a_lease_keeps_a_retired_id_resolvable_and_its_slot_unused() {
    let interner = Interner::new(10);
    let lease = interner.lease();
    let old = stream(&interner, "old");
    let id = old.id();
    drop(old);
    assert_eq!(interner.sweep(), Swept { retired: 1, freed: 0 });
    assert_eq!(interner.stats().streams, 0);
    let new = stream(&interner, "new");
    assert_ne!(new.id().slot, id.slot);
    assert_eq!(name_of(&interner, id).as_deref(), Some("old"));
    drop(lease);
    assert_eq!(interner.sweep(), Swept { retired: 0, freed: 1 });
    assert_eq!(name_of(&interner, id), None);
    let reuser = stream(&interner, "reuser");
    assert_eq!(reuser.id().slot, id.slot);
    assert_eq!(name_of(&interner, id), None, "an old generation never names the slot's new series");
}

#[test]
fn a_lease_taken_after_the_retirement_does_not_hold_the_slot() {
    let interner = Interner::new(10);
    drop(stream(&interner, "old"));
    interner.sweep();
    let _later = interner.lease();
    assert_eq!(interner.sweep().freed, 0, "freed in the first sweep already, as no lease was out");
    assert_eq!(interner.stats().retired, 0);
}

#[test]
fn after_a_peak_what_is_new_gets_the_lowest_slots() {
    let interner = Interner::new(1000);
    let mut held: VecDeque<_> = (0..1000).map(|n| stream(&interner, &n.to_string())).collect();
    // The oldest go last, and what comes after them finds all other slots free.
    let oldest = held.drain(..10).collect::<Vec<_>>();
    drop(held);
    interner.sweep();
    let new: Vec<_> = (1000..1010).map(|n| stream(&interner, &n.to_string())).collect();
    assert_eq!(new.iter().map(|series| series.id().slot).collect::<Vec<_>>(), (10..20).collect::<Vec<_>>());
    drop(oldest);
    interner.sweep();
    assert_eq!(stream(&interner, "newest").id().slot, 0);
}

#[test]
fn covering_leases_keeps_the_older() {
    let interner = Interner::new(10);
    let old = interner.lease();
    let id = stream(&interner, "a").id();
    interner.sweep();
    let mut joined = interner.lease();
    joined.cover(&old);
    drop(old);
    interner.sweep();
    assert_eq!(name_of(&interner, id).as_deref(), Some("a"));
    drop(joined);
    interner.sweep();
    interner.sweep();
    assert_eq!(name_of(&interner, id), None);
}

#[test]
fn over_the_cap_only_what_adds_up_overflows() {
    let interner = Interner::new(2);
    let _held = (stream(&interner, "a"), stream(&interner, "b"));
    let door: Arc<str> = Arc::from("door");
    let cumulative = identity(&interner, "c", Temporality::Cumulative);
    assert_eq!(interner.stream(&door, cumulative.clone()).unwrap_err().cap, SeriesCap(2));
    assert_eq!(interner.overflow(&door, &cumulative).unwrap_err(), SeriesCap(2));
    let delta = identity(&interner, "c", Temporality::Delta);
    let over = interner.overflow(&door, &delta).unwrap();
    assert_eq!(over.attributes().get(OVERFLOW_ATTRIBUTE), Some(&Value::Bool(true)));
    assert_eq!(over.attributes().len(), 1);
    let again = interner.overflow(&door, &identity(&interner, "d", Temporality::Delta)).unwrap();
    assert!(Arc::ptr_eq(&over, &again));
}

#[test]
fn swept_parts_are_forgotten() {
    let interner = Interner::new(10);
    drop(stream(&interner, "a"));
    interner.sweep();
    interner.sweep();
    assert_eq!(interner.strings.len() + interner.descriptors.len() + interner.resources.len(), 0);
}

/// Doors that intern, drop and re-intern while a reader resolves ids of batches held 50 deep.
/// With leases no id is ever unresolvable or wrong; without them the same harness finds both.
fn churn(interner: &Interner) -> (u64, u64) {
    const ROUNDS: u64 = 4_000;
    let (mut unresolvable, mut wrong) = (0, 0);
    std::thread::scope(|scope| {
        let (sender, receiver) = std::sync::mpsc::sync_channel::<(Lease, Vec<(SeriesId, u64)>)>(16);
        for door in 0..2u64 {
            let sender = sender.clone();
            scope.spawn(move || {
                let mut held = VecDeque::new();
                for round in 0..ROUNDS {
                    let lease = interner.lease();
                    let mut points = Vec::new();
                    for i in 0..8 {
                        let key = (door * ROUNDS + round) * 8 + i;
                        let series = stream(interner, &key.to_string());
                        points.push((series.id(), key));
                        held.push_back(series);
                    }
                    held.drain(..held.len().saturating_sub(64));
                    sender.send((lease, points)).unwrap();
                    if round % 16 == 0 {
                        interner.sweep();
                    }
                }
            });
        }
        drop(sender);
        let mut waiting = VecDeque::new();
        let mut check = |(_lease, points): (Lease, Vec<(SeriesId, u64)>)| {
            for (id, key) in points {
                match name_of(interner, id) {
                    None => unresolvable += 1,
                    Some(name) if name != key.to_string() => wrong += 1,
                    Some(_) => {}
                }
            }
        };
        for batch in receiver {
            waiting.push_back(batch);
            if waiting.len() > 50 {
                check(waiting.pop_front().unwrap());
            }
        }
        waiting.into_iter().for_each(check);
    });
    (unresolvable, wrong)
}

#[test]
fn held_batches_resolve_under_churn_and_memory_stays_flat() {
    let interner = Interner::new(1_000_000);
    assert_eq!(churn(&interner), (0, 0));
    assert!(interner.stats().slots < 8_000, "64,000 series passed through {:?}", interner.stats());
}

#[test]
fn without_leases_the_same_churn_loses_names() {
    let interner = Interner::new(1_000_000).ignoring_leases();
    assert_ne!(churn(&interner).0, 0);
}
