//! How weights begin: initializers by their Keras names (Keras: `keras.initializers`).

mod draw;

pub(crate) use draw::Draw;

use crate::config::{Config, fold, tagged, unknown};
use crate::{Error, ErrorKind, Result};
use serde_json::{Map, Value, json};

/// A way to make first weights, with Keras's names and defaults.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Initializer {
    /// All 0.
    Zeros,
    /// All 1.
    Ones,
    /// All the same.
    Constant {
        /// The number.
        value: f64,
    },
    /// A matrix that hands on what it is multiplied with, times `gain`.
    Identity {
        /// The numbers of the diagonal.
        gain: f64,
    },
    /// Orthonormal rows or columns, times `gain` (Saxe et al. 2013).
    Orthogonal {
        /// The length of the shorter ones.
        gain: f64,
        /// See [`Seed`].
        seed: Seed,
    },
    /// Normal numbers.
    RandomNormal {
        /// Their mean.
        mean: f64,
        /// Their standard deviation.
        stddev: f64,
        /// See [`Seed`].
        seed: Seed,
    },
    /// Normal numbers of which those beyond two `stddev` are drawn again.
    TruncatedNormal {
        /// Their mean.
        mean: f64,
        /// The standard deviation of the normal numbers that are cut.
        stddev: f64,
        /// See [`Seed`].
        seed: Seed,
    },
    /// Uniform in [`minval`, `maxval`).
    RandomUniform {
        /// The least.
        minval: f64,
        /// The bound of the largest.
        maxval: f64,
        /// See [`Seed`].
        seed: Seed,
    },
    /// A variance of `scale` / fan.
    VarianceScaling {
        /// What the variance is multiplied with.
        scale: f64,
        /// Which fan.
        mode: Fan,
        /// Of the numbers.
        distribution: Distribution,
        /// See [`Seed`].
        seed: Seed,
    },
    /// Truncated normal of variance 1 / mean fan (Glorot and Bengio 2010).
    GlorotNormal(Seed),
    /// Uniform of variance 1 / mean fan.
    GlorotUniform(Seed),
    /// Truncated normal of variance 2 / `fan_in` (He et al. 2015).
    HeNormal(Seed),
    /// Uniform of variance 2 / `fan_in`.
    HeUniform(Seed),
    /// Truncated normal of variance 1 / `fan_in` (LeCun et al. 1998).
    LecunNormal(Seed),
    /// Uniform of variance 1 / `fan_in`.
    LecunUniform(Seed),
}

/// An own seed: the same numbers wherever it is given, whatever the seed of the training. Without one every variable draws
/// its own from that.
pub type Seed = Option<u64>;

/// What a unit is connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fan {
    /// `fan_in`: its inputs.
    In,
    /// `fan_out`: the units that an input goes to.
    Out,
    /// `fan_avg`: the mean of both.
    Average,
}

/// The shape of a distribution of mean 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Distribution {
    /// `truncated_normal`
    TruncatedNormal,
    /// `untruncated_normal`
    UntruncatedNormal,
    /// `uniform`
    Uniform,
}

/// The words, in Keras's spelling of functions.
const KNOWN: [&str; 15] = [
    "zeros",
    "ones",
    "constant",
    "identity",
    "orthogonal",
    "random_normal",
    "truncated_normal",
    "random_uniform",
    "variance_scaling",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "lecun_normal",
    "lecun_uniform",
];

/// What is multiplied or added stays far from what a float32 cannot hold.
const MOST: f64 = 1e30;

