//! `ml_report(model)`: what there is to say about a training of this server, found by the bytes of the model. The aggregate
//! that trains answers one value, the model; all else waits here until somebody asks, or until newer ones need its place.

use crate::arguments::{Argument, ArgumentType, Arguments, Declared};
use crate::digest::Digest;
use crate::error::invalid;
use crate::function::{Answers, Function, TextFunction, loadable};
use serde_json::json;
use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use tablenet_core::{History, Result, Trained};

/// What is said about one training.
#[derive(Debug, Clone)]
pub struct Report {
    model: Digest,
    text: Arc<str>,
}

/// Reports that are kept.
const MOST_REPORTS: usize = 1024;
/// Bytes that they take together.
const MOST_BYTES: usize = 16 << 20;

impl Report {
    /// About the training of `model` that took so many seconds.
    pub fn new(model: &[u8], trained: &Trained, seconds: f64) -> Self {
        let fingerprint: String = trained
            .fingerprint
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let mut text = json!({
            "rows": trained.rows,
            "training_rows": trained.training_rows,
            "validation_rows": trained.validation_rows,
            "epochs": trained.epochs,
            "loss": trained.loss,
            "val_loss": trained.val_loss,
            "metrics": trained.metrics,
            "settings": trained.settings,
            "notices": trained.notices,
            "seconds": seconds,
            "threads": trained.threads,
            "fingerprint": fingerprint,
        })
        .to_string();
        // As a value it would take many times its text.
        let history = serde_json::to_string(&shortened(&trained.history)).unwrap_or_default();
        text.pop();
        text.push_str(",\"history\":");
        text.push_str(if history.is_empty() { "null" } else { &history });
        text.push('}');
        Self {
            model: Digest::of(model),
            text: text.into(),
        }
    }

    /// Keeps it for [`find`].
    pub fn keep(self) {
        let mut reports = REPORTS.lock().unwrap_or_else(PoisonError::into_inner);
        reports.keep(self);
    }
}

/// The epochs of a history that can be kept: of more the last ones.
fn shortened(history: &History) -> Cow<'_, History> {
    const MOST_EPOCHS: usize = 10_000;
    let epochs = &history.epochs;
    match epochs.len().checked_sub(MOST_EPOCHS) {
        None | Some(0) => Cow::Borrowed(history),
        Some(first) => Cow::Owned(History {
            epochs: epochs.get(first..).unwrap_or_default().to_vec(),
            best_epoch: history.best_epoch,
            stopped: history.stopped,
        }),
    }
}

/// The report of the training that made `model`.
pub fn find(model: &[u8]) -> Option<Arc<str>> {
    let digest = Digest::of(model);
    let reports = REPORTS.lock().unwrap_or_else(PoisonError::into_inner);
    reports.find(digest)
}

static REPORTS: Mutex<Reports> = Mutex::new(Reports {
    latest: VecDeque::new(),
    bytes: 0,
});

/// The latest reports, the newest last.
#[derive(Debug)]
struct Reports {
    latest: VecDeque<Report>,
    bytes: usize,
}

impl Reports {
    fn keep(&mut self, report: Report) {
        // The same rows and settings give the same model again.
        if let Some(place) = self.latest.iter().position(|it| it.model == report.model) {
            self.remove(place);
        }
        self.bytes += report.text.len();
        self.latest.push_back(report);
        while self.latest.len() > MOST_REPORTS || self.bytes > MOST_BYTES {
            self.remove(0);
        }
    }

    fn remove(&mut self, place: usize) {
        if let Some(report) = self.latest.remove(place) {
            self.bytes -= report.text.len();
        }
    }

    fn find(&self, model: Digest) -> Option<Arc<str>> {
        let report = self.latest.iter().rev().find(|it| it.model == model)?;
        Some(Arc::clone(&report.text))
    }
}

/// The report of the training that made these bytes, if this server keeps it.
struct MlReport {
    answer: Option<Arc<str>>,
}

loadable!(MlReport, text, ml_report_init, ml_report, ml_report_deinit);

impl Function for MlReport {
    const NAME: &'static str = "ml_report";
    const ANSWERS: Answers = Answers::Text;

    fn new(arguments: &mut Declared<'_>) -> Result<Self> {
        arguments.expect(1, 1, "ml_report(model)")?;
        match arguments.type_of(0) {
            ArgumentType::Text => Ok(Self { answer: None }),
            _ => {
                Err(invalid("the model is a number")
                    .hint("Hand over what ml_train_agg has answered."))
            }
        }
    }
}

impl TextFunction for MlReport {
    fn row(&mut self, arguments: &Arguments<'_>) -> Result<Option<&[u8]>> {
        let Argument::Bytes(model) = arguments.value(0) else {
            return Ok(None);
        };
        self.answer = find(model);
        Ok(self.answer.as_deref().map(str::as_bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Call, Given};
    use tablenet_core::{EpochLogs, Stopped};

    fn digest(model: u8) -> Digest {
        Digest::of(&[model])
    }

    fn report(model: u8, text: &str) -> Report {
        Report {
            model: digest(model),
            text: text.into(),
        }
    }

    #[test]
    fn the_oldest_make_room_and_the_same_model_has_one_report() {
        let mut reports = Reports {
            latest: VecDeque::new(),
            bytes: 0,
        };
        reports.keep(report(1, "a"));
        reports.keep(report(2, "b"));
        reports.keep(report(1, "c"));
        assert_eq!(reports.find(digest(1)).as_deref(), Some("c"));
        assert_eq!((reports.latest.len(), reports.bytes), (2, 2));
        reports.keep(report(3, &"x".repeat(MOST_BYTES - 1)));
        assert_eq!(reports.find(digest(2)), None);
        assert_eq!(reports.find(digest(1)).as_deref(), Some("c"));
        reports.keep(report(4, "dd"));
        assert_eq!((reports.latest.len(), reports.bytes), (1, 2));
        for _ in 0..2 {
            for model in 0..=255 {
                reports.keep(report(model, "e"));
            }
        }
        assert_eq!(reports.latest.len(), 256);
    }

    #[test]
    fn of_a_long_history_the_last_epochs_are_kept() {
        let logs = |epoch| EpochLogs {
            epoch,
            seconds: 0.0,
            loss: 0.5,
            val_loss: None,
            metrics: Vec::new(),
            val_metrics: Vec::new(),
        };
        let history = |epochs| History {
            epochs: (1..=epochs).map(logs).collect(),
            best_epoch: Some(3),
            stopped: Stopped::Completed,
        };
        assert_eq!(*shortened(&history(10_000)), history(10_000));
        let kept = shortened(&history(10_005)).into_owned();
        assert_eq!((kept.epochs.len(), kept.epochs[0].epoch), (10_000, 6));
    }

    #[test]
    fn unknown_bytes_and_null_have_none() {
        let mut call = Call::<MlReport>::new(&["no model".into()]).expect("valid");
        assert_eq!(call.text(), Ok(None));
        assert_eq!(call.set(&[Given::Null]).text(), Ok(None));
        let refused = Call::<MlReport>::new(&[1.5.into()]).err();
        let text = "ml_report: the model is a number. Hand over what ml_train_agg has answered.";
        assert_eq!(refused.as_deref(), Some(text));
    }
}
