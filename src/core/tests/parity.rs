//! Number by number against Keras: every program of keras/cases/ wrote the file of its name beside it, which is compared
//! here. Answers and gradients are those of float32; 20 steps later the differences may have grown.

mod data;

use data::{Clock, Rows};
use serde::Deserialize;
use serde_json::Value;
use std::path::Path;
use tablenet_core::*;

/// What case.py wrote.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    /// What is unrolled over time steps drifts apart faster.
    recurrent: bool,
    inputs: usize,
    outputs: usize,
    /// 0: numbers
    classes: usize,
    model: Value,
    optimizer: Value,
    loss: Value,
    metrics: Vec<Value>,
    paths: Vec<String>,
    x: Vec<f32>,
    y: Vec<f32>,
    before: Vec<Vec<f32>>,
    forward: Vec<f32>,
    value: f64,
    gradient: Vec<Option<Vec<f32>>>,
    after: Vec<Vec<f32>>,
    losses: Vec<f64>,
    /// By metric, by epoch.
    history: Vec<Vec<f64>>,
}

/// `absolute` + `relative` times the number.
#[derive(Clone, Copy)]
struct Tolerance(f64, f64);

const EXACT: Tolerance = Tolerance(1e-6, 1e-5);
const STEPS: Tolerance = Tolerance(1e-5, 1e-4);
const RECURRENT: Tolerance = Tolerance(1e-4, 1e-3);
const ROWS: usize = 32;
const BATCH: usize = 8;
const EPOCHS: u32 = 5;

#[test]
fn every_case_equals_keras() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/keras/cases");
    let mut programs = 0;
    let mut failed = Vec::new();
    let mut entries: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        programs += 1;
        let cases: Vec<Case> = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        assert!(!cases.is_empty(), "{}", path.display());
        for case in cases {
            let program = path.file_stem().unwrap().to_string_lossy().into_owned();
            let mut seen = Seen::new(format!("{program}: {}", case.name));
            case.check(&mut seen);
            failed.extend(seen.failed);
        }
    }
    assert!(programs > 0);
    assert!(failed.is_empty(), "\n{}", failed.join("\n"));
}

/// What was found of one case.
struct Seen {
    name: String,
    failed: Vec<String>,
}

impl Seen {
    fn new(name: String) -> Self {
        Self {
            name,
            failed: Vec::new(),
        }
    }

    fn fail(&mut self, message: String) {
        self.failed.push(format!("{}: {message}", self.name));
    }

    fn near(&mut self, what: &str, got: &[f32], wanted: &[f32], tolerance: Tolerance) {
        if got.len() != wanted.len() {
            return self.fail(format!(
                "{what}: {} numbers, not {}",
                got.len(),
                wanted.len()
            ));
        }
        let away =
            |(a, b): (&f32, &f32)| f64::from((a - b).abs()) - bound(f64::from(*b), tolerance);
        let pairs = got.iter().zip(wanted);
        let worst = pairs
            .enumerate()
            .max_by(|(_, a), (_, b)| away(*a).total_cmp(&away(*b)));
        if let Some((at, (got, wanted))) = worst
            && (away((got, wanted)) > 0.0 || got.is_nan())
        {
            self.fail(format!("{what}: number {at} is {got} instead of {wanted}"));
        }
    }

    fn same(&mut self, what: &str, got: f64, wanted: f64, tolerance: Tolerance) {
        if (got - wanted).abs() > bound(wanted, tolerance) || got.is_nan() {
            self.fail(format!("{what} is {got} instead of {wanted}"));
        }
    }
}

fn bound(wanted: f64, Tolerance(absolute, relative): Tolerance) -> f64 {
    absolute + relative * wanted.abs()
}

/// The same layers without constraints.
fn unconstrained(layers: &Value) -> Value {
    let mut layers = layers.clone();
    let mut left = vec![&mut layers];
    while let Some(value) = left.pop() {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    if key.ends_with("_constraint") {
                        *value = Value::Null;
                    }
                    left.push(value);
                }
            }
            Value::Array(list) => left.extend(list),
            _ => {}
        }
    }
    layers
}

