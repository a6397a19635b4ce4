//! Metrics by their Keras names, in streams. A new one is a file that implements [`Kind`] and a line in `metrics!` below.

mod accuracy;
mod auc;
mod auc_thresholds;
mod binary_accuracy;
mod binary_crossentropy;
mod categorical_accuracy;
mod categorical_crossentropy;
mod categorical_hinge;
mod confusion;
mod cosine_similarity;
mod counts;
mod errors;
mod f1;
mod hinges;
mod kl_divergence;
mod loss;
mod poisson;
mod precision;
mod r2;
mod recall;
mod state;
#[cfg(test)]
mod tests;
mod top_k;

pub use state::MetricState;
pub(crate) use state::{State, Subject};

use crate::config::{Config, fold, invalid, tagged, unknown, word_or_json};
use crate::{Loss, Result, Task};
use serde_json::{Map, Value, json};

/// What a metric says of itself.
pub(crate) trait Kind: Default {
    /// Its names, the canonical one first; case and underscores do not matter.
    const NAMES: &'static [&'static str];
    /// Its settings.
    const SETTINGS: &'static [&'static str] = &[];
    /// Whether a larger value is the better one.
    const MORE: bool = false;

    /// Whether it can be taken of this.
    fn fits(of: &Subject<'_>) -> bool;

    /// Reads its settings.
    fn read(_config: &Config<'_>) -> Result<Self> {
        Ok(Self::default())
    }

    /// What differs from what its bare name means.
    fn settings(&self) -> Map<String, Value> {
        Map::new()
    }

    /// Says what is wrong with its settings, taken of this, if anything is.
    fn check(&self, _of: &Subject<'_>) -> Result<()> {
        Ok(())
    }

    /// Begins to take it.
    fn state(&self, of: &Subject<'_>) -> Box<dyn State>;

    /// Bytes of a state.
    fn bytes(&self, outputs: usize) -> u64 {
        128 + 16 * outputs as u64
    }
}

macro_rules! metrics {
    ($($file:ident::$name:ident),+ $(,)?) => {
        /// What is measured, with its settings.
        #[derive(Debug, Clone, PartialEq)]
        enum Measure {
            $($name($file::$name)),+
        }

        impl Measure {
            /// The one of a name in the form of [`fold`], with its settings.
            fn read(name: &str, json: Option<&Value>) -> Option<Result<Metric>> {
                $(if is_named::<$file::$name>(name) {
                    return Some(read::<$file::$name>(json, Measure::$name));
                })+
                None
            }

            /// The canonical name.
            fn name(&self) -> &'static str {
                match self { $(Measure::$name(_) => $file::$name::NAMES[0]),+ }
            }

            fn settings(&self) -> Map<String, Value> {
                match self { $(Measure::$name(it) => it.settings()),+ }
            }

            fn more(&self) -> bool {
                match self { $(Measure::$name(_) => $file::$name::MORE),+ }
            }

            fn check(&self, of: &Subject<'_>) -> Option<Result<()>> {
                match self { $(Measure::$name(it) => $file::$name::fits(of).then(|| it.check(of))),+ }
            }

            fn state(&self, of: &Subject<'_>) -> Box<dyn State> {
                match self { $(Measure::$name(it) => it.state(of)),+ }
            }

            fn bytes(&self, outputs: usize) -> u64 {
                match self { $(Measure::$name(it) => it.bytes(outputs)),+ }
            }

            /// All canonical names, or those of what can be taken of this.
            fn names(of: Option<&Subject<'_>>) -> Vec<&'static str> {
                let mut names = Vec::new();
                $(if of.is_none_or($file::$name::fits) {
                    names.push($file::$name::NAMES[0]);
                })+
                names
            }
        }
    };
}

metrics! {
    loss::Loss,
    errors::Mae,
    errors::Mse,
    errors::Rmse,
    errors::Mape,
    errors::Msle,
    errors::LogCosh,
    r2::R2,
    cosine_similarity::CosineSimilarity,
    poisson::Poisson,
    kl_divergence::KlDivergence,
    accuracy::Accuracy,
    auc::Auc,
    binary_accuracy::BinaryAccuracy,
    categorical_accuracy::CategoricalAccuracy,
    top_k::TopK,
    precision::Precision,
    recall::Recall,
    f1::F1,
    counts::TruePositives,
    counts::FalsePositives,
    counts::TrueNegatives,
    counts::FalseNegatives,
    binary_crossentropy::BinaryCrossentropy,
    categorical_crossentropy::CategoricalCrossentropy,
    hinges::Hinge,
    hinges::SquaredHinge,
    categorical_hinge::CategoricalHinge,
}

fn is_named<K: Kind>(folded: &str) -> bool {
    K::NAMES.iter().any(|name| fold(name) == folded)
}

/// The settings of a metric, and the name that it is to be logged under.
fn read<K: Kind>(json: Option<&Value>, measure: fn(K) -> Measure) -> Result<Metric> {
    let mut known = vec!["name", "dtype"];
    known.extend(K::SETTINGS);
    let word = K::NAMES.first().copied().unwrap_or_default();
    let config = Config::new(format!("metric {word}"), json, &known)?;
    config.check_dtype_and_trainable()?;
    let name = config.string("name")?.filter(|name| {
        // What Keras calls it by itself.
        !is_named::<K>(&fold(name))
    });
    if let Some(name) = name {
        check_name(name)?;
    }
    Ok(Metric {
        name: name.map(str::to_owned),
        measure: measure(K::read(&config)?),
    })
}

/// A name under which something is logged beside `loss` and `val_loss`.
fn check_name(name: &str) -> Result<()> {
    const LONGEST: usize = 60;
    if name.is_empty()
        || name.len() > LONGEST
        || name.chars().any(char::is_control)
        || name == "loss"
        || name.starts_with("val_")
    {
        return Err(
            invalid(format!("{name:?} cannot be the name of a metric")).hint(format!(
                "A name has 1 to {LONGEST} bytes without control characters, is not \"loss\" and does not begin with \"val_\"."
            )),
        );
    }
    Ok(())
}

/// A metric: what is measured, and perhaps a name of its own to be logged under.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    measure: Measure,
    name: Option<String>,
}

