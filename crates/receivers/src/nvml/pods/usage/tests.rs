use std::time::Duration;

use proptest::prelude::*;

use super::{
    super::processes::{Container, Whose},
    *,
};

const SECOND: Duration = Duration::from_secs(1);

fn pod(name: &str) -> Arc<Owner> {
    Arc::new(Owner::of("ml", name, "main"))
}

fn id(owner: &Owner) -> String {
    format!("id of {}", owner.attributes().nth(1).unwrap().1)
}

/// What a container's process used, or one of the node's own.
fn of(owner: Option<&Arc<Owner>>, percent: u32) -> OfContainer {
    let container = |owner: &Arc<Owner>| Arc::new(Container { id: id(owner), owner: Arc::clone(owner) });
    let whose = owner.map_or(Whose::Nobodys, |owner| Whose::Container(container(owner)));
    OfContainer { whose, memory: None, used: Some([percent, 0, 0]) }
}

fn names(all: &[&Arc<Owner>]) -> Names {
    all.iter().map(|owner| (id(owner), Arc::clone(owner))).collect()
}

/// A round at this second; with the joules so far, where the GPU answered.
fn round(usages: &mut Usages, second: u32, joules: Option<f64>) {
    let energy = joules.map(|joules| joules * 1e3);
    usages.sample(at(second), energy.map(|_| Sample { utilization: Some(50.0), used: None, energy }));
}

/// A GPU of which each of these has a part since the second 0, when it had used nothing.
fn had_by(all: &[&Arc<Owner>]) -> Usages {
    let mut usages = Usages::default();
    round(&mut usages, 0, Some(0.0));
    usages.meet(&whole(all), &[], UnixNanos(0));
    usages
}

fn whole(all: &[&Arc<Owner>]) -> Vec<(Held, Arc<Owner>)> {
    all.iter().map(|owner| (Held::Whole, Arc::clone(owner))).collect()
}

fn at(seconds: u32) -> UnixNanos {
    UnixNanos(0).plus(SECOND * seconds)
}

/// Joules, and seconds in which it worked.
fn told(usages: &Usages, owner: &Arc<Owner>) -> (Option<f64>, Option<f64>) {
    let usage = usages.all.iter().find(|usage| usage.owner == *owner).unwrap();
    (usage.energy.map(|energy| energy / 1e3), usage.active.map(|active| active / 1e9))
}

#[test]
fn what_was_used_while_nobody_answered_is_not_for_who_came_meanwhile() {
    let [a, b] = ["a", "b"].map(pod);
    let mut usages = had_by(&[&a]);
    round(&mut usages, 1, None);
    usages.meet(&whole(&[&b]), &[], at(1));
    round(&mut usages, 2, Some(100.0));
    assert_eq!(told(&usages, &b).0, None);
    round(&mut usages, 3, Some(107.0));
    assert_eq!(told(&usages, &b).0, Some(7.0));
    // Who has it before and after has all.
    round(&mut usages, 4, None);
    usages.meet(&whole(&[&b]), &[], at(4));
    round(&mut usages, 5, Some(127.0));
    assert_eq!(told(&usages, &b).0, Some(27.0));
}

#[test]
fn who_comes_back_is_one_who_comes() {
    let a = pod("a");
    let mut usages = had_by(&[&a]);
    usages.meet(&whole(&[]), &[], at(1));
    usages.meet(&whole(&[&a]), &[], at(2));
    round(&mut usages, 3, Some(100.0));
    assert_eq!(told(&usages, &a).0, None);
}

#[test]
fn time_in_which_nobody_answered_is_not_divided() {
    let [a, b] = ["a", "b"].map(pod);
    let mut usages = had_by(&[&a, &b]);
    round(&mut usages, 10, Some(10.0));
    round(&mut usages, 20, None);
    round(&mut usages, 30, Some(30.0));
    usages.divide(&[of(Some(&a), 25), of(Some(&b), 75)], &names(&[&a, &b]));
    assert_eq!(told(&usages, &a), (Some(7.5), Some(5.0)));
    assert_eq!(told(&usages, &b), (Some(22.5), Some(15.0)));
}

#[test]
fn where_it_is_not_known_whose_a_busy_process_is_nothing_is_divided() {
    let [a, b] = ["a", "b"].map(pod);
    let unseen = |percent| OfContainer { whose: Whose::Unseen, memory: None, used: Some([percent, 0, 0]) };
    let of_a = || of(Some(&a), 25);
    for (processes, named, expected) in [
        (vec![of_a(), of(Some(&b), 75)], names(&[&a]), None),
        (vec![of_a(), unseen(75)], names(&[&a]), None),
        (vec![of_a(), unseen(0), of(Some(&b), 0)], names(&[&a]), Some(10.0)),
        (vec![of_a(), of(None, 75)], names(&[&a]), Some(2.5)),
    ] {
        let mut usages = had_by(&[&a, &b]);
        round(&mut usages, 10, Some(10.0));
        usages.divide(&processes, &named);
        assert_eq!(told(&usages, &a).0, expected, "{processes:?}");
        round(&mut usages, 20, Some(30.0));
        usages.divide(&[of_a()], &named);
        assert_eq!(told(&usages, &a).0, Some(expected.unwrap_or(0.0) + 20.0), "it is not made up for");
    }
}

