use super::*;
use crate::{
    clock::UnixNanos,
    series::{Descriptor, Scope, Temporality},
    value::{Attributes, Value},
};

struct Fixture {
    clock: Clock,
    interner: Arc<Interner>,
    doors: Doors,
    door: Arc<Door>,
}

impl Fixture {
    fn sweep(&self, retention: Duration) {
        self.doors.expire(retention);
        self.interner.sweep();
    }
}

fn fixture(cap: usize) -> Fixture {
    let clock = Clock::manual(UnixNanos(1_800_000_000 * 1_000_000_000));
    let interner = Arc::new(Interner::new(cap));
    let doors = Doors::new(Arc::clone(&interner), clock.clone());
    let door = doors.open("otlp");
    Fixture { clock, interner, doors, door }
}

fn named(name: &str, temporality: Temporality) -> impl FnOnce(&Interner) -> Identity {
    move |interner| Identity {
        resource: interner.resource(Attributes::default(), ""),
        scope: interner.scope(Scope::default()),
        descriptor: interner.descriptor(Descriptor::sum("m", "1", temporality, true)),
        attributes: Attributes::new(vec![interner.attribute("k", Value::str(name))]),
    }
}

fn resolve(sender: &mut Sender<'_>, name: &str) -> SeriesId {
    sender.resolve(name.as_bytes(), named(name, Temporality::Cumulative)).unwrap().series
}

#[test]
fn a_known_alias_is_found_in_any_order_and_identified_once() {
    let f = fixture(100);
    let mut sender = f.door.sender(b"resource", None);
    let names: Vec<String> = (0..50).map(|i| format!("series-{i}")).collect();
    let first: Vec<SeriesId> = names.iter().map(|name| resolve(&mut sender, name)).collect();
    drop(sender);
    let mut sender = f.door.sender(b"resource", None);
    let unknown = |_: &Interner| -> Identity { unreachable!("the alias is known") };
    for step in [1, 7, 49] {
        for i in 0..50 {
            let at = i * step % 50;
            let again = sender.resolve(names[at].as_bytes(), unknown).unwrap();
            assert_eq!(again.series, first[at]);
        }
    }
}

#[test]
fn two_requests_of_a_sender_at_once_get_the_same_series() {
    let f = fixture(100);
    let (mut one, mut two) = (f.door.sender(b"r", None), f.door.sender(b"r", None));
    assert_eq!(resolve(&mut one, "a"), resolve(&mut two, "a"));
    assert_eq!(f.interner.stats().streams, 1);
}

#[test]
fn peers_keep_apart_only_where_they_are_part_of_the_sender() {
    let f = fixture(100);
    let a = resolve(&mut f.door.sender(b"r", Some("10.0.0.1")), "a");
    let b = resolve(&mut f.door.sender(b"r", Some("10.0.0.2")), "a");
    assert_ne!(a, b, "two pods with equal resources stay two streams");
}

#[test]
fn idle_aliases_expire_and_their_series_are_retired() {
    let f = fixture(100);
    resolve(&mut f.door.sender(b"r", None), "a");
    resolve(&mut f.door.sender(b"r", None), "b");
    f.clock.advance(MIN_RETENTION / 2);
    resolve(&mut f.door.sender(b"r", None), "b");
    f.clock.advance(MIN_RETENTION / 2 + Duration::from_secs(1));
    f.sweep(Duration::ZERO);
    assert_eq!(f.interner.stats().streams, 1);
    assert_eq!(f.doors.aliases().0, 1);
    f.clock.advance(MIN_RETENTION * 2);
    f.sweep(Duration::ZERO);
    assert_eq!((f.interner.stats().series, f.doors.aliases()), (0, (0, 0)));
    assert_eq!(f.door.senders.lock().len(), 0, "a sender without aliases is forgotten");
}

#[test]
fn a_longer_retention_keeps_aliases_longer() {
    let f = fixture(100);
    resolve(&mut f.door.sender(b"r", None), "a");
    f.clock.advance(MIN_RETENTION * 2);
    f.sweep(MIN_RETENTION * 3);
    assert_eq!(f.doors.aliases().0, 1);
}