impl Fan {
    const NAMES: [(&'static str, Fan); 3] = [
        ("fan_in", Fan::In),
        ("fan_out", Fan::Out),
        ("fan_avg", Fan::Average),
    ];
}

impl Distribution {
    const NAMES: [(&'static str, Distribution); 4] = [
        ("truncated_normal", Distribution::TruncatedNormal),
        ("untruncated_normal", Distribution::UntruncatedNormal),
        ("uniform", Distribution::Uniform),
        // As Keras reads it.
        ("normal", Distribution::TruncatedNormal),
    ];
}

/// A finite number of an initializer.
fn number(config: &Config, key: &str, default: f64) -> Result<f64> {
    config.number(key, default, "a number from -1e30 to 1e30", |n| {
        n.abs() <= MOST
    })
}

/// One of several words.
fn word<T: Copy>(config: &Config, key: &str, names: &[(&'static str, T)], default: T) -> Result<T> {
    let Some(given) = config.string(key)? else {
        return Ok(default);
    };
    let found = names.iter().find(|(name, _)| *name == given);
    let known: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
    let unknown = || unknown(&format!("{key} of {}", config.what), "words", given, &known);
    found.map(|(_, value)| *value).ok_or_else(unknown)
}

impl Initializer {
    /// Keras's default of most kernels.
    pub const GLOROT: Initializer = Initializer::GlorotUniform(None);
    /// Keras's default of recurrent kernels.
    pub const ORTHOGONAL: Initializer = Initializer::Orthogonal {
        gain: 1.0,
        seed: None,
    };
    /// Keras's default of embeddings, `uniform`.
    pub const UNIFORM: Initializer = Initializer::RandomUniform {
        minval: -0.05,
        maxval: 0.05,
        seed: None,
    };

    /// A name, or Keras's object.
    pub(crate) fn from_json(json: Option<&Value>, default: Initializer) -> Result<Initializer> {
        let Some(json) = json else { return Ok(default) };
        let (name, config) = tagged("initializer", json)?;
        let word = fold(name);
        let word = match word.as_str() {
            "zero" => "zeros",
            "one" => "ones",
            "normal" => "randomnormal",
            "uniform" => "randomuniform",
            "identityinitializer" => "identity",
            "orthogonalinitializer" => "orthogonal",
            other => other,
        };
        let Some(known) = KNOWN.into_iter().find(|known| fold(known) == word) else {
            return Err(unknown("initializer", "initializers", name, &KNOWN));
        };
        Self::read(known, config)
    }

    /// The initializer of a known name.
    fn read(known: &str, json: Option<&Value>) -> Result<Initializer> {
        let own: &[&str] = match known {
            "zeros" | "ones" => &[],
            "constant" => &["value"],
            "identity" => &["gain"],
            "orthogonal" => &["gain", "seed"],
            "random_normal" | "truncated_normal" => &["mean", "stddev", "seed"],
            "random_uniform" => &["minval", "maxval", "seed"],
            "variance_scaling" => &[
                "scale",
                "mode",
                "distribution",
                "seed",
                "input_axes",
                "output_axes",
            ],
            _ => &["seed", "input_axes", "output_axes"],
        };
        let config = Config::new(format!("initializer {known}"), json, own)?;
        config.refuse(&["input_axes", "output_axes"])?;
        let seed = config.count("seed", 0..=u64::MAX)?;
        let positive = |key, default| {
            config.number(key, default, "a number from 0 to 1e30", |n| {
                (0.0..=MOST).contains(&n)
            })
        };
        Ok(match known {
            "zeros" => Self::Zeros,
            "ones" => Self::Ones,
            "constant" => Self::Constant {
                value: number(&config, "value", 0.0)?,
            },
            "identity" => Self::Identity {
                gain: number(&config, "gain", 1.0)?,
            },
            "orthogonal" => Self::Orthogonal {
                gain: number(&config, "gain", 1.0)?,
                seed,
            },
            "random_normal" => Self::RandomNormal {
                mean: number(&config, "mean", 0.0)?,
                stddev: positive("stddev", 0.05)?,
                seed,
            },
            "truncated_normal" => Self::TruncatedNormal {
                mean: number(&config, "mean", 0.0)?,
                stddev: positive("stddev", 0.05)?,
                seed,
            },
            "random_uniform" => Self::RandomUniform {
                minval: number(&config, "minval", -0.05)?,
                maxval: number(&config, "maxval", 0.05)?,
                seed,
            },
            "variance_scaling" => Self::VarianceScaling {
                scale: config.number("scale", 1.0, "more than 0, at most 1e30", |scale| {
                    scale > 0.0 && scale <= MOST
                })?,
                mode: word(&config, "mode", &Fan::NAMES, Fan::In)?,
                distribution: word(
                    &config,
                    "distribution",
                    &Distribution::NAMES,
                    Distribution::TruncatedNormal,
                )?,
                seed,
            },
            "glorot_normal" => Self::GlorotNormal(seed),
            "glorot_uniform" => Self::GlorotUniform(seed),
            "he_normal" => Self::HeNormal(seed),
            "he_uniform" => Self::HeUniform(seed),
            "lecun_normal" => Self::LecunNormal(seed),
            _ => Self::LecunUniform(seed),
        })
    }

    /// Keras's object.
    pub(crate) fn to_json(self) -> Value {
        let name = |value: Value| Map::from_iter([("seed".to_owned(), value)]);
        let (class, mut config) = match self {
            Self::Zeros => ("Zeros", Map::new()),
            Self::Ones => ("Ones", Map::new()),
            Self::Constant { .. } => ("Constant", Map::new()),
            Self::Identity { .. } => ("Identity", Map::new()),
            Self::Orthogonal { seed, .. } => ("Orthogonal", name(json!(seed))),
            Self::RandomNormal { seed, .. } => ("RandomNormal", name(json!(seed))),
            Self::TruncatedNormal { seed, .. } => ("TruncatedNormal", name(json!(seed))),
            Self::RandomUniform { seed, .. } => ("RandomUniform", name(json!(seed))),
            Self::VarianceScaling { seed, .. } => ("VarianceScaling", name(json!(seed))),
            Self::GlorotNormal(seed) => ("GlorotNormal", name(json!(seed))),
            Self::GlorotUniform(seed) => ("GlorotUniform", name(json!(seed))),
            Self::HeNormal(seed) => ("HeNormal", name(json!(seed))),
            Self::HeUniform(seed) => ("HeUniform", name(json!(seed))),
            Self::LecunNormal(seed) => ("LecunNormal", name(json!(seed))),
            Self::LecunUniform(seed) => ("LecunUniform", name(json!(seed))),
        };
        let mut put = |key: &str, value: Value| config.insert(key.to_owned(), value);
        match self {
            Self::Constant { value } => {
                put("value", json!(value));
            }
            Self::Identity { gain } | Self::Orthogonal { gain, .. } => {
                put("gain", json!(gain));
            }
            Self::RandomNormal { mean, stddev, .. }
            | Self::TruncatedNormal { mean, stddev, .. } => {
                put("mean", json!(mean));
                put("stddev", json!(stddev));
            }
            Self::RandomUniform { minval, maxval, .. } => {
                put("minval", json!(minval));
                put("maxval", json!(maxval));
            }
            Self::VarianceScaling {
                scale,
                mode,
                distribution,
                ..
            } => {
                let of =
                    |names: &[(&'static str, Fan)]| names.iter().find(|n| n.1 == mode).map(|n| n.0);
                let distributions = Distribution::NAMES.iter();
                put("scale", json!(scale));
                put("mode", json!(of(&Fan::NAMES)));
                let named = distributions.clone().find(|n| n.1 == distribution);
                put("distribution", json!(named.map(|n| n.0)));
            }
            _ => {}
        }
        json!({"module": "keras.initializers", "class_name": class, "config": config, "registered_name": null})
    }

    /// Refuses a variable whose shape it cannot fill; `place` names both.
    pub(crate) fn check(self, shape: &[usize], place: &str) -> Result<()> {
        let refused = |class: &str, takes: &str| {
            Err(Error::new(
                ErrorKind::InvalidParameter,
                format!("initializer {class} cannot begin {place}, which has the shape {shape:?}"),
            )
            .hint(format!("{class} takes {takes}.")))
        };
        match self {
            Self::Identity { .. } if shape.len() != 2 => refused("identity", "a matrix"),
            Self::Orthogonal { .. } if shape.len() < 2 => {
                refused("orthogonal", "two dimensions or more")
            }
            _ => Ok(()),
        }
    }

    /// Bytes taken while so many numbers are drawn.
    pub(crate) fn bytes(self, numbers: usize) -> u64 {
        match self {
            Self::Orthogonal { .. } => 8 * numbers as u64,
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Initializer> {
        Initializer::from_json(
            Some(&serde_json::from_str(text).unwrap()),
            Initializer::Zeros,
        )
    }

    #[test]
    fn reads_what_keras_writes() {
        // json.dumps(keras.initializers.serialize(...)) of Keras 3.15.1, every class with its defaults
        for keras in [
            r#"{"module": "keras.initializers", "class_name": "Zeros", "config": {}, "registered_name": null}"#,
            r#"{"module": "keras.initializers", "class_name": "Ones", "config": {}, "registered_name": null}"#,
            r#"{"module": "keras.initializers", "class_name": "Constant", "config": {"value": 0.0}, "registered_name": null}"#,
            r#"{"module": "keras.initializers", "class_name": "RandomNormal", "config": {"seed": null, "mean": 0.0, "stddev": 0.05}, "registered_name": null}"#,
            r#"{"module": "keras.initializers", "class_name": "RandomUniform", "config": {"seed": null, "minval": -0.05, "maxval": 0.05}, "registered_name": null}"#,
            r#"{"module": "keras.initializers", "class_name": "TruncatedNormal", "config": {"seed": null, "mean": 0.0, "stddev": 0.05}, "registered_name": null}"#,
            r#"{"module": "keras.initializers", "class_name": "Orthogonal", "config": {"seed": null, "gain": 1.0}, "registered_name": null}"#,
        ] {
            let json: Value = serde_json::from_str(keras).unwrap();
            assert_eq!(read(keras).unwrap().to_json(), json);
        }
        // Axes that are null are not written again, nor is a gain left out that Keras does not write.
        for (class, more) in [
            ("Identity", ""),
            (
                "GlorotUniform",
                r#""seed": 3, "input_axes": null, "output_axes": null"#,
            ),
            ("GlorotNormal", r#""seed": null"#),
            ("HeNormal", r#""seed": null"#),
            ("HeUniform", r#""seed": null"#),
            ("LecunNormal", r#""seed": null"#),
            ("LecunUniform", r#""seed": 18446744073709551615"#),
            (
                "VarianceScaling",
                r#""seed": null, "scale": 0.5, "mode": "fan_avg", "distribution": "untruncated_normal""#,
            ),
        ] {
            let text = format!(r#"{{"class_name": "{class}", "config": {{{more}}}}}"#);
            let initializer = read(&text).unwrap();
            assert_eq!(initializer.to_json()["class_name"], class);
            let again = initializer.to_json().to_string();
            assert_eq!(read(&again).unwrap(), initializer, "{again}");
        }
        for (word, other) in [
            ("uniform", "RandomUniform"),
            ("normal", "random_normal"),
            ("zero", "Zeros"),
            ("one", "ones"),
            ("IdentityInitializer", "identity"),
            ("he_uniform", "HeUniform"),
        ] {
            let read = |word: &str| read(&format!("{word:?}")).unwrap();
            assert_eq!(read(word), read(other));
        }
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for (text, message) in [
            ("\"he_norml\"", "unknown initializer \"he_norml\""),
            (
                r#"{"RandomNormal": {"stddev": -1}}"#,
                "stddev of initializer random_normal must be a number from 0 to 1e30, not -1",
            ),
            (
                r#"{"constant": {"value": 1e300}}"#,
                "value of initializer constant must be a number from -1e30 to 1e30, not 1e+300",
            ),
            (
                r#"{"VarianceScaling": {"mode": "fan_inn"}}"#,
                "unknown mode of initializer variance_scaling \"fan_inn\"",
            ),
            (
                r#"{"VarianceScaling": {"scale": 0}}"#,
                "scale of initializer variance_scaling must be more than 0, at most 1e30, not 0",
            ),
            (
                r#"{"GlorotUniform": {"input_axes": [0]}}"#,
                "input_axes of initializer glorot_uniform is not supported",
            ),
            (
                r#"{"GlorotUniform": {"gain": 2}}"#,
                "unknown setting \"gain\" of initializer glorot_uniform",
            ),
            (
                r#"{"GlorotUniform": {"seed": 1.5}}"#,
                "seed of initializer glorot_uniform must be an integer of at least 0, not 1.5",
            ),
        ] {
            assert_eq!(read(text).unwrap_err().to_string(), message);
        }
        let error = Initializer::ORTHOGONAL.check(&[3], "bias of dense");
        let error = error.unwrap_err();
        assert_eq!(
            (error.to_string().as_str(), error.hint_text()),
            (
                "initializer orthogonal cannot begin bias of dense, which has the shape [3]",
                Some("orthogonal takes two dimensions or more.")
            )
        );
        let identity = Initializer::Identity { gain: 1.0 };
        assert!(identity.check(&[2, 3, 4], "kernel of conv1d").is_err());
        assert!(identity.check(&[2, 3], "kernel of dense").is_ok());
    }
}
