//! The limit of a model's file.

use crate::budget::size;
use crate::sequential::count_parameters;
use crate::{Error, ErrorKind, InputShape, Layer, Result, Sequential, Shape};

/// Refuses a model of more than `most` bytes.
///
/// # Errors
/// LimitExceeded, whose hint speaks of "the model size limit": an adapter knows its name.
pub fn check_model_size(bytes: u64, most: u64) -> Result<()> {
    if bytes <= most {
        return Ok(());
    }
    let (mut takes, mut limit) = (size(bytes), size(most));
    if takes == limit {
        (takes, limit) = (format!("{bytes} bytes"), format!("{most} bytes"));
    }
    let message = format!("the model takes {takes}, more than the limit of {limit}");
    Err(Error::new(ErrorKind::LimitExceeded, message)
        .hint("Give it fewer or smaller layers, or raise the model size limit."))
}

/// Refuses layers whose model has more than `most` bytes whatever the rows are.
pub(crate) fn check_layers(layers: &Sequential, most: u64) -> Result<()> {
    let mut shape = layers.inputs.and_then(InputShape::known);
    let mut parameters = 0_u64;
    for layer in &layers.layers {
        layer.kind().check()?;
        let least = match (shape, layer) {
            (Some(shape), _) => count_parameters(layer, shape)?,
            (None, Layer::Dense(dense)) => dense.units,
            _ => 0,
        };
        parameters = parameters.saturating_add(least as u64);
        // Where the rows are not known, a Dense layer says at least how wide they are behind it.
        shape = match (shape, layer) {
            (Some(shape), _) => layer.kind().output(shape).ok(),
            (None, Layer::Dense(dense)) => Shape::new(&[dense.units]).ok(),
            _ => None,
        };
    }
    check_model_size(weight_bytes(parameters), most)
}

/// Bytes of so many weights in a file.
pub(crate) fn weight_bytes(parameters: u64) -> u64 {
    parameters.saturating_mul(size_of::<f32>() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Activation, Dense, TrainOptions};

    #[test]
    fn layers_that_are_too_large_are_refused_before_a_row_is_read() {
        let dense = |units| Layer::Dense(Dense::new(units, Activation::Linear));
        let told = |max_model_size| TrainOptions {
            layers: Some(Sequential::new(vec![dense(1000), dense(1000), dense(1)])),
            max_model_size,
            ..TrainOptions::default()
        };
        assert!(told(4_020_000).check().is_ok());
        let error = told(4_000_000).check().expect_err("too large");
        assert_eq!(
            error.to_string(),
            "the model takes 3918 kB, more than the limit of 3907 kB"
        );
    }

    #[test]
    fn numbers_that_look_alike_are_told_in_bytes() {
        assert!(check_model_size(1_000_000, 1_000_000).is_ok());
        let error = check_model_size(1_000_001, 1_000_000).expect_err("one too many");
        assert_eq!(
            error.to_string(),
            "the model takes 1000001 bytes, more than the limit of 1000000 bytes"
        );
    }
}
