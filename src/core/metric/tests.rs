use super::auc::{BINS, bin};
use super::*;
use crate::Standard;

/// `metric` of numbers scaled by `scale`, or of classes; in batches of three rows.
fn take(metric: &Metric, task: Task, outputs: usize, p: &[f32], y: &[f32], scale: f64) -> f64 {
    let scales = [Standard {
        mean: 0.0,
        std: scale,
    }];
    let loss = match task {
        Task::Regression { .. } => Loss::MSE,
        _ if outputs == 1 => Loss::BINARY,
        _ => Loss::CATEGORICAL,
    };
    let targets = match task {
        Task::Regression { outputs } => outputs,
        _ => 1,
    };
    let mut state = MetricState::new(metric, task, outputs, loss, &scales).unwrap();
    for (p, y) in p.chunks(3 * outputs).zip(y.chunks(3 * targets)) {
        state.update(p, y);
    }
    let result = state.result();
    state.reset();
    assert!(state.result().is_nan() || state.result() == 0.0);
    result
}

#[test]
fn regression_metrics_equal_scikit_learn() {
    // y = [3, -0.5, 2, 7]; p = [2.5, 0.0, 2, 8]
    // mean_absolute_error: 0.5, mean_squared_error: 0.375, r2_score: 0.9486081370449679
    let (p, y) = ([2.5, 0.0, 2.0, 8.0], [3.0, -0.5, 2.0, 7.0]);
    let task = Task::Regression { outputs: 1 };
    assert!((take(&Metric::MAE, task, 1, &p, &y, 2.0) - 1.0).abs() < 1e-12);
    assert!((take(&Metric::MSE, task, 1, &p, &y, 2.0) - 1.5).abs() < 1e-12);
    assert!((take(&Metric::RMSE, task, 1, &p, &y, 1.0) - 0.375f64.sqrt()).abs() < 1e-12);
    assert!((take(&Metric::R2, task, 1, &p, &y, 3.0) - 0.948_608_137_044_967_9).abs() < 1e-9);
    assert!(take(&Metric::R2, task, 1, &p, &[2.0; 4], 1.0).is_nan());
}

#[test]
fn auc_is_the_share_of_pairs_in_order() {
    let n = 2000;
    let p: Vec<f32> = (0..n)
        .map(|i| ((i * 7919) % n) as f32 / n as f32)
        .map(|v| v * v)
        .collect();
    let y: Vec<f32> = p
        .iter()
        .enumerate()
        .map(|(i, &p)| f32::from(p + ((i * 31) % 100) as f32 / 120.0 > 0.7))
        .collect();
    let (mut won, mut pairs) = (0.0, 0.0);
    for (a, ya) in p.iter().zip(&y).filter(|(_, y)| **y == 1.0) {
        for (b, _) in p.iter().zip(&y).filter(|(_, y)| **y == 0.0) {
            won += if a > b {
                1.0
            } else if a == b {
                0.5
            } else {
                0.0
            };
            pairs += *ya as f64;
        }
    }
    let auc = take(&Metric::AUC, Task::Binary, 1, &p, &y, 1.0);
    assert!(
        (auc - won / pairs).abs() < 1e-3,
        "{auc} instead of {}",
        won / pairs
    );
    assert!(take(&Metric::AUC, Task::Binary, 1, &[0.1, 0.2], &[1.0, 1.0], 1.0).is_nan());
}

#[test]
fn bins_keep_the_order_of_probabilities() {
    let p: Vec<f32> = (0..=100_000).map(|i| i as f32 / 100_000.0).collect();
    assert!(p.windows(2).all(|w| bin(w[0]) <= bin(w[1])));
    assert_eq!((bin(0.0), bin(1.0)), (0, BINS - 1));
    assert!(bin(0.999_99) < bin(0.999_991) && bin(1e-6) < bin(1.01e-6));
    bin(f32::NAN);
}

#[test]
fn accuracy_counts_right_classes() {
    assert_eq!(
        take(
            &Metric::ACCURACY,
            Task::Binary,
            1,
            &[0.5, 0.51, 0.2, 0.9],
            &[0.0, 1.0, 1.0, 1.0],
            1.0
        ),
        0.75
    );
    let p = [0.1, 0.8, 0.1, 0.4, 0.4, 0.2];
    assert_eq!(
        take(
            &Metric::ACCURACY,
            Task::Multiclass { classes: 3 },
            3,
            &p,
            &[1.0, 0.0],
            1.0
        ),
        1.0
    );
}

