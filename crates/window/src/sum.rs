//! A sum that keeps what rounding takes away.

/// Compensated summation (Neumaier's variant of Kahan's): the error of every addition is collected beside the sum,
/// so the relative error stays near 2⁻⁵³ for samples of one sign, whatever their number and order. Terms of both
/// signs that nearly cancel keep an error of about n² · 2⁻¹⁰⁶ of the sum of their magnitudes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sum {
    rounded: f64,
    lost: f64,
}

impl Sum {
    /// One value.
    pub(crate) fn of(value: f64) -> Self {
        Self { rounded: value, lost: 0.0 }
    }

    /// Adds `other`, which it does not round either.
    pub(crate) fn add_sum(&mut self, other: Self) {
        self.add(other.rounded);
        self.lost += other.lost;
    }

    /// Adds `count` times `value`; `count` must not pass 2⁵³.
    pub(crate) fn add_product(&mut self, value: f64, count: u64) {
        if count == 1 {
            return self.add(value);
        }
        let count = count as f64;
        let product = value * count;
        self.add(product);
        self.lost += value.mul_add(count, -product);
    }

    /// The sum as the nearest number that 64 bits hold.
    pub(crate) fn total(self) -> f64 {
        self.rounded + self.lost
    }

    fn add(&mut self, value: f64) {
        let sum = self.rounded + value;
        self.lost += if self.rounded.abs() >= value.abs() {
            (self.rounded - sum) + value
        } else {
            (value - sum) + self.rounded
        };
        self.rounded = sum;
    }
}

#[cfg(test)]
mod tests;
