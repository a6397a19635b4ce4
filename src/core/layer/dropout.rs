//! `Dropout`: while training, y = x / (1 - rate) with probability 1 - rate, else 0 (Keras: `keras.layers.Dropout`).

use super::{Backward, Forward, Interrupt, Kind};
use crate::config::{Config, invalid};
use crate::kernels::dropout::{dropout, mask};
use crate::random::hash;
use crate::{Result, Shape};
use serde_json::{Map, Value, json};

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

    /// The mask is a function of the key, so the way back draws it again instead of storing it.
    fn mask(
        &self,
        noise: Option<u64>,
        from: &[f32],
        to: &mut [f32],
        interrupt: &mut Interrupt<'_>,
    ) -> Result<()> {
        let Some(drawn) = Drawn::new(self.rate, self.seed, noise) else {
            return super::copy(from, to, interrupt);
        };
        let Drawn {
            key,
            dropped,
            scale,
        } = drawn;
        let pieces = from.chunks(PIECE).zip(to.chunks_mut(PIECE));
        for (i, (from, to)) in pieces.enumerate() {
            dropout(key, i * PIECE, dropped, scale, from, to);
            interrupt()?;
        }
        Ok(())
    }
}

/// Numbers between two looks at the interrupt.
const PIECE: usize = 1 << 18;

/// What is dropped of one pass.
pub(super) struct Drawn {
    key: u64,
    /// The rate as a share of 2^32.
    dropped: u32,
    /// What is left is multiplied with this.
    scale: f32,
}

impl Drawn {
    /// Nothing where nothing is dropped: in scoring, or at rate 0.
    pub(super) fn new(rate: f64, seed: Option<u64>, noise: Option<u64>) -> Option<Self> {
        let key = noise.filter(|_| rate > 0.0)?;
        Some(Self {
            key: super::seeded(key, seed),
            dropped: (rate * 4_294_967_296.0) as u32,
            scale: (1.0 / (1.0 - rate)) as f32,
        })
    }

    /// The factors of all numbers, the `number`th mask of the pass.
    pub(super) fn mask(&self, number: u64, to: &mut [f32]) {
        mask(hash(self.key ^ number), self.dropped, self.scale, to);
    }
}

/// A share that may be dropped.
pub(super) fn rate(config: &Config, key: &str) -> Result<f64> {
    config.number(key, 0.0, "at least 0 and less than 1", |r| {
        (0.0..1.0).contains(&r)
    })
}

/// Guards what a caller may have built by hand.
pub(super) fn check_rate(rate: f64, what: &str) -> Result<()> {
    if (0.0..1.0).contains(&rate) {
        return Ok(());
    }
    let message = format!("{what} must be at least 0 and less than 1, not {rate}");
    Err(invalid(message))
}

impl Kind for Dropout {
    fn known_settings() -> &'static [&'static str] {
        &["rate", "seed", "noise_shape"]
    }

    fn from_config(name: Option<String>, config: &Config) -> Result<Self> {
        config.refuse(&["noise_shape"])?;
        if config.get("rate").is_none() {
            return Err(invalid("Dropout needs rate")
                .hint("Write {\"class_name\": \"Dropout\", \"config\": {\"rate\": 0.2}}."));
        }
        Ok(Self {
            name,
            rate: rate(config, "rate")?,
            seed: config.count("seed", 0..=u64::MAX)?,
        })
    }

    fn settings(&self) -> Map<String, Value> {
        Map::from_iter([
            ("rate".to_owned(), json!(self.rate)),
            ("seed".to_owned(), json!(self.seed)),
            ("noise_shape".to_owned(), Value::Null),
        ])
    }

    fn check(&self) -> Result<()> {
        check_rate(self.rate, "rate of Dropout")
    }

    named!(name);

    fn output(&self, input: Shape) -> Result<Shape> {
        Ok(input)
    }

    keeps_mask!();

    fn forward(&self, pass: Forward<'_>) -> Result<()> {
        self.mask(pass.noise, pass.x, pass.y, pass.interrupt)
    }

    fn backward(&self, pass: Backward<'_>) -> Result<()> {
        match pass.dx {
            Some(dx) => self.mask(pass.noise, pass.dy, dx, pass.interrupt),
            None => (pass.interrupt)(),
        }
    }
}