#[test]
fn refuses_metrics_of_another_task() {
    let of = |word: &str, task, loss| {
        let checked = Metric::parse(word).unwrap().check(task, loss);
        let error = checked.unwrap_err();
        (
            error.to_string(),
            error.hint_text().unwrap_or_default().to_owned(),
        )
    };
    let (message, hint) = of("auc", Task::Multiclass { classes: 3 }, Loss::CATEGORICAL);
    assert_eq!(
        message,
        "metric auc cannot be taken of a target of 3 classes"
    );
    assert_eq!(
        hint,
        "It can have: accuracy, categorical_accuracy, top_k_categorical_accuracy, precision, recall, f1, true_positives, \
         false_positives, true_negatives, false_negatives, categorical_crossentropy, categorical_hinge."
    );
    let (message, hint) = of("auc", Task::Binary, Loss::parse("hinge").unwrap());
    assert_eq!(
        message,
        "metric auc cannot be taken of a model trained with hinge, which gives no probabilities"
    );
    assert_eq!(
        hint,
        "It can have: accuracy, binary_accuracy, hinge, squared_hinge."
    );
    let (message, _) = of("mape", Task::Binary, Loss::BINARY);
    assert_eq!(
        message,
        "metric mape cannot be taken of a target of two classes"
    );
    let (message, _) = of(
        r#"{"precision": {"top_k": 4}}"#,
        Task::Multiclass { classes: 3 },
        Loss::CATEGORICAL,
    );
    assert_eq!(
        message,
        "top_k 4 of metric precision needs more than 3 outputs"
    );
}

#[test]
fn reads_words_and_both_json_forms() {
    assert_eq!(Metric::parse("R2Score").unwrap(), Metric::R2);
    assert_eq!(Metric::parse("MeanAbsoluteError").unwrap(), Metric::MAE);
    let keras = r#"{"module": "keras.metrics", "class_name": "AUC", "registered_name": null, "config": {"name": "prc",
        "dtype": {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}, "registered_name": null},
        "num_thresholds": 200, "curve": "PR", "summation_method": "interpolation", "multi_label": false, "num_labels": null,
        "label_weights": null, "from_logits": false}}"#;
    let auc = Metric::parse(keras).unwrap();
    assert_eq!(auc.name(), "prc");
    assert_eq!(
        auc.to_json().to_string(),
        r#"{"auc":{"curve":"PR","name":"prc","num_thresholds":200}}"#
    );
    for text in [
        "mae",
        "acc",
        r#"{"precision": {"thresholds": 0.3}}"#,
        r#"{"Recall": {"thresholds": [0.3], "class_id": 1, "top_k": 2}}"#,
        r#"{"f1": {"average": "micro", "threshold": 0.5}}"#,
        r#"{"auc": {"thresholds": [0.5, 0.2], "summation_method": "minoring"}}"#,
        r#"{"r2": {"class_aggregation": "variance_weighted_average"}}"#,
        r#"{"class_name": "TopKCategoricalAccuracy", "config": {"k": 2, "name": "best two"}}"#,
        r#"{"binary_accuracy": {"threshold": 0.25}}"#,
        r#"{"binary_crossentropy": {"label_smoothing": 0.1}}"#,
        keras,
    ] {
        let metric = Metric::parse(text).unwrap();
        assert_eq!(Metric::from_json(&metric.to_json()).unwrap(), metric);
    }
    assert_eq!(
        Metric::parse("acc").unwrap().to_json(),
        Value::from("accuracy")
    );
}

