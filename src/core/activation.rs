//! Activation functions by their Keras names, with Keras's constants.

/// An element-wise function, or softmax over a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// x
    Linear,
    /// max(x, 0)
    Relu,
    /// 1 / (1 + e^-x)
    Sigmoid,
    /// tanh x
    Tanh,
    /// e^x_i / sum_j e^x_j
    Softmax,
    /// x (1 + erf(x / sqrt 2)) / 2
    Gelu,
    /// x > 0 ? x : e^x - 1
    Elu,
    /// 1.0507 (x > 0 ? x : 1.6733 (e^x - 1))
    Selu,
    /// ln(1 + e^x)
    Softplus,
    /// x > 0 ? x : 0.2 x
    LeakyRelu,
    /// x sigmoid(x); Keras also calls it `silu`
    Swish,
}
