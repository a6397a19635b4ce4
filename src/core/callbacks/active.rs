//! The callbacks of one `fit` at work, in the order in which they are given.

use super::kept::Kept;
use super::monitor::Logged;
use super::{FitCallback, Keeps, Rate, Verdict, Work};
use crate::{Callback, EpochLogs, Model, Optimizer, Result};

/// What a cut leaves of the learning rate.
const CUT: f64 = 0.3;

/// One of them.
struct Hook {
    work: Box<dyn Work>,
    keeps: Keeps,
    /// Present where it keeps weights.
    kept: Option<Kept>,
}

/// All of them.
pub(crate) struct Active {
    hooks: Vec<Hook>,
    /// Optimizer and learning rate before the first cut, which are given back after the last epoch.
    before: Option<(Optimizer, Option<f64>)>,
}

impl Active {
    /// Checks what `callbacks` monitor against what `model` logs, and takes room for the weights that they keep.
    pub fn new(callbacks: &[FitCallback], model: &Model, validation: bool) -> Result<Active> {
        FitCallback::check(callbacks, Some(model.optimizer()))?;
        let directions = model.metrics().iter().map(|metric| metric.more_is_better());
        let names = model.metric_names().iter().map(String::as_str);
        let metrics: Vec<_> = names.zip(directions).collect();
        let logged = Logged {
            metrics: &metrics,
            validation,
        };
        let hook = |callback: &FitCallback| {
            let keeps = callback.keeps();
            Ok(Hook {
                work: callback.begin(&logged)?,
                keeps,
                kept: match keeps {
                    Keeps::Nothing => None,
                    _ => Some(Kept::new(model.parameters())?),
                },
            })
        };
        let cuts = callbacks.iter().any(|it| it.rate() == Rate::Cut);
        Ok(Active {
            hooks: callbacks.iter().map(hook).collect::<Result<_>>()?,
            before: cuts.then(|| (model.optimizer.clone(), model.state.rate)),
        })
    }

    /// Before an epoch, counted from 1 over all trainings (Keras: `on_epoch_begin`).
    pub fn begin(&mut self, epoch: u32, model: &mut Model) {
        for hook in &mut self.hooks {
            if let Some(rate) = hook.work.on_epoch_begin(epoch) {
                model.state.rate = Some(rate);
            }
        }
    }

    /// After an epoch (Keras: `on_epoch_end`).
    pub fn end(
        &mut self,
        logs: &EpochLogs,
        model: &mut Model,
        callback: &mut dyn Callback,
    ) -> Result<Seen> {
        let mut seen = Seen::default();
        for (i, hook) in self.hooks.iter_mut().enumerate() {
            match hook.work.on_epoch_end(logs, model.learning_rate()) {
                Verdict::Nothing => {}
                Verdict::Keep => {
                    if let Some(kept) = &mut hook.kept {
                        kept.keep(&model.weights, logs.epoch, callback)?;
                    }
                }
                Verdict::Rate(rate) => model.state.rate = Some(rate),
                Verdict::Cut => seen.cut = Some(i),
                Verdict::Stop => seen.stop = true,
            }
        }
        Ok(seen)
    }

    /// Goes on with a lower learning rate, from the weights that the callback at this place keeps, if it does.
    pub fn cut(&self, place: usize, model: &mut Model, callback: &mut dyn Callback) -> Result<()> {
        match &mut model.state.rate {
            Some(rate) => *rate *= CUT,
            None => model.optimizer.slow(CUT),
        }
        let hook = self.hooks.get(place);
        match hook.and_then(|hook| hook.kept.as_ref()) {
            Some(kept) => kept.give_back(&mut model.weights, callback),
            None => Ok(()),
        }
    }

    /// Whether a loss that is no number ends the training without an error.
    pub fn takes_nan(&self) -> bool {
        let mut kept = self
            .hooks
            .iter()
            .filter(|hook| hook.keeps == Keeps::AfterNaN)
            .filter_map(|hook| hook.kept.as_ref());
        kept.any(|kept| kept.epoch.is_some())
    }

    /// After the last epoch (Keras: `on_train_end`): the epoch whose weights the model has now, if they were kept.
    pub fn finish(self, nan: bool, model: &mut Model) -> Option<u32> {
        if let Some((optimizer, rate)) = self.before {
            (model.optimizer, model.state.rate) = (optimizer, rate);
        }
        let wanted = |hook: &Hook| nan || hook.keeps > Keeps::AfterNaN;
        let hooks = self.hooks.into_iter().filter(wanted);
        // Of equal ones the last, as in Keras.
        let kept = hooks
            .filter_map(|hook| Some((hook.keeps, hook.kept.filter(|it| it.epoch.is_some())?)))
            .max_by_key(|(keeps, _)| *keeps);
        kept.and_then(|(_, kept)| kept.swap(&mut model.weights))
    }
}

/// What the callbacks want behind an epoch.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Seen {
    /// The place of the callback that wants a lower learning rate.
    pub cut: Option<usize>,
    pub stop: bool,
}
