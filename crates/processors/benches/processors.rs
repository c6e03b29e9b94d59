//! What the processors cost per point of a known series.
fn main() {}