#[test]
fn at_the_cap_idle_aliases_go_first_and_then_delta_overflows() {
    let f = fixture(2);
    let mut sender = f.door.sender(b"r", None);
    resolve(&mut sender, "a");
    resolve(&mut sender, "b");
    drop(sender);

    let mut sender = f.door.sender(b"other", None);
    assert!(sender.resolve(b"c", named("c", Temporality::Cumulative)).is_err());
    let over = sender.resolve(b"d", named("d", Temporality::Delta)).unwrap();
    assert!(over.overflow);
    assert_eq!(sender.resolve(b"e", named("e", Temporality::Delta)).unwrap(), over);
    assert_eq!((f.door.overflowed(), f.doors.overflowed()), (2, 2));
    drop(sender);

    f.clock.advance(RELIEF_IDLE + Duration::from_secs(1));
    let mut sender = f.door.sender(b"other", None);
    assert!(
        !sender.resolve(b"c", named("c", Temporality::Cumulative)).unwrap().overflow,
        "a and b made room"
    );
}

#[test]
fn at_the_cap_a_sender_takes_the_places_of_its_own_idle_series() {
    let f = fixture(2);
    let mut sender = f.door.sender(b"r", None);
    let (a, _) = (resolve(&mut sender, "a"), resolve(&mut sender, "b"));
    drop(sender);
    f.clock.advance(RELIEF_IDLE + Duration::from_secs(1));
    let mut sender = f.door.sender(b"r", None);
    assert_eq!(resolve(&mut sender, "a"), a, "used again in the request at hand");
    resolve(&mut sender, "c");
    assert!(sender.resolve(b"d", named("d", Temporality::Cumulative)).is_err(), "a and c are in use");
    assert_eq!(resolve(&mut sender, "a"), a);
}

#[test]
fn more_requests_at_once_than_tables_lose_no_series() {
    let f = fixture(100);
    let names: Vec<String> = (0..3 * TABLES_PER_SENDER).map(|i| format!("series-{i}")).collect();
    let mut senders: Vec<Sender<'_>> = names.iter().map(|_| f.door.sender(b"r", None)).collect();
    let ids: Vec<SeriesId> = senders.iter_mut().zip(&names).map(|(one, name)| resolve(one, name)).collect();
    drop(senders);
    f.sweep(Duration::ZERO);
    let mut sender = f.door.sender(b"r", None);
    let again: Vec<SeriesId> = names.iter().map(|name| resolve(&mut sender, name)).collect();
    assert_eq!(again, ids, "a series that began anew would be a counter that began anew");
    assert_eq!(f.interner.stats().slots, names.len());
    drop(sender);
    let senders = f.door.senders.lock();
    assert!(senders.iter().all(|sender| sender.tables.len() <= TABLES_PER_SENDER && sender.checked_out == 0));
}

#[test]
fn ever_new_names_of_a_series_take_no_memory() {
    let f = fixture(100);
    let mut sender = f.door.sender(b"r", None);
    let first = resolve(&mut sender, "a");
    for i in 0..1000 {
        let alias = format!("a, called {i}");
        let again = sender.resolve(alias.as_bytes(), named("a", Temporality::Cumulative)).unwrap();
        assert_eq!(again.series, first);
    }
    drop(sender);
    assert!(f.doors.aliases().0 <= aliases::ALIASES_PER_SERIES as u64);
    f.clock.advance(MIN_RETENTION / 2);
    let by_a_new_name = |name: &[u8]| {
        let mut sender = f.door.sender(b"r", None);
        sender.resolve(name, named("a", Temporality::Cumulative)).unwrap().series
    };
    assert_eq!(by_a_new_name(b"x"), first);
    f.clock.advance(MIN_RETENTION / 2 + Duration::from_secs(1));
    f.sweep(Duration::ZERO);
    assert_eq!(f.doors.aliases().0, 0);
    assert_eq!(by_a_new_name(b"y"), first, "in use, if not by a name that is remembered");
}

/// Resolves `name` as the alias `alias` under the headings `scope` and `metric`, as a receiver of nested messages does.
fn under(sender: &mut Sender<'_>, [scope, metric]: [&str; 2], alias: &str, name: &str) -> SeriesId {
    let heading = sender.heading(Heading::NONE, scope.as_bytes());
    let heading = heading.and_then(|scope| sender.heading(scope, metric.as_bytes()));
    if let Some(known) = heading.and_then(|heading| sender.find(heading, alias.as_bytes())) {
        return known;
    }
    let identity = named(name, Temporality::Cumulative)(sender.door.interner());
    let headings = [scope.as_bytes(), metric.as_bytes()];
    sender.admit(Under::New(&headings), alias.as_bytes(), identity).unwrap().series
}

