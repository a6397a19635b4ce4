//! What is learned of each feature while the training rows are read: moments, counts, categories.

use super::categories::Categories;
use crate::ColumnType;

/// Mean and population variance by Welford's recurrence, in f64:
/// `mean += (v - mean) / n`, `m2 += (v - old mean) (v - new mean)`, `std = sqrt(m2 / n)`.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Moments {
    /// Values that are not NULL.
    pub(crate) count: u64,
    /// NULLs.
    pub(crate) nulls: u64,
    /// Mean so far.
    pub(crate) mean: f64,
    m2: f64,
}

impl Moments {
    /// Of numbers that were counted elsewhere; `m2` is the sum of squared differences from their mean.
    pub(crate) fn of(count: u64, nulls: u64, mean: f64, m2: f64) -> Self {
        Self {
            count,
            nulls,
            mean,
            m2,
        }
    }

    /// Takes a stored value; NULL is NaN.
    #[inline]
    pub(crate) fn take(&mut self, value: f64) {
        if value.is_nan() {
            self.nulls += 1;
        } else {
            self.add(value);
        }
    }

    /// Takes a finite value.
    #[inline]
    pub(crate) fn add(&mut self, value: f64) {
        self.count += 1;
        let delta = value - self.mean;
        self.mean += delta / self.count as f64;
        self.m2 += delta * (value - self.mean);
    }

    /// The population standard deviation, or 1 where dividing by it would be no scaling (a constant column).
    /// `None` if the values are too large for f64 arithmetic.
    pub(crate) fn std(&self) -> Option<f64> {
        let std = (self.m2 / self.count.max(1) as f64).sqrt();
        if !std.is_finite() || !self.mean.is_finite() {
            None
        } else if std > 0.0 && (1.0 / std).is_finite() {
            Some(std)
        } else {
            Some(1.0)
        }
    }
}

/// The statistics of one feature.
#[derive(Debug)]
pub(crate) enum Profile {
    /// Of a number.
    Number(Moments),
    /// Of a boolean: how often false, true and NULL were seen.
    Boolean([u64; 3]),
    /// Of a category.
    Category(Categories),
}

impl Profile {
    /// An empty profile for a column of this type; an enum's `labels` in their declared order.
    pub(crate) fn new(column_type: ColumnType, labels: Option<Vec<String>>) -> Self {
        match column_type {
            ColumnType::Boolean => Self::Boolean([0; 3]),
            ColumnType::Category => Self::Category(Categories::new(labels)),
            _ => Self::Number(Moments::default()),
        }
    }

    /// NULLs and other values of the training rows.
    pub(crate) fn counts(&self) -> (u64, u64) {
        match self {
            Self::Number(moments) => (moments.nulls, moments.count),
            Self::Boolean([falses, trues, nulls]) => (*nulls, falses.saturating_add(*trues)),
            Self::Category(categories) => (categories.nulls(), categories.trained() as u64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(values: &[f64]) -> Moments {
        let mut moments = Moments::default();
        values.iter().for_each(|&value| moments.add(value));
        moments
    }

    #[test]
    fn mean_and_std_are_numpys() {
        // python3 -c "import numpy as np; a = np.array([2.5, -1.0, 7.25, 0.0, 1e3]); print(repr(a.mean()), repr(a.std()))"
        let learned = moments(&[2.5, -1.0, 7.25, 0.0, 1e3]);
        assert!((learned.mean - 201.75).abs() < 1e-12);
        assert!((learned.std().expect("finite") - 399.135_190_129_860_63).abs() < 1e-9);
        // python3 -c "import numpy as np; a = 1e9 + np.array([1, 2, 3, 4.]); print(repr(a.mean()), repr(a.std()))"
        let shifted = moments(&[1e9 + 1.0, 1e9 + 2.0, 1e9 + 3.0, 1e9 + 4.0]);
        assert!((shifted.mean - 1_000_000_002.5).abs() < 1e-6);
        assert!((shifted.std().expect("finite") - 1.118_033_988_749_895).abs() < 1e-9);
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
