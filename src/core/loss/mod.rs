//! Losses by their Keras names. A new one is a file that implements [`Kind`] and a line in `losses!` below.

#[cfg(test)]
mod tests;

use crate::config::{Config, fold, invalid, tagged, unknown, word_or_json};
use crate::kernels::Simd;
use crate::kernels::cost::Pass;
use crate::{Activation, Error, ErrorKind, Result, Task};
use serde_json::{Map, Value, json};

/// What a loss says of itself.
pub(crate) trait Kind: Copy {
    /// Its names, the canonical one first; case and underscores do not matter.
    const NAMES: &'static [&'static str];
    /// Its settings.
    const SETTINGS: &'static [&'static str] = &[];
    /// The targets it fits.
    const TARGETS: Targets;
    /// How the target is scaled for it.
    const SCALING: Scaling = Scaling::Standard;
    /// The activation that goes over to the loss, which is then computed from what is before it.
    const HEAD: Option<Activation> = None;
    /// Whether answers to class targets are probabilities; else only their order says something.
    const PROBABILITIES: bool = true;
    /// Whether softmax may stand before it though it is not its head.
    const SHARES: bool = false;
    /// Whether its answers must not be negative.
    const POSITIVE: bool = false;

    /// Reads its settings.
    fn read(config: &Config<'_>) -> Result<Self>;

    /// What differs from Keras's defaults.
    fn settings(&self) -> Map<String, Value> {
        Map::new()
    }

    /// One pass over rows of outputs: the sum of their losses, the gradient, and what the head makes of them.
    fn cost<S: Simd, const WEIGHTED: bool>(self, pass: Pass<'_>) -> f64;

    /// The loss of one row in f64: `out` as before the head, `y` as in [`crate::Batch`].
    fn of_row(self, out: &[f32], y: &[f32]) -> f64;

    /// The loss of a number that is so far from the right one; NaN where that is not all it depends on.
    fn of_error(self, _error: f64) -> f64 {
        f64::NAN
    }
}

/// A loss that is the mean over a row's outputs of what each makes with its target.
pub(crate) trait Element: Copy {
    /// The loss of the output `p`, and its derivative by it.
    fn at<S: Simd>(self, p: f32, y: f32) -> (f32, f32);

    /// The loss in f64.
    fn exact(self, p: f64, y: f64) -> f64;
}

/// What an [`Element`] gives as a [`Kind`].
macro_rules! mean_of_elements {
    () => {
        #[inline(always)]
        fn cost<S: $crate::kernels::Simd, const WEIGHTED: bool>(
            self,
            pass: $crate::kernels::cost::Pass<'_>,
        ) -> f64 {
            pass.mean::<WEIGHTED>(|p, y| {
                let (loss, slope) = $crate::loss::Element::at::<S>(self, p, y);
                (p, loss, slope)
            })
        }

        fn of_row(self, out: &[f32], y: &[f32]) -> f64 {
            $crate::loss::mean(out, y, |p, y| $crate::loss::Element::exact(self, p, y))
        }
    };
}

/// The targets that a loss fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Targets {
    /// Numbers, or two classes as 0 and 1.
    Any,
    /// Numbers.
    Numbers,
    /// Two classes.
    Two,
    /// Two or more classes.
    Classes,
}

/// How the target of a regression is scaled for a loss, and which values it may have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Scaling {
    /// Less its mean, by its deviation: the loss only sees differences.
    Standard,
    /// By a factor: the loss sees ratios.
    Factor,
    /// Not at all: it is learned in its own units, in which it lies between these two.
    Own(f64, f64),
}

/// The list of all losses, handed to a macro.
macro_rules! losses {
    ($with:ident) => {
        $with! {
            /// mean (y - p)^2
            mean_squared_error::MeanSquaredError,
            /// mean |y - p|
            mean_absolute_error::MeanAbsoluteError,
            /// mean 100 |y - p| / |y|
            mean_absolute_percentage_error::MeanAbsolutePercentageError,
            /// mean (ln(1 + y) - ln(1 + p))^2
            mean_squared_logarithmic_error::MeanSquaredLogarithmicError,
            /// Quadratic up to `delta`, linear beyond.
            huber::Huber,
            /// mean ln cosh(p - y)
            log_cosh::LogCosh,
            /// Pinball loss: its best answer is the `tau` quantile.
            quantile::Quantile,
            /// mean (p - y ln p)
            poisson::Poisson,
            /// sum y ln(y / p)
            kl_divergence::KlDivergence,
            /// -y ln p - (1 - y) ln(1 - p)
            binary_crossentropy::BinaryCrossentropy,
            /// -ln p_y, with class numbers as targets (Keras: also `sparse_categorical_crossentropy`)
            categorical_crossentropy::CategoricalCrossentropy,
            /// max(1 - t p, 0) with t = -1 or 1
            hinge::Hinge,
            /// max(1 - t p, 0)^2 with t = -1 or 1
            squared_hinge::SquaredHinge,
            /// max(1 + largest other p - p_y, 0)
            categorical_hinge::CategoricalHinge,
        }
    };
}
pub(crate) use losses;