#[test]
fn names_in_a_history_stay_apart() {
    let parse = |text: &str| Metric::parse(text).unwrap();
    let metrics = [
        parse("auc"),
        parse(r#"{"auc": {"curve": "PR"}}"#),
        parse(r#"{"auc": {"num_thresholds": 50, "name": "auc_1"}}"#),
        parse(r#"{"precision": {"name": "Precision"}}"#),
    ];
    assert_eq!(
        logged_names(&metrics),
        ["auc", "auc_1", "auc_1_1", "precision"]
    );
    assert!(metrics[0].more_is_better() && !Metric::MAE.more_is_better());
}

#[test]
fn refuses_what_it_cannot_be_told() {
    for (text, message) in [
        ("auk", "unknown metric \"auk\""),
        (
            r#"{"precision": {"threshold": 0.3}}"#,
            "unknown setting \"threshold\" of metric precision",
        ),
        (
            r#"{"precision": {"thresholds": [0.3, 0.5]}}"#,
            "several thresholds of metric precision are not supported",
        ),
        (
            r#"{"recall": {"thresholds": 2}}"#,
            "thresholds of metric recall must be a number from 0 to 1, not 2",
        ),
        (
            r#"{"auc": {"curve": "PRGAIN"}}"#,
            "unknown curve \"PRGAIN\"",
        ),
        (
            r#"{"auc": {"num_thresholds": 1}}"#,
            "num_thresholds of metric auc must be an integer from 2 to 100000, not 1",
        ),
        (
            r#"{"mae": {"name": "val_mae"}}"#,
            "\"val_mae\" cannot be the name of a metric",
        ),
        (r#"{"f1": {"average": "all"}}"#, "unknown average \"all\""),
        ("", "the metric must not be empty"),
    ] {
        assert_eq!(Metric::parse(text).unwrap_err().to_string(), message);
    }
}

/// A target with mean 10 and deviation 4: the network says 0.5 where the value is 14.
#[test]
fn numbers_are_measured_in_their_own_units() {
    let scale = [Standard {
        mean: 10.0,
        std: 4.0,
    }];
    let take = |word: &str| {
        let metric = Metric::parse(word).unwrap();
        let task = Task::Regression { outputs: 1 };
        let mut state = MetricState::new(&metric, task, 1, Loss::MSE, &scale).unwrap();
        state.update(&[0.5], &[1.0]);
        state.result()
    };
    // p = 12, y = 14
    for (word, wanted) in [
        ("mae", 2.0),
        ("mse", 4.0),
        ("rmse", 2.0),
        ("mape", 100.0 * 2.0 / 14.0),
        ("msle", libm::pow(libm::log(15.0 / 13.0), 2.0)),
        ("log_cosh", libm::log(libm::cosh(2.0))),
        ("poisson", 12.0 - 14.0 * libm::log(12.0)),
        ("cosine_similarity", 1.0),
    ] {
        let got = take(word);
        assert!(
            (got - wanted).abs() < 1e-6 * wanted.abs(),
            "{word}: {got} {wanted}"
        );
    }
}

/// Of two classes precision, recall, f1 and the counts are those of the second one, with one unit as with two.
#[test]
fn two_units_say_what_one_does() {
    let p = [0.9, 0.4, 0.6, 0.1, 0.7];
    let y = [1.0, 1.0, 0.0, 0.0, 1.0];
    let both: Vec<f32> = p.iter().flat_map(|p| [1.0 - p, *p]).collect();
    for (word, wanted) in [
        ("precision", 2.0 / 3.0),
        ("recall", 2.0 / 3.0),
        ("f1", 2.0 / 3.0),
        ("true_positives", 2.0),
        ("false_positives", 1.0),
        ("true_negatives", 1.0),
        ("false_negatives", 1.0),
        ("accuracy", 0.6),
        ("binary_accuracy", 0.6),
        ("auc", 5.0 / 6.0),
    ] {
        let metric = Metric::parse(word).unwrap();
        for (outputs, p) in [(1, &p[..]), (2, &both)] {
            let got = take(&metric, Task::Binary, outputs, p, &y, 1.0);
            assert!(
                (got - wanted).abs() < 1e-6,
                "{word}: {got} instead of {wanted}"
            );
        }
    }
}

/// What a hinge answers is no probability: above 0 is the second class.
#[test]
fn margins_are_cut_at_zero() {
    let hinge = Loss::parse("hinge").unwrap();
    let mut state = MetricState::new(&Metric::ACCURACY, Task::Binary, 1, hinge, &[]).unwrap();
    state.update(&[0.2, -0.3, 0.4], &[1.0, 0.0, 0.0]);
    assert!((state.result() - 2.0 / 3.0).abs() < 1e-12);
}