#[test]
fn percentages_of_any_size_are_added_up() {
    let [a, b] = ["a", "b"].map(pod);
    let mut usages = had_by(&[&a, &b]);
    round(&mut usages, 10, Some(10.0));
    usages.divide(&[of(Some(&a), u32::MAX), of(Some(&b), u32::MAX)], &names(&[&a, &b]));
    assert_eq!(told(&usages, &a), (Some(5.0), Some(5.0)));
}

#[test]
fn an_instance_worked_for_who_had_it_all_the_time() {
    let [a, b] = ["a", "b"].map(pod);
    let mig = Mig { uuid: String::new(), instance: 1, start: None, share: Some(0.5) };
    let held = |owner: &Arc<Owner>| [(Held::Instance(1), Arc::clone(owner))];
    let mut usages = Usages::default();
    usages.meet(&held(&a), std::slice::from_ref(&mig), at(0));
    usages.work(at(0), [].into_iter());
    usages.work(at(10), [(1, 100.0)].into_iter());
    assert_eq!(told(&usages, &a).1, Some(5.0));
    usages.meet(&held(&b), std::slice::from_ref(&mig), at(19));
    usages.work(at(20), [(1, 100.0)].into_iter());
    assert_eq!((told(&usages, &a).1, told(&usages, &b).1), (Some(5.0), None), "nobody knows whose it was");
    usages.work(at(30), [(1, 100.0)].into_iter());
    assert_eq!(told(&usages, &b).1, Some(5.0));
}

/// A round: whether the GPU answered, who has parts of it, and what was used.
#[derive(Clone, Debug)]
struct Step {
    answers: bool,
    is_divided: bool,
    whose: u8,
    more: u32,
    resets: bool,
    percent: [u32; 3],
    instances: [u32; 2],
    is_medium: bool,
}

prop_compose! {
    fn step()(
        answers in prop::bool::weighted(0.8),
        is_divided in prop::bool::weighted(0.4),
        whose in 0..4_u8,
        more in 0..1000_u32,
        resets in prop::bool::weighted(0.1),
        percent in prop::array::uniform3(0..150_u32),
        instances in prop::array::uniform2(0..=100_u32),
        is_medium in prop::bool::weighted(0.4),
    ) -> Step {
        Step { answers, is_divided, whose, more, resets, percent, instances, is_medium }
    }
}

proptest! {
    /// Whoever adds up what all containers had and used never has more than the GPU; and no instance works longer than it is had.
    #[test]
    fn all_containers_together_have_no_more_than_the_gpu(steps in prop::collection::vec(step(), 1..40)) {
        let owners = ["a", "b"].map(pod);
        let [a, b] = &owners;
        let named = names(&[a, b]);
        let migs = [1, 2].map(|instance| Mig { uuid: String::new(), instance, start: None, share: Some(3.0 / 7.0) });
        let (mut usages, mut board, mut spent, mut now) = (Usages::default(), 500.0, 0.0, UnixNanos(0));
        usages.sample(now, Some(Sample { energy: Some(board), ..Sample::default() }));
        usages.work(now, [].into_iter());
        for step in steps {
            let held = |at: usize| if step.is_divided { Held::Instance(at as u32 + 1) } else { Held::Whole };
            let tenants = owners.iter().enumerate().filter(|(at, _)| step.whose >> at & 1 != 0);
            let tenants: Vec<_> = tenants.map(|(at, owner)| (held(at), Arc::clone(owner))).collect();
            usages.meet(&tenants, &migs, now);
            now = now.plus(SECOND);
            let more = f64::from(step.more);
            board = if step.resets && more < board { more } else { board + more };
            spent += more;
            let [of_a, of_b, of_nobody] = step.percent;
            let utilization = Some(f64::from(of_a.min(100)));
            let sample = Sample { utilization, used: None, energy: Some(board) };
            usages.sample(now, step.answers.then_some(sample));
            if step.is_medium {
                if step.answers {
                    usages.divide(&[of(Some(a), of_a), of(Some(b), of_b), of(None, of_nobody)], &named);
                }
                let [first, second] = step.instances.map(f64::from);
                let worked = [(1, first), (2, second)].into_iter().filter(|_| step.answers && step.is_divided);
                usages.work(now, worked);
            }
        }
        let sum = |of: fn(&Usage) -> Option<f64>| usages.all.iter().filter_map(of).sum::<f64>();
        let elapsed = now.0 as f64;
        prop_assert!(sum(|usage| usage.energy) <= spent + 1e-6);
        prop_assert!(sum(|usage| Some(usage.allocated)) <= elapsed + 1e-3);
        prop_assert!(sum(|usage| usage.active) <= elapsed + 1e-3);
        for usage in usages.all.iter().filter(|usage| usage.instance.is_some()) {
            prop_assert!(usage.active.unwrap_or(0.0) <= usage.allocated + 1e-3, "{usage:?}");
        }
    }
}
