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

/// What was counted since `older`, bucket by bucket: `None` where any count fell, or there are not as many.
pub fn difference(newer: &[u64], older: &[u64]) -> Option<Vec<u64>> {
    let mut difference = newer.to_vec();
    subtract(&mut difference, older).then_some(difference)
}

/// Becomes what was counted since `older` (see [`difference`]), without allocating; false, with nothing taken, where any
/// count fell, or there are not as many.
#[must_use]
pub fn subtract(counts: &mut [u64], older: &[u64]) -> bool {
    let grew = counts.len() == older.len() && counts.iter().zip(older).all(|(count, older)| count >= older);
    if grew {
        counts.iter_mut().zip(older).for_each(|(count, older)| *count -= older);
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
        assert_eq!(difference(&counts, &[1, 2, 3]), Some(vec![10, 0, 30]));
    }

    #[test]
    fn what_fell_anywhere_has_no_difference() {
        assert_eq!(difference(&[5, 1], &[1, 2]), None);
        assert_eq!(difference(&[5, 1], &[1]), None);
    }

    #[test]
    fn what_does_not_fit_changes_nothing() {
        let mut counts = [1, u64::MAX];
        assert!(!merge(&mut counts, &[1, 1]) && !merge(&mut counts, &[1]) && !subtract(&mut counts, &[2, 0]));
        assert_eq!(counts, [1, u64::MAX]);
    }
}
