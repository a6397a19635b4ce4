//! The training state as bytes: safetensors as the model file, with the optimizer's vectors in place of the weights.
//!
//! ```text
//! u64 length of the header, little-endian
//! header: {"__metadata__": {"tablenet_state": "<canonical JSON>"}, "slot_0": {"dtype": "F32", "shape": [parameters], ..}, ..}
//! slots: f32, little-endian
//! ```

use super::document::header;
use super::read::{check_digest, check_format, damaged, floats, split, text, unreadable};
use super::write::write;
use super::{FORMAT, check_memory};
use crate::budget::exceeded;
use crate::canonical::canonical;
use crate::model::OptimizerState;
use crate::optimizer::MOST_SLOTS;
use crate::{Callback, Result, TrainOptions, TrainingState};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// The key of a state's description among the metadata.
const KEY: &str = "tablenet_state";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    /// Checked before.
    #[serde(rename = "format")]
    _format: u32,
    epochs: u32,
    steps: u64,
    /// Vectors of the optimizer.
    slots: usize,
    /// Numbers in each.
    parameters: usize,
    /// The learning rate that a callback has set.
    learning_rate: Option<f64>,
    options: Value,
    sha256: String,
}

impl TrainingState {
    /// The state as bytes; the same state always gives the same. Checks about every MiB.
    pub fn to_bytes(&self, callback: &mut dyn Callback) -> Result<Vec<u8>> {
        let slots: Vec<&[f32]> = self.slots().collect();
        let description = self.description(slots.len(), self.parameters());
        let tensors = tensors(slots.len(), self.parameters());
        write(tensors, KEY, description, &slots, callback)
    }

    /// Reads bytes that may be hostile: `Damaged` unless everything in them fits together, `OutOfMemory` if the state needs
    /// more than `memory_limit` bytes, `NotSupported` for a format of a later release. Checks about every MiB.
    pub fn from_bytes(
        bytes: &[u8],
        memory_limit: u64,
        callback: &mut dyn Callback,
    ) -> Result<Self> {
        let (given, data) = split(bytes)?;
        let need = check_memory(given, memory_limit)?;
        callback.check()?;
        let text = text(given, KEY)?;
        check_format(&text)?;
        let document: Document = serde_json::from_str(&text).map_err(unreadable)?;
        callback.check()?;
        let Document {
            slots, parameters, ..
        } = document;
        let fits = slots <= MOST_SLOTS && (slots > 0 || parameters == 0);
        let expected = slots
            .checked_mul(parameters)
            .and_then(|floats| floats.checked_mul(4));
        if !fits || expected != Some(data.len()) {
            return Err(damaged(format!(
                "it has {} bytes instead of {slots} vectors of {parameters} numbers",
                data.len()
            )));
        }
        let need = (data.len() as u64).saturating_add(need);
        if need > memory_limit {
            return Err(exceeded("the training state", need, memory_limit));
        }
        if document.learning_rate.is_some_and(|rate| rate < 0.0) {
            return Err(damaged("its learning rate is negative"));
        }
        let options = TrainOptions::from_json(document.options)
            .map_err(|error| damaged(format!("its options cannot be read: {error}")))?;
        let mut state = Self {
            optimizer: OptimizerState {
                steps: document.steps,
                epochs: document.epochs,
                slots: Default::default(),
                rate: document.learning_rate,
            },
            options,
        };
        let description = state.description(slots, parameters);
        let mut hash = Sha256::new();
        hash.update(canonical(&description));
        let tensors = tensors(slots, parameters);
        if header(tensors, KEY, description, &document.sha256) != given {
            return Err(damaged("its header does not follow from its contents"));
        }
        callback.check()?;
        // A size of 0 would give no pieces at all.
        let pieces = data.chunks((4 * parameters).max(1));
        for (slot, piece) in state.optimizer.slots.iter_mut().zip(pieces) {
            *slot = floats(piece, parameters, &mut hash, callback)?;
        }
        check_digest(hash, &document.sha256)?;
        Ok(state)
    }

    /// Numbers in each of the optimizer's vectors.
    fn parameters(&self) -> usize {
        self.slots().next().map_or(0, <[f32]>::len)
    }