impl Case {
    /// The model of `layers`, which are those of Keras.
    fn compile(&self, layers: &Value, optimizer: Optimizer) -> Result<Model> {
        let task = match self.classes {
            0 => Task::Regression {
                outputs: self.outputs,
            },
            2 => Task::Binary,
            classes => Task::Multiclass { classes },
        };
        let loss = match &self.loss {
            Value::String(word) => word.clone(),
            json => json.to_string(),
        };
        let metrics: Result<Vec<Metric>> = self
            .metrics
            .iter()
            .map(|metric| match metric {
                Value::String(word) => Metric::parse(word),
                json => Metric::parse(&json.to_string()),
            })
            .collect();
        let (loss, _) = Loss::parse_with_logits(&loss)?;
        Sequential::from_json(layers)?.compile(self.inputs, task, optimizer, loss, metrics?, 1.0)
    }

    fn fit(&self, model: &mut Model, epochs: u32, batch_size: usize) -> Result<History> {
        let weights = self.before.concat();
        model.set_weights(weights, &mut Clock::new())?;
        let targets = self.y.len() / ROWS;
        let mut rows = Rows::new(self.x.clone(), self.y.clone(), self.inputs, targets);
        let options = FitOptions {
            epochs,
            batch_size,
            shuffle: false,
            seed: 0,
            callbacks: vec![],
            max_seconds: None,
        };
        let pool = Pool::new(1)?;
        model.fit(&mut rows, None, &options, &mut Clock::new(), &pool)
    }

    fn check(&self, seen: &mut Seen) {
        if let Err(error) = self.compare(seen) {
            let hint = error.hint_text().unwrap_or_default();
            seen.fail(format!("{error} ({hint})"));
        }
    }

    fn compare(&self, seen: &mut Seen) -> Result<()> {
        // A step of 1 against the gradient leaves the gradient, unless a constraint has it.
        let step = Optimizer::parse(r#"{"sgd": {"learning_rate": 1}}"#)?;
        let mut model = self.compile(&unconstrained(&self.model), step)?;
        let paths: Vec<&str> = model.variables().iter().map(|v| v.path.as_str()).collect();
        // Keras puts the model's name in front.
        let prefix = self.model.pointer("/config/name").and_then(Value::as_str);
        let prefix = format!("{}/", prefix.unwrap_or_default());
        let plain = |path: &'_ String| path.strip_prefix(&prefix).unwrap_or(path).to_owned();
        let wanted: Vec<String> = self.paths.iter().map(plain).collect();
        if paths != wanted {
            seen.fail(format!("variables {paths:?} instead of {wanted:?}"));
        }
        let history = self.fit(&mut model, 1, ROWS)?;
        seen.same("the loss", history.epochs[0].loss, self.value, EXACT);
        let mut at = 0;
        for ((path, before), gradient) in self.paths.iter().zip(&self.before).zip(&self.gradient) {
            let after = &model.weights()[at..at + before.len()];
            at += before.len();
            if let Some(gradient) = gradient {
                let got: Vec<f32> = before.iter().zip(after).map(|(a, b)| a - b).collect();
                seen.near(&format!("gradient of {path}"), &got, gradient, EXACT);
            }
        }

        let weights = self.before.concat();
        model.set_weights(weights, &mut Clock::new())?;
        let plan = Plan::new(&model, &mut Clock::new())?;
        let mut scratch = plan.scratch()?;
        let mut forward = Vec::new();
        for x in self.x.chunks(self.inputs) {
            scratch.input_mut().copy_from_slice(x);
            forward.extend_from_slice(plan.run(&mut scratch));
        }
        let from_logits = self.loss.pointer("/config/from_logits") == Some(&Value::Bool(true));
        if !from_logits {
            seen.near("the answers", &forward, &self.forward, EXACT);
        }

        let tolerance = if self.recurrent { RECURRENT } else { STEPS };
        let optimizer = Optimizer::parse(&self.optimizer.to_string())?;
        let mut model = self.compile(&self.model, optimizer)?;
        let history = self.fit(&mut model, EPOCHS, BATCH)?;
        let mut at = 0;
        for (path, after) in self.paths.iter().zip(&self.after) {
            let got = &model.weights()[at..at + after.len()];
            at += after.len();
            seen.near(&format!("20 steps of {path}"), got, after, tolerance);
        }
        for (epoch, (logs, wanted)) in history.epochs.iter().zip(&self.losses).enumerate() {
            seen.same(
                &format!("loss of epoch {}", epoch + 1),
                logs.loss,
                *wanted,
                tolerance,
            );
            for ((name, got), wanted) in logs.metrics.iter().zip(&self.history) {
                let what = format!("{name} of epoch {}", epoch + 1);
                seen.same(&what, *got, wanted[epoch], tolerance);
            }
        }
        Ok(())
    }
}