#[test]
fn equal_aliases_under_different_headings_are_different_names() {
    let f = fixture(100);
    let mut sender = f.door.sender(b"r", None);
    assert!(sender.is_new());
    let paths = [["s", "m"], ["s", "n"], ["t", "m"]];
    let first = paths.map(|path| under(&mut sender, path, "x", &path.concat()));
    assert!(!sender.is_new());
    assert_eq!(f.interner.stats().streams, 3);
    drop(sender);
    let mut sender = f.door.sender(b"r", None);
    for order in [[0, 1, 2], [2, 0, 1]] {
        let again = order.map(|at| under(&mut sender, paths[at], "x", "unknown"));
        assert_eq!(again, order.map(|at| first[at]));
    }
    assert_eq!(sender.heading(Heading::NONE, b"m"), None);
    assert_eq!(sender.find(Heading::NONE, b"x"), None);
}

#[test]
fn what_followed_last_time_is_predicted_where_the_bytes_begin_with_it() {
    let f = fixture(100);
    let mut sender = f.door.sender(b"r", None);
    let [_, b] = ["a", "b"].map(|name| under(&mut sender, ["s", "m"], name, name));
    drop(sender);
    let mut sender = f.door.sender(b"r", None);
    let scope = sender.heading(Heading::NONE, b"s").unwrap();
    let metric = sender.heading(scope, b"m").unwrap();
    let a = sender.predict(metric, b"a, and what follows").unwrap();
    assert_eq!(a.len(), 1);
    assert!(sender.predict(scope, b"a").is_none(), "under another heading");
    sender.take(a).unwrap();
    assert!(sender.predict(metric, b"a").is_none(), "b follows");
    let predicted = sender.predict(metric, b"b").unwrap();
    assert_eq!(sender.take(predicted), Some(b));
}

#[test]
fn headings_go_with_their_last_alias_and_the_others_stay_good() {
    let f = fixture(100);
    let paths = [["s", "gone"], ["s", "m"], ["gone", "m"], ["t", "m"]];
    let ids = paths.map(|path| under(&mut f.door.sender(b"r", None), path, "x", &path.concat()));
    let full = f.doors.aliases().1;
    f.clock.advance(MIN_RETENTION / 2);
    for at in [1, 3] {
        under(&mut f.door.sender(b"r", None), paths[at], "x", "unknown");
    }
    f.clock.advance(MIN_RETENTION / 2 + Duration::from_secs(1));
    f.sweep(Duration::ZERO);
    assert_eq!(f.doors.aliases().0, 2);
    assert!(f.doors.aliases().1 < full / 2 + 100, "{} of {full} bytes", f.doors.aliases().1);
    let mut sender = f.door.sender(b"r", None);
    for at in [1, 3] {
        assert_eq!(under(&mut sender, paths[at], "x", "unknown"), ids[at]);
    }
    assert_eq!(sender.heading(Heading::NONE, b"gone"), None);
    assert_eq!(f.interner.stats().streams, 2);
}

#[test]
fn a_table_that_is_absorbed_brings_its_headings_along() {
    let f = fixture(100);
    let table = |paths: &[[&str; 2]]| {
        let mut table = AliasTable::default();
        for [scope, metric] in paths {
            let identity = named(metric, Temporality::Cumulative)(&f.interner);
            let series = f.interner.stream(&f.interner.string("otlp"), identity).unwrap();
            table.remember(Under::New(&[scope.as_bytes(), metric.as_bytes()]), b"x", series, 0);
        }
        table
    };
    let mut one = table(&[["s", "a"], ["s", "b"]]);
    one.absorb(table(&[["t", "c"], ["s", "d"], ["s", "b"], ["t", "e"]]));
    assert_eq!(one.count(), 5, "b is known to both");
    for [scope, metric] in [["s", "a"], ["s", "b"], ["t", "c"], ["s", "d"], ["t", "e"]] {
        let scope = one.heading(Heading::NONE, scope.as_bytes()).unwrap();
        let heading = one.heading(scope, metric.as_bytes()).unwrap();
        let series = f.interner.resolve(one.find(heading, b"x", 0).unwrap()).unwrap();
        assert_eq!(series.attributes().get("k"), Some(&Value::str(metric)));
    }
}

#[test]
fn who_names_nothing_is_not_remembered() {
    let f = fixture(1);
    for i in 0..100 {
        let name = format!("{i}");
        let mut sender = f.door.sender(name.as_bytes(), None);
        _ = sender.resolve(b"a", named(&name, Temporality::Cumulative));
    }
    assert_eq!(f.door.senders.lock().len(), 1, "only the first had room for a series");
}
