//! The layers of a `Sequential`.

mod activation;
mod dense;
mod dropout;

pub use activation::ActivationLayer;
pub use dense::Dense;
pub use dropout::Dropout;

/// A layer with its configuration; it holds no weights.
#[derive(Debug, Clone, PartialEq)]
pub enum Layer {
    /// `keras.layers.Dense`
    Dense(Dense),
    /// `keras.layers.Activation`
    Activation(ActivationLayer),
    /// `keras.layers.Dropout`
    Dropout(Dropout),
}