macro_rules! define {
    ($($(#[$doc:meta])* $file:ident::$name:ident),+ $(,)?) => {
        $(mod $file;)+
        $(pub use $file::$name;)+

        /// A loss, by its Keras formula. Crossentropies are computed from logits inside.
        #[derive(Debug, Clone, Copy, PartialEq)]
        pub enum Loss {
            $($(#[$doc])* $name($name)),+
        }

        impl Loss {
            const KNOWN: &'static [&'static str] = &[$($name::NAMES[0]),+];

            /// The one of a name in the form of [`fold`], with its settings.
            fn read(name: &str, json: Option<&Value>) -> Option<Result<(Loss, Option<bool>)>> {
                $(if is_named::<$name>(name) {
                    return Some(read::<$name>(json).map(|(loss, logits)| (Loss::$name(loss), logits)));
                })+
                None
            }

            /// The short name: `mse`.
            pub fn name(&self) -> &'static str {
                match self { $(Loss::$name(_) => $name::NAMES[0]),+ }
            }

            fn settings(&self) -> Map<String, Value> {
                match self { $(Loss::$name(loss) => loss.settings()),+ }
            }

            /// The loss of one row in f64: `out` as before the head (logits under a crossentropy), `y` as in [`crate::Batch`].
            pub(crate) fn of_row(&self, out: &[f32], y: &[f32]) -> f64 {
                match *self { $(Loss::$name(loss) => loss.of_row(out, y)),+ }
            }

            /// The loss of a number that is so far from the right one; NaN where that is not all it depends on.
            pub(crate) fn of_error(&self, error: f64) -> f64 {
                match *self { $(Loss::$name(loss) => loss.of_error(error)),+ }
            }

            /// The targets that it fits.
            pub(crate) fn targets(&self) -> Targets {
                match self { $(Loss::$name(_) => $name::TARGETS),+ }
            }

            /// How the target of a regression is scaled for it.
            pub(crate) fn scaling(&self) -> Scaling {
                match self { $(Loss::$name(_) => $name::SCALING),+ }
            }

            /// The activation that goes over to the loss, if one does.
            pub(crate) fn head(&self) -> Option<Activation> {
                match self { $(Loss::$name(_) => $name::HEAD),+ }
            }

            /// Whether what the network answers for class targets are probabilities.
            pub(crate) fn gives_probabilities(&self) -> bool {
                match self { $(Loss::$name(_) => $name::PROBABILITIES),+ }
            }

            /// Whether softmax may stand before it though it is not its head.
            pub(crate) fn takes_shares(&self) -> bool {
                match self { $(Loss::$name(_) => $name::SHARES),+ }
            }

            /// Whether it has no value for negative answers.
            pub(crate) fn needs_positive(&self) -> bool {
                match self { $(Loss::$name(_) => $name::POSITIVE),+ }
            }
        }
    };
}
losses!(define);

fn is_named<K: Kind>(folded: &str) -> bool {
    K::NAMES.iter().any(|name| fold(name) == folded)
}

/// The settings of a loss, and `from_logits` if it was said.
fn read<K: Kind>(json: Option<&Value>) -> Result<(K, Option<bool>)> {
    let mut known = vec!["name", "reduction", "dtype"];
    known.extend(K::SETTINGS);
    let crossentropy = K::HEAD.is_some();
    if crossentropy {
        known.extend(["from_logits", "axis", "ignore_class"]);
    }
    let name = K::NAMES.first().copied().unwrap_or_default();
    let config = Config::new(format!("loss {name}"), json, &known)?;
    config.check_dtype_and_trainable()?;
    let mut logits = None;
    if crossentropy {
        config.refuse(&["ignore_class"])?;
        if config.get("from_logits").is_some() {
            logits = Some(config.flag("from_logits", false)?);
        }
    }
    let other = |key, usual: Value| config.get(key).is_some_and(|value| *value != usual);
    if other("reduction", "sum_over_batch_size".into()) || other("axis", (-1).into()) {
        return Err(Error::new(
            ErrorKind::NotSupported,
            format!("another reduction or axis of loss {name} is not supported"),
        )
        .hint("The loss of a batch is the mean of its rows."));
    }
    Ok((K::read(&config)?, logits))
}

impl Loss {
    /// mean (y - p)^2
    pub const MSE: Loss = Loss::MeanSquaredError(MeanSquaredError);
    /// mean |y - p|
    pub const MAE: Loss = Loss::MeanAbsoluteError(MeanAbsoluteError);
    /// Two classes, with labels as they are.
    pub const BINARY: Loss = Loss::BinaryCrossentropy(BinaryCrossentropy {
        label_smoothing: 0.0,
    });
    /// Several classes, with labels as they are.
    pub const CATEGORICAL: Loss = Loss::CategoricalCrossentropy(CategoricalCrossentropy {
        label_smoothing: 0.0,
    });

    /// Reads a bare word, `{"huber": {"delta": 2}}` or Keras's `{"class_name": .., "config": {..}}`.
    pub fn parse(text: &str) -> Result<Loss> {
        let (loss, from_logits) = Self::parse_with_logits(text)?;
        if from_logits == Some(true) {
            return Err(invalid(format!("from_logits of loss {} is not an option", loss.name()))
                .hint("Leave it out: a last layer without activation gives logits, one with sigmoid or softmax gives probabilities."));
        }
        Ok(loss)
    }

    /// As [`Loss::parse`], and `from_logits` where it was said: true as Keras's users do for a linear last layer, false
    /// for one that gives probabilities.
    pub fn parse_with_logits(text: &str) -> Result<(Loss, Option<bool>)> {
        let json = word_or_json("loss", text)?;
        let (name, config) = tagged("loss", &json)?;
        Self::read(&fold(name), config)
            .unwrap_or_else(|| Err(unknown("loss", "losses", name, Self::KNOWN)))
    }

    /// The canonical form: `"mse"`, `{"huber": {"delta": 1.0}}`. `parse` reads its text.
    pub fn to_json(&self) -> Value {
        let settings = self.settings();
        if settings.is_empty() {
            Value::from(self.name())
        } else {
            json!({ self.name(): settings })
        }
    }

    /// Whether it is a crossentropy of classes.
    pub fn is_crossentropy(&self) -> bool {
        self.head().is_some()
    }

    /// Whether its targets are classes, whatever their type.
    pub(crate) fn wants_classes(&self) -> bool {
        matches!(self.targets(), Targets::Two | Targets::Classes)
    }

    /// Whether its targets are numbers, also where they are 0 and 1 alone.
    pub(crate) fn wants_numbers(&self) -> bool {
        self.targets() == Targets::Numbers
    }

    /// Units of the last layer where the target has two classes.
    pub(crate) fn units_for_two(&self) -> usize {
        match self.targets() {
            Targets::Classes => 2,
            Targets::Any | Targets::Numbers | Targets::Two => 1,
        }
    }

    /// Whether it can be taken of `task`.
    pub(crate) fn fits(&self, task: Task) -> bool {
        match (self.targets(), task) {
            (Targets::Any, Task::Regression { .. } | Task::Binary) => true,
            (Targets::Numbers, Task::Regression { .. }) => true,
            (Targets::Two, Task::Binary) => true,
            (Targets::Classes, Task::Binary | Task::Multiclass { .. }) => true,
            (Targets::Any | Targets::Numbers | Targets::Two | Targets::Classes, _) => false,
        }
    }

    /// The same crossentropy with the label smoothing of another; the loss itself where either is none.
    pub(crate) fn smoothed_as(self, other: Option<Loss>) -> Loss {
        let label_smoothing = match other {
            Some(Loss::BinaryCrossentropy(other)) => other.label_smoothing,
            Some(Loss::CategoricalCrossentropy(other)) => other.label_smoothing,
            Some(_) => return self,
            None => 0.0,
        };
        match self {
            Loss::BinaryCrossentropy(_) => {
                Loss::BinaryCrossentropy(BinaryCrossentropy { label_smoothing })
            }
            Loss::CategoricalCrossentropy(_) => {
                Loss::CategoricalCrossentropy(CategoricalCrossentropy { label_smoothing })
            }
            other => other,
        }
    }
}

/// The mean over outputs of `f(p, y)`.
pub(crate) fn mean(out: &[f32], y: &[f32], f: impl Fn(f64, f64) -> f64) -> f64 {
    let pairs = out.iter().zip(y);
    let sum: f64 = pairs.map(|(&p, &y)| f(f64::from(p), f64::from(y))).sum();
    sum / out.len() as f64
}

/// `label_smoothing` of a crossentropy, in [0, 1].
pub(crate) fn label_smoothing(config: &Config<'_>) -> Result<f64> {
    config.number("label_smoothing", 0.0, "from 0 to 1", |smoothing| {
        (0.0..=1.0).contains(&smoothing)
    })
}

/// Its canonical form.
pub(crate) fn smoothing_json(label_smoothing: f64) -> Map<String, Value> {
    let given =
        (label_smoothing != 0.0).then(|| ("label_smoothing".into(), label_smoothing.into()));
    given.into_iter().collect()
}
