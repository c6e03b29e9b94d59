//! Explicit histograms under equal bounds: counts add up, and what fell shows that the sender began anew.

/// Adds `more` to `counts`, bucket by bucket; false, with nothing added, where there are not as many or one would pass
/// 64 bits.
#[must_use]
pub fn merge(counts: &mut [u64], more: &[u64]) -> bool {
    let fits = counts.len() == more.len()
        && counts.iter().zip(more).all(|(count, more)| count.checked_add(*more).is_some());
    if fits {
        counts.iter_mut().zip(more).for_each(|(count, more)| *count += more);
    }
    fits
}

/// Goes on from `older` to `newer`, which becomes what was counted in between; false, with nothing changed, where any count
/// fell, or there are not as many.
#[must_use]
pub fn go_on(older: &mut [u64], newer: &mut [u64]) -> bool {
    let grew = newer.len() == older.len() && newer.iter().zip(&*older).all(|(newer, older)| newer >= older);
    if grew {
        for (older, newer) in older.iter_mut().zip(newer) {
            let added = *newer - *older;
            *older = std::mem::replace(newer, added);
        }
    }
    grew
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up_bucket_by_bucket_and_come_apart_again() {
        let mut counts = [1, 2, 3];
        assert!(merge(&mut counts, &[10, 0, 30]));
        assert_eq!(counts, [11, 2, 33]);
        let mut older = [1, 2, 3];
        assert!(go_on(&mut older, &mut counts));
        assert_eq!((older, counts), ([11, 2, 33], [10, 0, 30]));
    }

    #[test]
    fn where_anything_fell_nothing_goes_on() {
        let (mut older, mut newer) = ([1, 2], [5, 1]);
        assert!(!go_on(&mut older, &mut newer) && !go_on(&mut older[..1], &mut newer));
        assert_eq!((older, newer), ([1, 2], [5, 1]));
    }

    #[test]
    fn what_does_not_fit_changes_nothing() {
        let mut counts = [1, u64::MAX];
        assert!(!merge(&mut counts, &[1, 1]) && !merge(&mut counts, &[1]));
        assert_eq!(counts, [1, u64::MAX]);
    }
}
