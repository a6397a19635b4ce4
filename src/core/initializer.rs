//! How weights begin.

/// A way to draw first weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Initializer {
    /// Uniform in +-sqrt(6 / (fan_in + fan_out))
    GlorotUniform,
    /// Normal with stddev sqrt(2 / fan_in), cut at two stddev
    HeNormal,
    /// All zeros
    Zeros,
}