    fn description(&self, slots: usize, parameters: usize) -> Value {
        let mut description = json!({
            "format": FORMAT,
            "epochs": self.optimizer.epochs,
            "steps": self.optimizer.steps,
            "slots": slots,
            "parameters": parameters,
            "options": self.options.to_json(),
        });
        if let Some(rate) = self.optimizer.rate {
            description["learning_rate"] = rate.into();
        }
        description
    }
}

/// The header's entries of the slots.
fn tensors(slots: usize, parameters: usize) -> Map<String, Value> {
    let bytes = 4 * parameters;
    let entry = |i: usize| {
        let offsets = [i * bytes, (i + 1) * bytes];
        let entry = json!({"dtype": "F32", "shape": [parameters], "data_offsets": offsets});
        (format!("slot_{i}"), entry)
    };
    (0..slots).map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::NoCallback;
    use crate::{
        Activation, ClassWeight, Dense, EarlyStopping, ErrorKind, Huber, Layer, Loss, Metric,
        Optimizer, Sequential,
    };

    const LIMIT: u64 = 1 << 20;

    fn state(slots: usize) -> TrainingState {
        let slot = |slot: usize| match slot {
            _ if slot >= slots => Vec::new(),
            _ => (0..5).map(|i| i as f32 * 0.1 - slot as f32).collect(),
        };
        let options = TrainOptions {
            layers: Some(Sequential::new(vec![Layer::Dense(Dense::new(
                1,
                Activation::Linear,
            ))])),
            optimizer: Some(Optimizer::parse("rmsprop").expect("an optimizer")),
            loss: Some(Loss::Huber(Huber { delta: 0.5 })),
            metrics: Some(vec![Metric::MAE]),
            epochs: Some(7),
            callbacks: Some(vec![EarlyStopping::default().into()]),
            exclude: vec!["größe\n".into()],
            class_weight: Some(ClassWeight::Labels(vec![("a".into(), 0.1)])),
            sample_weight: Some("w".into()),
            seed: u64::MAX,
            max_seconds: Some(0.1),
            ..TrainOptions::default()
        };
        TrainingState {
            optimizer: OptimizerState {
                steps: 12,
                epochs: 3,
                slots: [slot(0), slot(1), slot(2)],
                rate: (slots == 3).then_some(0.001),
            },
            options,
        }
    }

    fn read(bytes: &[u8]) -> Result<TrainingState> {
        TrainingState::from_bytes(bytes, LIMIT, &mut NoCallback)
    }

    #[test]
    fn what_is_written_is_read_again() -> Result<()> {
        for slots in 0..4 {
            let state = state(slots);
            let bytes = state.to_bytes(&mut NoCallback)?;
            let again = read(&bytes)?;
            assert_eq!(again.to_bytes(&mut NoCallback)?, bytes);
            assert_eq!(again.optimizer.slots, state.optimizer.slots);
            assert_eq!((again.epochs(), again.optimizer.steps), (3, 12));
            assert_eq!(again.options.to_json(), state.options.to_json());
            assert_eq!(again.options.loss, Some(Loss::Huber(Huber { delta: 0.5 })));
            let tensors = safetensors::SafeTensors::deserialize(&bytes).expect("safetensors");
            assert_eq!(tensors.len(), slots);
        }
        let defaults = TrainOptions::default();
        let again = TrainOptions::from_json(defaults.to_json())?;
        assert_eq!(again.to_json(), defaults.to_json());
        Ok(())
    }

    #[test]
    fn hostile_bytes_are_refused() -> Result<()> {
        let bytes = state(2).to_bytes(&mut NoCallback)?;
        for place in 0..bytes.len() {
            for bit in [1, 0x20, 0x80] {
                let mut flipped = bytes.clone();
                flipped[place] ^= bit;
                let error = read(&flipped).expect_err("refused");
                let kinds = [ErrorKind::Damaged, ErrorKind::NotSupported];
                assert!(kinds.contains(&error.kind()), "{place}: {error}");
            }
            assert!(read(&bytes[..place]).is_err());
        }
        assert!(read(&[&bytes[..], &[0]].concat()).is_err());
        let error = TrainingState::from_bytes(&bytes, 1000, &mut NoCallback).expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::OutOfMemory);
        Ok(())
    }
}
