//! Where the buckets of an exponential histogram begin and end.

/// The greatest value of bucket `index`: 2^((index + 1) / 2^scale), infinite beyond the doubles.
pub fn upper(scale: i32, index: i32) -> f64 {
    power(scale, i64::from(index) + 1)
}

/// What all values of bucket `index` are greater than: 2^(index / 2^scale), zero below the doubles.
pub fn lower(scale: i32, index: i32) -> f64 {
    power(scale, i64::from(index))
}

/// The value that is nearest to all of a bucket, relative to them: the harmonic mean of its bounds.
///
/// It is off by no more than (base − 1) / (base + 1), where base = 2^(2^-scale). A bucket whose bounds are beyond the
/// doubles has them cut there.
pub fn middle(scale: i32, index: i32) -> f64 {
    let (lower, upper) = (lower(scale, index).min(f64::MAX), upper(scale, index).min(f64::MAX));
    // Twice the lower bound, less what the upper one is not infinitely far; neither product nor sum overflows.
    if lower > 0.0 { 2.0 * (lower / (1.0 + lower / upper)) } else { 0.0 }
}

/// The greatest error of [`middle`], relative to a value of the bucket.
pub fn worst_relative_error(scale: i32) -> f64 {
    let base = upper(scale, 0);
    if base.is_finite() { (base - 1.0) / (base + 1.0) } else { 1.0 }
}

/// 2^(steps / 2^scale): exact wherever that is a power of two, else within a unit or two of the last place.
fn power(scale: i32, steps: i64) -> f64 {
    if scale <= 0 {
        let scale = scale.unsigned_abs();
        let exponent = if scale < 12 { steps << scale } else { steps.signum() * 4096 };
        return exp2(exponent);
    }
    let scale = scale.min(62);
    let (octave, within) = (steps >> scale, steps & ((1 << scale) - 1));
    let fraction = within as f64 / (1_i64 << scale) as f64;
    // In two factors, so that a result among the subnormal numbers is rounded once.
    fraction.exp2() * exp2(octave.clamp(-1022, 1023)) * exp2(octave - octave.clamp(-1022, 1023))
}

/// 2^exponent, exactly: zero below the least subnormal number, infinite beyond the doubles.
fn exp2(exponent: i64) -> f64 {
    match exponent {
        ..-1074 => 0.0,
        -1074..-1022 => f64::from_bits(1 << (exponent + 1074)),
        -1022..1024 => f64::from_bits(((exponent + 1023) as u64) << 52),
        _ => f64::INFINITY,
    }
}
