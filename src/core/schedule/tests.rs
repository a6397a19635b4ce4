use super::*;

fn parse(text: &str) -> Result<Schedule> {
    Schedule::from_json(&serde_json::from_str(text).expect("JSON"))
}

fn refused(text: &str) -> (String, String) {
    let error = parse(text).expect_err("refused");
    let hint = error.hint_text().unwrap_or_default().to_owned();
    (error.to_string(), hint)
}

#[test]
fn reads_what_keras_writes_and_itself() {
    // keras.optimizers.schedules.serialize(PolynomialDecay(0.1, 10, power=0.5)) of Keras 3.15
    let keras = r#"{"module": "keras.optimizers.schedules", "class_name": "PolynomialDecay", "config": {
        "initial_learning_rate": 0.1, "decay_steps": 10, "end_learning_rate": 0.0001, "power": 0.5, "cycle": false,
        "name": "PolynomialDecay"}, "registered_name": null}"#;
    let polynomial = parse(keras).unwrap();
    let json = json!({"PolynomialDecay": {
        "initial_learning_rate": 0.1, "decay_steps": 10.0, "end_learning_rate": 0.0001, "power": 0.5, "cycle": false,
    }});
    assert_eq!(polynomial.to_json(), json);
    for text in [
        keras,
        r#"{"ExponentialDecay": {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.5, "staircase": true}}"#,
        r#"{"InverseTimeDecay": {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.5}}"#,
        r#"{"CosineDecay": {"initial_learning_rate": 0, "decay_steps": 7, "warmup_target": 0.1, "warmup_steps": 3}}"#,
        r#"{"piecewise_constant_decay": {"boundaries": [3, 5], "values": [0.1, 0.2, 0.3]}}"#,
    ] {
        let schedule = parse(text).unwrap();
        assert_eq!(Schedule::from_json(&schedule.to_json()).unwrap(), schedule);
        for step in [0, 1, 5, 1 << 40, u64::MAX] {
            assert!(schedule.at(step).is_finite() && schedule.at(step) >= 0.0);
        }
    }
}

#[test]
fn boundaries_belong_to_what_is_before_them() {
    let schedule =
        parse(r#"{"PiecewiseConstantDecay": {"boundaries": [2, 4.7], "values": [3, 2, 1]}}"#);
    let schedule = schedule.unwrap();
    let seen: Vec<f64> = (0..7).map(|step| schedule.at(step)).collect();
    assert_eq!(seen, [3.0, 3.0, 3.0, 2.0, 2.0, 1.0, 1.0]);
}

#[test]
fn refuses_the_rest_by_name() {
    let (message, hint) = refused(r#"{"ExponentialDecai": {}}"#);
    assert_eq!(
        message,
        "unknown learning rate schedule \"ExponentialDecai\""
    );
    assert!(hint.starts_with("Did you mean \"ExponentialDecay\"?"));
    let (message, _) = refused(r#"{"CosineDecay": {"initial_learning_rate": 0.1}}"#);
    assert_eq!(message, "CosineDecay needs decay_steps");
    let (message, hint) = refused(r#"{"CosineDecay": {"decay_step": 1}}"#);
    assert_eq!(message, "unknown setting \"decay_step\" of CosineDecay");
    assert!(hint.starts_with("Did you mean \"decay_steps\"?"));
    let (message, _) = refused(r#"{"PiecewiseConstantDecay": {"boundaries": [1], "values": [1]}}"#);
    assert_eq!(
        message,
        "PiecewiseConstantDecay needs one value more than boundaries, not 1 for 1"
    );
    let text = r#"{"PiecewiseConstantDecay": {"boundaries": [2, 2], "values": [1, 2, 3]}}"#;
    assert_eq!(
        refused(text).0,
        "boundaries of PiecewiseConstantDecay must rise, but 2 follows 2"
    );
    let text = r#"{"PolynomialDecay": {"initial_learning_rate": -1, "decay_steps": 3}}"#;
    assert_eq!(
        refused(text).0,
        "initial_learning_rate of PolynomialDecay must be at least 0, not -1"
    );
    assert!(parse(r#"{"CosineDecay": {"initial_learning_rate": 0.1, "decay_steps": 3, "warmup_steps": 2}}"#).is_err());
}