macro_rules! plain {
    ($($(#[$doc:meta])* $name:ident = $file:ident::$measure:ident),+ $(,)?) => {
        $($(#[$doc])* pub const $name: Metric = Metric {
            measure: Measure::$measure($file::$measure),
            name: None,
        };)+
    };
}

impl Metric {
    plain! {
        /// The loss itself, which is always reported: `loss`
        LOSS = loss::Loss,
        /// Mean absolute error: `mae`
        MAE = errors::Mae,
        /// Mean squared error: `mse`
        MSE = errors::Mse,
        /// Root of the mean squared error: `rmse`
        RMSE = errors::Rmse,
        /// Share of right classes: `accuracy`
        ACCURACY = accuracy::Accuracy,
    }
    /// Coefficient of determination: `r2`
    pub const R2: Metric = Metric {
        measure: Measure::R2(r2::R2::MEAN),
        name: None,
    };
    /// Area under the ROC curve of a binary target: `auc`
    pub const AUC: Metric = Metric {
        measure: Measure::Auc(auc::Auc::Exact),
        name: None,
    };

    /// Reads a bare word, `{"precision": {"thresholds": 0.3}}` or Keras's `{"class_name": .., "config": {..}}`.
    pub fn parse(text: &str) -> Result<Metric> {
        Self::from_json(&word_or_json("metric", text)?)
    }

    /// As [`Metric::parse`].
    pub(crate) fn from_json(json: &Value) -> Result<Metric> {
        let (name, config) = tagged("metric", json)?;
        Measure::read(&fold(name), config)
            .unwrap_or_else(|| Err(unknown("metric", "metrics", name, &Measure::names(None))))
    }

    /// The canonical form: `"mae"`, `{"precision": {"thresholds": 0.3}}`. `from_json` reads it.
    pub fn to_json(&self) -> Value {
        let mut settings = self.measure.settings();
        if let Some(name) = &self.name {
            settings.insert("name".into(), name.as_str().into());
        }
        let word = self.measure.name();
        if settings.is_empty() {
            Value::from(word)
        } else {
            json!({ word: settings })
        }
    }

    /// The name that it is logged under, where no other metric has it.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(self.measure.name())
    }

    /// Whether a larger value is the better one.
    pub fn more_is_better(&self) -> bool {
        self.measure.more()
    }

    /// Whether it is the loss, which is not logged twice.
    pub(crate) fn is_loss(&self) -> bool {
        matches!(self.measure, Measure::Loss(_))
    }

    /// Whether this metric can be taken of `task`, of a model trained with `loss`; an error that says why not.
    pub fn check(&self, task: Task, loss: Loss) -> Result<()> {
        let outputs = match task {
            Task::Regression { outputs } => outputs,
            Task::Binary => 1,
            Task::Multiclass { classes } => classes,
        };
        self.check_of(&Subject::new(task, outputs, loss, &[]))
    }

    pub(crate) fn check_of(&self, of: &Subject<'_>) -> Result<()> {
        if let Some(checked) = self.measure.check(of) {
            return checked;
        }
        let what = match of.task {
            _ if of.classes() && !of.probabilities => {
                format!(
                    "a model trained with {}, which gives no probabilities",
                    of.loss
                )
            }
            Task::Regression { .. } => "a numeric target".to_owned(),
            Task::Binary => "a target of two classes".to_owned(),
            Task::Multiclass { classes } => format!("a target of {classes} classes"),
        };
        let name = self.measure.name();
        let mut names = Measure::names(Some(of));
        names.retain(|name| *name != loss::Loss::NAMES[0]);
        Err(invalid(format!("metric {name} cannot be taken of {what}"))
            .hint(format!("It can have: {}.", names.join(", "))))
    }

    /// What says most of `task` after training with `loss`.
    pub(crate) fn usual(task: Task, loss: Loss) -> Vec<Metric> {
        match task {
            Task::Regression { .. } => vec![Metric::MAE, Metric::MSE, Metric::RMSE, Metric::R2],
            Task::Binary if loss.gives_probabilities() => vec![Metric::ACCURACY, Metric::AUC],
            Task::Binary | Task::Multiclass { .. } => vec![Metric::ACCURACY],
        }
    }

    /// Bytes of a state.
    pub(crate) fn bytes(&self, outputs: usize) -> u64 {
        self.measure.bytes(outputs)
    }
}

/// The names that metrics are logged under: as in Keras the second `auc` is `auc_1`.
pub(crate) fn logged_names(metrics: &[Metric]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for metric in metrics {
        let mut name = metric.name().to_owned();
        let mut number = 0;
        while names.contains(&name) {
            number += 1;
            name = format!("{}_{number}", metric.name());
        }
        names.push(name);
    }
    names
}
