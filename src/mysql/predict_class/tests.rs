use super::*;
use crate::fixture::{Call, Given};
use crate::function::TextFunction;
use crate::predict_proba::PredictProba;
use crate::predict_values::PredictValues;
use crate::server::hook::raised;
use crate::trained::{classes, scorer, sum, two_numbers_of_a_text};
use tablenet_core::Value;

/// The answer of `F` for one row.
fn answer<F: TextFunction>(model: &[u8], given: &[Given]) -> Result<Option<String>, String> {
    let all = [&[model.into()], given].concat();
    let mut call = Call::<F>::new(&all)?;
    call.text().map_err(|()| raised())
}

const LABELS: [&str; 4] = ["Köln", "say \"hi\"", "{}", ""];

#[test]
fn a_class_is_its_label_and_its_probabilities_are_an_object() {
    let model = classes(&LABELS);
    let (scorer, mut probabilities) = (scorer(&model), Vec::new());
    let mut scratch = scorer.scratch().expect("small");
    for a in 0..6 {
        let row = [Value::Number(f64::from(a))];
        let label = scorer.predict_class(&row, &mut scratch).expect("a class");
        let given = [Given::Integer(a.into())];
        assert_eq!(
            answer::<PredictClass>(&model, &given),
            Ok(Some(label.to_owned()))
        );
        scorer
            .predict_proba(&row, &mut scratch, &mut probabilities)
            .expect("all");
        let object = answer::<PredictProba>(&model, &given)
            .expect("an answer")
            .expect("not NULL");
        let object: serde_json::Value = serde_json::from_str(&object).expect("JSON");
        for (label, probability) in scorer.labels().iter().zip(&probabilities) {
            assert_eq!(
                object[label].as_f64().map(|it| it as f32),
                Some(*probability)
            );
        }
        let values = answer::<PredictValues>(&model, &given)
            .expect("an answer")
            .expect("not NULL");
        assert_eq!(
            serde_json::from_str::<Vec<f32>>(&values).expect("JSON"),
            probabilities
        );
    }
}

#[test]
fn several_numbers_are_an_array() {
    let model = two_numbers_of_a_text();
    let (scorer, mut values) = (scorer(&model), Vec::new());
    let mut scratch = scorer.scratch().expect("small");
    // A text that looks like an object is a category here.
    for text in ["x", "{y}", "{\"t\": 1}", "new"] {
        scorer
            .predict_values(&[Value::Text(text)], &mut scratch, &mut values)
            .expect("values");
        let array = answer::<PredictValues>(&model, &[text.into()])
            .expect("an answer")
            .expect("not NULL");
        assert_eq!(
            serde_json::from_str::<Vec<f32>>(&array).expect("JSON"),
            values
        );
    }
    // One with the feature by its name is a row.
    let object = answer::<PredictValues>(&model, &["{\"t\": \"x\"}".into()]);
    assert_eq!(object, answer::<PredictValues>(&model, &["x".into()]));
    assert_ne!(object, answer::<PredictValues>(&model, &["new".into()]));
    let refused = answer::<PredictClass>(&model, &["x".into()]);
    assert!(refused.is_err_and(
        |it| it.starts_with("ml_predict_class: ") && it.contains("Use ml_predict_values()")
    ));
}

#[test]
fn a_number_has_no_class_and_a_null_model_no_answer() {
    let model = sum(1, 4, true);
    let given = [1.0.into(), 2.0.into()];
    for refused in [
        answer::<PredictClass>(&model, &given),
        answer::<PredictProba>(&model, &given),
    ] {
        assert!(refused.is_err_and(|it| it.contains("is a number, not a class. Use ml_predict()")));
    }
    assert!(answer::<PredictValues>(&model, &given).is_ok_and(|it| it.is_some()));
    let mut call = Call::<PredictClass>::new(&[Given::Null, 1.0.into()]).expect("a call");
    assert_eq!(call.text(), Ok(None));
}
