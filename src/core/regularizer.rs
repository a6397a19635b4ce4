//! Regularizers by their Keras names: what large weights add to the loss (Keras: `keras.regularizers`).

use crate::Result;
use crate::config::{Config, fold, tagged, unknown};
use serde_json::{Value, json};

/// l1 sum |w| + l2 sum w^2 of one variable, added to every mean loss.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Regularizer {
    /// The factor of the absolute values.
    pub l1: f64,
    /// The factor of the squares.
    pub l2: f64,
}

/// Keras's default of either factor.
const FACTOR: f64 = 0.01;

impl Regularizer {
    const KNOWN: [&'static str; 3] = ["l1", "l2", "l1_l2"];

    /// A name, Keras's object, or nothing.
    pub(crate) fn from_json(json: Option<&Value>) -> Result<Option<Regularizer>> {
        let Some(json) = json else { return Ok(None) };
        let (name, config) = tagged("regularizer", json)?;
        let keys: &[&str] = match fold(name).as_str() {
            "l1" => &["l1"],
            "l2" => &["l2"],
            "l1l2" => &["l1", "l2"],
            _ => {
                return Err(unknown("regularizer", "regularizers", name, &Self::KNOWN));
            }
        };
        let config = Config::new(format!("regularizer {name}"), config, keys)?;
        // Of L1L2 a factor that is not named is 0 as soon as the other one is.
        let named = keys.iter().any(|key| config.get(key).is_some());
        let factor = |key| match keys.contains(&key) {
            true if keys.len() == 1 || !named => positive(&config, key, FACTOR),
            true => positive(&config, key, 0.0),
            false => Ok(0.0),
        };
        Ok(Some(Regularizer {
            l1: factor("l1")?,
            l2: factor("l2")?,
        }))
    }

    /// Keras's object, or null.
    pub(crate) fn to_json(this: Option<Regularizer>) -> Value {
        let Some(Regularizer { l1, l2 }) = this else {
            return Value::Null;
        };
        let (class, config) = match (l1 != 0.0, l2 != 0.0) {
            (true, false) => ("L1", json!({"l1": l1})),
            (false, true) => ("L2", json!({"l2": l2})),
            _ => ("L1L2", json!({"l1": l1, "l2": l2})),
        };
        json!({"module": "keras.regularizers", "class_name": class, "config": config, "registered_name": null})
    }

    /// What these weights add to the loss.
    pub(crate) fn penalty(self, w: &[f32]) -> f64 {
        let (mut absolute, mut squares) = ([0.0f64; 8], [0.0f64; 8]);
        let pieces = w.chunks_exact(8);
        let rest = pieces.remainder();
        for piece in pieces.chain(std::iter::once(rest)) {
            for ((&w, a), s) in piece.iter().zip(&mut absolute).zip(&mut squares) {
                let w = f64::from(w);
                *a += w.abs();
                *s += w * w;
            }
        }
        let sum = |lanes: [f64; 8]| lanes.iter().sum::<f64>();
        self.l1 * sum(absolute) + self.l2 * sum(squares)
    }

    /// Adds the derivative of the penalty to the gradient.
    pub(crate) fn add_gradient(self, w: &[f32], gradient: &mut [f32]) {
        let (l1, l2) = (self.l1 as f32, 2.0 * self.l2 as f32);
        for (g, &w) in gradient.iter_mut().zip(w) {
            let sign = f32::from(w > 0.0) - f32::from(w < 0.0);
            *g += l2 * w + l1 * sign;
        }
    }
}

fn positive(config: &Config, key: &str, default: f64) -> Result<f64> {
    config.number(key, default, "at least 0", |factor| factor >= 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_keras_writes() {
        let read = |text: &str| {
            Regularizer::from_json(Some(&serde_json::from_str(text).unwrap()))
                .map(Option::unwrap)
                .map_err(|error| error.to_string())
        };
        assert_eq!(read("\"l2\""), Ok(Regularizer { l1: 0.0, l2: 0.01 }));
        assert_eq!(read("\"L1L2\""), Ok(Regularizer { l1: 0.01, l2: 0.01 }));
        assert_eq!(
            read(r#"{"class_name": "L1L2", "config": {"l1": 0.5}}"#),
            Ok(Regularizer { l1: 0.5, l2: 0.0 })
        );
        // keras.regularizers.serialize(keras.regularizers.L1(0.1)) of Keras 3.15
        let keras = r#"{"module":"keras.regularizers","class_name":"L1","config":{"l1":0.1},"registered_name":null}"#;
        let l1 = read(keras).unwrap();
        assert_eq!(l1, Regularizer { l1: 0.1, l2: 0.0 });
        let json: Value = serde_json::from_str(keras).unwrap();
        assert_eq!(Regularizer::to_json(Some(l1)), json);
        assert_eq!(read("\"l3\""), Err("unknown regularizer \"l3\"".to_owned()));
        assert_eq!(
            read(r#"{"l2": {"l2": -1}}"#),
            Err("l2 of regularizer l2 must be at least 0, not -1".to_owned())
        );
    }

    #[test]
    fn the_gradient_is_that_of_the_penalty() {
        let both = Regularizer { l1: 0.3, l2: 0.2 };
        let w = [1.5, -2.0, 0.0];
        assert!((both.penalty(&w) - (0.3 * 3.5 + 0.2 * 6.25)).abs() < 1e-12);
        let mut g = [1.0; 3];
        both.add_gradient(&w, &mut g);
        for (g, exact) in g.iter().zip([1.0 + 0.6 + 0.3, 1.0 - 0.8 - 0.3, 1.0]) {
            assert!((g - exact).abs() < 1e-6);
        }
    }
}
