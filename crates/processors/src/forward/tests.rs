use weir_core::{Descriptor, Number};
use weir_testkit::{Fixture, Rig, START, point};

use super::{Config, Forward};

#[test]
fn what_comes_in_goes_out_as_it_is() {
    let fixture = Fixture::new();
    let mut rig = Rig::new::<Forward>(Config {}, fixture.context("forward"));
    let series = fixture.stream(Descriptor::gauge("load", "1"), &[]);
    let points =
        [point(&series, 0, START, Number::Double(0.5)), point(&series, 0, START + 1, Number::Int(2))];
    assert_eq!(rig.numbers(fixture.batch(points)), points);
    let account = rig.account();
    assert_eq!((account.taken, account.passed, account.held), (2, 2, 0));
}
