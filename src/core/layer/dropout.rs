//! `Dropout`.

/// Sets inputs to zero at random while training (Keras: `Dropout`).
#[derive(Debug, Clone, PartialEq)]
pub struct Dropout {
    /// The layer's name; filled in by `compile` and `to_json` when absent.
    pub name: Option<String>,
    /// The share of inputs set to zero, 0 <= rate < 1.
    pub rate: f64,
    /// An own seed, beside the seed of `fit`.
    pub seed: Option<u64>,
}

impl Dropout {
    /// `Dropout(rate)`.
    pub fn new(rate: f64) -> Self {
        Self {
            name: None,
            rate,
            seed: None,
        }
    }
}
