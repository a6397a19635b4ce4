//! Clipping of gradients (Keras: `clipnorm`, `global_clipnorm` and `clipvalue` of every optimizer).

use crate::Result;
use crate::config::{Config, invalid};

/// How long a gradient may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Clip {
    /// The norm of each variable's.
    Norm(f64),
    /// The norm of all of it.
    GlobalNorm(f64),
    /// Each number, either way.
    Value(f64),
}

impl Clip {
    pub const SETTINGS: [&'static str; 3] = ["clipnorm", "global_clipnorm", "clipvalue"];

    /// The one setting that is given and above 0, as in Keras.
    pub fn from_config(config: &Config) -> Result<Option<Clip>> {
        let kinds = [Clip::Norm, Clip::GlobalNorm, Clip::Value];
        let mut found: Option<(&str, Clip)> = None;
        for (key, kind) in Self::SETTINGS.into_iter().zip(kinds) {
            let most = config.number(key, 0.0, "at least 0", |most| most >= 0.0)?;
            if most == 0.0 {
                continue;
            }
            if let Some((other, _)) = found {
                return Err(
                    invalid(format!("{} has both {other} and {key}", config.what))
                        .hint("Only one of clipnorm, global_clipnorm and clipvalue can be given."),
                );
            }
            found = Some((key, kind(most)));
        }
        Ok(found.map(|(_, clip)| clip))
    }

    /// The setting and its value.
    pub fn setting(self) -> (&'static str, f64) {
        match self {
            Clip::Norm(most) => (Self::SETTINGS[0], most),
            Clip::GlobalNorm(most) => (Self::SETTINGS[1], most),
            Clip::Value(most) => (Self::SETTINGS[2], most),
        }
    }
}
