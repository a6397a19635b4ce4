//! Mean, deviation and extremes of numbers, in one pass.

/// By Welford's recurrence, in f64: `mean += (v - mean) / n`, `m2 += (v - old mean) (v - new mean)`,
/// `std = sqrt(m2 / n)`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moments {
    /// Values that are not NULL.
    pub(crate) count: u64,
    /// NULLs.
    pub(crate) nulls: u64,
    /// Mean so far.
    pub(crate) mean: f64,
    /// The sum of squared differences from the mean.
    pub(crate) m2: f64,
    /// The least value; infinite where there is none.
    pub(crate) min: f64,
    /// The largest value.
    pub(crate) max: f64,
}

impl Default for Moments {
    fn default() -> Self {
        Self {
            count: 0,
            nulls: 0,
            mean: 0.0,
            m2: 0.0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
        }
    }
}

impl Moments {
    /// Takes a finite value.
    #[inline]
    pub(crate) fn add(&mut self, value: f64) {
        self.count += 1;
        let delta = value - self.mean;
        self.mean += delta / self.count as f64;
        self.m2 += delta * (value - self.mean);
        self.min = self.min.min(value);
        self.max = self.max.max(value);
    }

    /// The same with `fill` in the place of every NULL (Chan, Golub and LeVeque's sum of two sets, of which one is
    /// constant).
    pub(crate) fn filled(self, fill: f64) -> Self {
        if self.nulls == 0 {
            return self;
        }
        let (n, k) = (self.count as f64, self.nulls as f64);
        let delta = fill - self.mean;
        Self {
            count: self.count + self.nulls,
            nulls: 0,
            mean: self.mean + delta * (k / (n + k)),
            m2: self.m2 + delta * delta * (n * k / (n + k)),
            min: self.min.min(fill),
            max: self.max.max(fill),
        }
    }

    /// The population standard deviation; `None` if the values are too large for f64 arithmetic.
    pub(crate) fn deviation(&self) -> Option<f64> {
        let std = (self.m2 / self.count.max(1) as f64).sqrt();
        (std.is_finite() && self.mean.is_finite()).then_some(std)
    }

    /// The population standard deviation, or 1 where dividing by it would be no scaling (a constant column).
    /// `None` if the values are too large for f64 arithmetic.
    pub(crate) fn std(&self) -> Option<f64> {
        self.deviation().map(divisor)
    }
}

/// `width`, or 1 where dividing by it would be no scaling.
pub(crate) fn divisor(width: f64) -> f64 {
    if width > 0.0 && (1.0 / width).is_finite() {
        width
    } else {
        1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(values: &[f64]) -> Moments {
        let mut moments = Moments::default();
        values.iter().for_each(|value| moments.add(*value));
        moments
    }

    #[test]
    fn mean_and_std_are_numpys() {
        // python3 -c "import numpy as np; a = np.array([2.5, -1.0, 7.25, 0.0, 1e3]); print(repr(a.mean()), repr(a.std()))"
        let some = moments(&[2.5, -1.0, 7.25, 0.0, 1e3]);
        assert!((some.mean - 201.75).abs() < 1e-12);
        assert!((some.std().expect("finite") - 399.135_190_129_860_63).abs() < 1e-9);
        assert_eq!((some.min, some.max), (-1.0, 1e3));
        // python3 -c "import numpy as np; a = 1e9 + np.array([1, 2, 3, 4.]); print(repr(a.mean()), repr(a.std()))"
        let shifted = moments(&[1e9 + 1.0, 1e9 + 2.0, 1e9 + 3.0, 1e9 + 4.0]);
        assert!((shifted.mean - 1_000_000_002.5).abs() < 1e-6);
        assert!((shifted.std().expect("finite") - 1.118_033_988_749_895).abs() < 1e-9);
    }

    #[test]
    fn filled_is_as_if_nulls_had_been_values() {
        for fill in [0.0, -3.5, 1e6] {
            let mut some = moments(&[2.5, -1.0, 7.25]);
            some.nulls = 4;
            let (filled, all) = (
                some.filled(fill),
                moments(&[2.5, -1.0, 7.25, fill, fill, fill, fill]),
            );
            assert!((filled.mean - all.mean).abs() <= 1e-12 * all.mean.abs());
            assert!((filled.m2 - all.m2).abs() <= 1e-12 * all.m2);
            assert_eq!((filled.count, filled.nulls), (7, 0));
            assert_eq!((filled.min, filled.max), (all.min, all.max));
        }
    }

    #[test]
    fn a_constant_column_is_not_scaled() {
        assert_eq!(moments(&[0.1; 1000]).std(), Some(1.0));
        assert_eq!(moments(&[5e-324, 0.0]).std(), Some(1.0));
    }

    #[test]
    fn values_beyond_f64_arithmetic_have_no_std() {
        assert_eq!(moments(&[1e308, -1e308]).std(), None);
    }
}
