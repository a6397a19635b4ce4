//! Rows of as many steps as the columns give: Keras's `Input((None, 1))`.

mod data;
#[path = "data/run.rs"]
mod run;

use data::{Clock, REGRESSION};
use run::{Run, column};
use serde_json::{Value as Json, json};
use tablenet_core::*;

/// A network of steps, as Keras writes it.
fn layers(steps: &Json) -> Json {
    let shape = json!([null, steps, 2]);
    json!({"class_name": "Sequential", "config": {"name": "sequential", "build_input_shape": shape, "layers": [
        {"class_name": "InputLayer", "config": {"batch_shape": shape, "dtype": "float32"}},
        {"class_name": "LSTM", "config": {"units": 3}, "build_config": {"input_shape": shape}},
        {"class_name": "Dense", "config": {"units": 1}, "build_config": {"input_shape": [null, 3]}}
    ]}})
}

fn open() -> Sequential {
    Sequential::from_json(&layers(&Json::Null)).unwrap()
}

fn compile(sequential: &Sequential, width: usize) -> Result<Model> {
    sequential.compile(
        width,
        REGRESSION,
        Optimizer::default(),
        Loss::MSE,
        vec![],
        1.0,
    )
}

#[test]
fn the_model_has_the_shape_that_the_rows_gave() {
    for steps in [1, 7, 24] {
        let known = Sequential::from_json(&layers(&json!(steps))).unwrap();
        let (known, open) = (
            compile(&known, 2 * steps).unwrap(),
            compile(&open(), 2 * steps).unwrap(),
        );
        assert_eq!(open.sequential().to_json(), known.sequential().to_json());
    }
    // As it is given it stays open.
    let written = open().to_json();
    assert_eq!(
        written["config"]["layers"][0]["config"]["batch_shape"],
        json!([null, null, 2])
    );
    let again = Sequential::from_json(&written).unwrap();
    assert_eq!((again.inputs, again.to_json()), (open().inputs, written));
}

#[test]
fn rows_that_do_not_come_out_are_refused() {
    let error = compile(&open(), 25).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidParameter);
    assert_eq!(
        error.to_string(),
        "the layers take rows of shape (null, 2), the data has 25 inputs"
    );
}

/// Trains on arrays of 6 numbers; the first is NULL where `holes` says so.
fn train(layers: &Json, holes: bool) -> Result<Trained> {
    let each = |row: i32| (0..6).map(|i| f64::from((row * 7 + i * i) % 11)).collect();
    let arrays: Vec<Vec<f64>> = (0..50).map(each).collect();
    let mut rows: Vec<_> = arrays
        .iter()
        .map(|x| vec![Value::Vector(Vector::Double(x)), Value::Number(x[5])])
        .collect();
    if holes {
        rows[0][0] = Value::Null;
    }
    let run = Run {
        columns: vec![
            column("x", ColumnType::Vector),
            column("y", ColumnType::Number),
        ],
        targets: vec!["y"],
        options: TrainOptions {
            layers: Some(Sequential::from_json(layers)?),
            epochs: Some(2),
            ..TrainOptions::default()
        },
        rows,
        validation: None,
        threads: 1,
    };
    run.train()
}

#[test]
fn the_file_is_that_of_layers_with_a_known_shape() -> Result<()> {
    let mut clock = Clock::new();
    let trained = train(&layers(&Json::Null), false)?;
    let bytes = trained.file.to_bytes(&mut clock)?;
    let known = train(&layers(&json!(3)), false)?;
    assert!(bytes == known.file.to_bytes(&mut clock)?);
    let again = ModelFile::from_bytes(&bytes, 64 << 20, &mut clock)?;
    assert!(bytes == again.to_bytes(&mut clock)?);
    // What a training goes on with has the layers as they were given.
    let state = trained.state.to_bytes(&mut clock)?;
    assert!(
        state == TrainingState::from_bytes(&state, 64 << 20, &mut clock)?.to_bytes(&mut clock)?
    );
    Ok(())
}

#[test]
fn what_says_that_an_array_is_missing_is_no_step() {
    let mut one = layers(&Json::Null);
    let shape = json!([null, null, 1]);
    one["config"]["build_input_shape"] = shape.clone();
    one["config"]["layers"][0]["config"]["batch_shape"] = shape;
    train(&one, false).map(drop).unwrap();
    let error = train(&one, true).map(drop).unwrap_err();
    assert_eq!(
        error.to_string(),
        "input \"x is missing\" has no place in rows of shape (null, 1)"
    );
    let hint = error.hint_text().unwrap_or_default();
    assert!(hint.contains(r#"'{"x":{"indicator":false}}'"#), "{hint}");
}
