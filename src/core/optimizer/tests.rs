use super::*;
use crate::ErrorKind;

fn refused(text: &str) -> (String, String) {
    let error = Optimizer::parse(text).expect_err("refused");
    let hint = error.hint_text().unwrap_or_default().to_owned();
    (error.to_string(), hint)
}

#[test]
fn reads_words_and_both_json_forms() {
    assert_eq!(Optimizer::parse("Adam").unwrap(), Optimizer::default());
    let sgd = Optimizer::parse(r#"{"sgd": {"momentum": 0.9, "nesterov": true}}"#).unwrap();
    let json = json!({"sgd": {"learning_rate": 0.01, "momentum": 0.9, "nesterov": true}});
    assert_eq!(sgd.to_json(), json);
    // keras.optimizers.RMSprop().get_config() of Keras 3.15
    let keras = r#"{"class_name": "RMSprop", "config": {"name": "rm_sprop", "learning_rate": 0.0010000000474974513,
        "weight_decay": null, "clipnorm": null, "global_clipnorm": null, "clipvalue": null, "use_ema": false,
        "ema_momentum": 0.99, "ema_overwrite_frequency": null, "loss_scale_factor": null,
        "gradient_accumulation_steps": null, "rho": 0.9, "momentum": 0.0, "epsilon": 1e-07, "centered": false}}"#;
    assert_eq!(Optimizer::parse(keras).unwrap().name(), "rmsprop");
    for settings in [
        "{}",
        r#"{"weight_decay": 0.1, "clipnorm": 2}"#,
        r#"{"global_clipnorm": 0.5}"#,
        r#"{"clipvalue": 0.5, "learning_rate": {"ExponentialDecay": {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.5}}}"#,
    ] {
        for word in Optimizer::KNOWN {
            let optimizer = Optimizer::parse(&format!("{{\"{word}\": {settings}}}")).unwrap();
            let again = Optimizer::parse(&optimizer.to_json().to_string()).unwrap();
            assert_eq!(again, optimizer);
            assert!(optimizer.slots() <= MOST_SLOTS);
        }
    }
}

/// The bytes of model files depend on it.
#[test]
fn writes_what_0_1_0_wrote() {
    for (word, settings) in [
        (
            "sgd",
            json!({"learning_rate": 0.01, "momentum": 0.0, "nesterov": false}),
        ),
        (
            "adam",
            json!({"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}),
        ),
        (
            "adamw",
            json!({"learning_rate": 0.001, "weight_decay": 0.004, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}),
        ),
        (
            "rmsprop",
            json!({"learning_rate": 0.001, "rho": 0.9, "momentum": 0.0, "epsilon": 1e-7}),
        ),
    ] {
        let optimizer = Optimizer::parse(word).unwrap();
        assert_eq!(optimizer.to_json(), json!({word: settings}));
    }
    assert_eq!(
        Optimizer::adamw(0.001, 0.004),
        Optimizer::parse("adamw").unwrap()
    );
}

#[test]
fn refuses_the_rest_by_name() {
    let ema = Optimizer::parse(r#"{"adam": {"use_ema": true}}"#).unwrap_err();
    assert_eq!(
        (ema.kind(), ema.to_string().as_str()),
        (
            ErrorKind::NotSupported,
            "use_ema of optimizer adam is not supported"
        )
    );
    let (_, hint) = refused(r#"{"adam": {"learning_rat": 1}}"#);
    assert!(hint.starts_with("Did you mean \"learning_rate\"?"));
    let (_, hint) = refused(r#"{"nadam": {"amsgrad": true}}"#);
    assert!(hint.contains("beta_1"));
    let (message, _) = refused(r#"{"adam": {"learning_rate": 0}}"#);
    assert_eq!(
        message,
        "learning_rate of optimizer adam must be a positive number or a schedule, not 0"
    );
    let (message, hint) = refused(r#"{"lion": {"clipnorm": 1, "clipvalue": 1}}"#);
    assert_eq!(message, "optimizer lion has both clipnorm and clipvalue");
    assert!(hint.contains("Only one"));
    assert!(
        refused(r#"{"sgd": {"weight_decay": -1}}"#)
            .0
            .contains("at least 0")
    );
    assert!(
        refused(r#"{"sgd": {"clipnorm": -1}}"#)
            .0
            .contains("at least 0")
    );
    assert!(refused("adm").1.contains("adam"));
    assert!(refused("adagrat").1.contains("Did you mean \"adagrad\"?"));
}

/// Keras multiplies Nadam's momenta on from step to step.
#[test]
fn nadam_needs_no_product_of_its_own() {
    for text in ["nadam", r#"{"nadam": {"beta_1": 0.999}}"#] {
        let optimizer = Optimizer::parse(text).unwrap();
        let Method::Nadam(nadam) = optimizer.method else {
            panic!("{optimizer:?}");
        };
        let mut product = 1.0;
        for number in 1..3000u64 {
            let momentum = |number: u64| {
                let beta_1 = if text == "nadam" { 0.9 } else { 0.999 };
                beta_1 * (1.0 - 0.5 * libm::pow(0.96, number as f64))
            };
            product *= momentum(number);
            let step = nadam.numbers(number, 0.01, 0.0);
            let next = momentum(number + 1);
            let of_mean = 0.01 * next / (1.0 - product * next);
            let of_gradient = 0.01 * (1.0 - momentum(number)) / (1.0 - product);
            assert!((f64::from(step.of_mean) - of_mean).abs() < 1e-8, "{number}");
            assert!((f64::from(step.of_gradient) - of_gradient).abs() < 1e-8);
        }
    }
}
