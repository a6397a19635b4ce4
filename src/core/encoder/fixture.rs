//! Learning from rows that a test has made up.

use super::{Pass, Preprocessing, RecordEncoder, Runs, drop_outliers, freeze, layout};
use crate::fixture::{NoCallback, ToMemory};
use crate::ingest::text_of;
use crate::samples::Samples;
use crate::target_learner::TargetLearner;
use crate::{Budget, Column, Pool, Preprocess, Result, Value};

/// What rows leave behind.
#[derive(Debug)]
pub(crate) struct Learned {
    pub(crate) preprocessing: Preprocessing,
    pub(crate) encoder: RecordEncoder,
    /// The training rows as they are stored.
    pub(crate) records: Vec<Vec<u8>>,
    /// The validation rows.
    pub(crate) validation: Vec<Vec<u8>>,
    pub(crate) notices: Vec<String>,
}

/// Learns from the rows that train; a row in `validation` only validates.
pub(crate) fn learn(
    columns: &[Column],
    preprocess: &str,
    rows: &[Vec<Value<'_>>],
    validation: &[Vec<Value<'_>>],
) -> Result<Learned> {
    let budget = Budget::new(64 << 20);
    let columns = columns.iter().cloned().enumerate().collect();
    let (mut learners, bytes) = layout(columns, &Preprocess::parse(preprocess)?, false)?;
    learners.iter_mut().for_each(|it| it.bound(1 << 20));
    let mut runs = Runs::new(&learners);
    let mut samples = Samples::new(bytes, budget.clone());
    let mut held_out = Vec::new();
    let all = rows.iter().map(|row| (row, true));
    let all = all.chain(validation.iter().map(|row| (row, false)));
    for (number, (row, training)) in (1..).zip(all) {
        let mut record = vec![0; bytes];
        for learner in &mut learners {
            learner.slot.store(row, &mut record, number)?;
            let text = row.get(learner.slot.column).and_then(text_of);
            if learner.is_single() {
                learner.learn(text, training, &mut record, &budget)?;
            }
        }
        if training {
            runs.learn(&record);
            samples.append()?.copy_from_slice(&record);
        } else {
            held_out.push(record);
        }
    }
    runs.finish(&mut learners);
    let pool = Pool::new(1)?;
    let mut pass = Pass {
        samples: &mut samples,
        seed: 0,
        budget: &budget,
        callback: &mut NoCallback,
        pool: &pool,
    };
    let mut target = TargetLearner::new(Vec::new(), bytes, None, None)?;
    let dropped = drop_outliers(&mut learners, &mut target, &mut pass, &mut ToMemory)?;
    let frozen = freeze(learners, &mut pass)?;
    let stays = 0..u32::try_from(samples.rows()).unwrap_or(0);
    Ok(Learned {
        preprocessing: frozen.preprocessing,
        encoder: frozen.encoder,
        records: stays.map(|row| samples.row(row).to_vec()).collect(),
        validation: held_out,
        notices: dropped.into_iter().chain(frozen.notices).collect(),
    })
}
