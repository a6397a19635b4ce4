use super::*;
use crate::kernels::cost::cost;
use crate::kernels::on_every_level;

fn parsed(text: &str) -> Loss {
    Loss::parse(text).unwrap()
}

/// One of every kind, with its settings and without.
const ALL: [&str; 17] = [
    "mse",
    "mae",
    "mape",
    "msle",
    r#"{"huber": {"delta": 0.7}}"#,
    "log_cosh",
    r#"{"quantile": {"tau": 0.9}}"#,
    "poisson",
    "kl_divergence",
    "binary_crossentropy",
    r#"{"binary_crossentropy": {"label_smoothing": 0.1}}"#,
    "categorical_crossentropy",
    r#"{"categorical_crossentropy": {"label_smoothing": 0.2}}"#,
    "hinge",
    "squared_hinge",
    "categorical_hinge",
    r#"{"huber": {"delta": 1.0}}"#,
];

#[test]
fn reads_words_and_both_json_forms() {
    assert_eq!(parsed(" MSE "), Loss::MSE);
    assert_eq!(parsed("MeanAbsoluteError"), Loss::MAE);
    assert_eq!(
        parsed(r#"{"huber": {"delta": 2}}"#),
        Loss::Huber(Huber { delta: 2.0 })
    );
    let keras = r#"{"module": "keras.losses", "class_name": "BinaryCrossentropy", "registered_name": null,
        "config": {"name": "binary_crossentropy", "reduction": "sum_over_batch_size", "from_logits": false, "label_smoothing": 0.0, "axis": -1}}"#;
    assert_eq!(parsed(keras), Loss::BINARY);
    for text in ALL {
        let loss = parsed(text);
        assert_eq!(parsed(&loss.to_json().to_string()), loss);
    }
}

#[test]
fn what_the_first_release_wrote_stays() {
    for text in [
        r#""mse""#,
        r#""mae""#,
        r#"{"huber":{"delta":1.0}}"#,
        r#""binary_crossentropy""#,
        r#""categorical_crossentropy""#,
    ] {
        assert_eq!(parsed(text).to_json().to_string(), text);
    }
}

/// `[c.__name__ for c in keras.losses.ALL_OBJECTS]` of Keras 3.15, without focal losses, CTC, Dice, Tversky, Circle,
/// CosineSimilarity and CategoricalGeneralizedCrossEntropy.
#[test]
fn knows_kerass_names() {
    for (class, word) in [
        ("MeanSquaredError", "mse"),
        ("MeanAbsoluteError", "mae"),
        ("MeanAbsolutePercentageError", "mape"),
        ("MeanSquaredLogarithmicError", "msle"),
        ("Huber", "huber"),
        ("LogCosh", "log_cosh"),
        ("Hinge", "hinge"),
        ("SquaredHinge", "squared_hinge"),
        ("CategoricalHinge", "categorical_hinge"),
        ("KLDivergence", "kl_divergence"),
        ("Poisson", "poisson"),
        ("BinaryCrossentropy", "binary_crossentropy"),
        ("CategoricalCrossentropy", "categorical_crossentropy"),
        ("SparseCategoricalCrossentropy", "categorical_crossentropy"),
    ] {
        let text = format!(r#"{{"class_name": "{class}", "config": {{"name": "x"}}}}"#);
        assert_eq!(parsed(&text).name(), word);
    }
}

#[test]
fn logits_are_asked_for_apart() {
    let said = |flag: bool| {
        let text = format!(
            r#"{{"class_name": "BinaryCrossentropy", "config": {{"from_logits": {flag}}}}}"#
        );
        (Loss::parse_with_logits(&text).unwrap(), Loss::parse(&text))
    };
    assert_eq!(said(true).0, (Loss::BINARY, Some(true)));
    assert!(said(true).1.is_err());
    assert_eq!(said(false).0, (Loss::BINARY, Some(false)));
    assert_eq!(said(false).1.unwrap(), Loss::BINARY);
    assert_eq!(Loss::parse_with_logits("mse").unwrap().1, None);
}

#[test]
fn refuses_the_rest_by_name() {
    for (text, message) in [
        ("mse2", "unknown loss \"mse2\""),
        (
            r#"{"huber": {"dleta": 2}}"#,
            "unknown setting \"dleta\" of loss huber",
        ),
        (
            r#"{"huber": {"delta": 0}}"#,
            "delta of loss huber must be a positive number, not 0",
        ),
        ("quantile", "loss quantile needs tau"),
        (
            r#"{"quantile": {"tau": 1}}"#,
            "tau of loss quantile must be between 0 and 1, not 1",
        ),
        (
            r#"{"binary_crossentropy": {"label_smoothing": 2}}"#,
            "label_smoothing of loss binary_crossentropy must be from 0 to 1, not 2",
        ),
        (
            r#"{"mse": {"from_logits": true}}"#,
            "unknown setting \"from_logits\" of loss mse",
        ),
        ("{", "the loss is not valid JSON"),
        ("", "the loss must not be empty"),
    ] {
        let error = Loss::parse(text).unwrap_err();
        assert_eq!(
            (error.to_string().as_str(), error.kind()),
            (message, ErrorKind::InvalidParameter)
        );
    }
    for text in [
        r#"{"sparse_categorical_crossentropy": {"ignore_class": 3}}"#,
        r#"{"mae": {"reduction": "sum"}}"#,
    ] {
        assert_eq!(
            Loss::parse(text).unwrap_err().kind(),
            ErrorKind::NotSupported
        );
    }
}

/// Outputs and targets that a loss fits, with no output where its slope jumps.
fn rows(loss: Loss, rows: usize, width: usize) -> (Vec<f32>, Vec<f32>) {
    let of = |n: usize, f: &dyn Fn(f32) -> f32| (0..n).map(|i| f(i as f32)).collect::<Vec<_>>();
    let n = rows * width;
    let z = of(n, &|i| (i * 1.31 + 0.1731) % 5.0 - 2.5);
    let classes = of(rows, &|i| i % width as f32);
    match loss {
        Loss::CategoricalCrossentropy(_) | Loss::CategoricalHinge(_) => (z, classes),
        Loss::BinaryCrossentropy(_) | Loss::Hinge(_) | Loss::SquaredHinge(_) => {
            (z, of(n, &|i| i % 2.0))
        }
        Loss::Poisson(_)
        | Loss::MeanSquaredLogarithmicError(_)
        | Loss::MeanAbsolutePercentageError(_) => (
            of(n, &|i| (i * 1.31 + 0.1731) % 5.0 + 0.1),
            of(n, &|i| (i * 0.77) % 3.0 + 0.2),
        ),
        Loss::KlDivergence(_) => (
            of(n, &|i| (i * 0.131 + 0.017) % 0.9 + 0.05),
            of(n, &|i| (i * 0.077) % 0.9 + 0.05),
        ),
        _ => (z, of(n, &|i| (i * 0.77) % 3.0 - 1.0)),
    }
}

#[test]
fn gradients_equal_finite_differences() {
    on_every_level(|| {
        for loss in ALL.map(parsed) {
            for (count, width) in [(1, 1), (2, 3), (37, 1), (19, 5), (5, 19), (1200, 1)] {
                let (z, y) = rows(loss, count, width);
                let per_row = y.len() / count;
                let share = 1.0 / count as f32;
                let (mut out, mut d) = (z.clone(), vec![0.0; z.len()]);
                let sum = cost(loss, width, share, &mut out, &y, &[], &mut d);
                let plain = (sum, out.clone(), d.clone());
                out.copy_from_slice(&z);
                let ones = vec![1.0; count];
                let sum = cost(loss, width, share, &mut out, &y, &ones, &mut d);
                assert!(plain == (sum, out, d), "{loss:?}: weights of 1 change bits");
                let w: Vec<f32> = (0..count).map(|r| (r * 5 % 7) as f32 * 0.5).collect();
                let (mut out, mut d) = (z.clone(), vec![0.0; z.len()]);
                let sum = cost(loss, width, share, &mut out, &y, &w, &mut d);
                if loss.head().is_none() {
                    assert!(out == z, "{loss:?} changes what it does not own");
                }
                let row = |r: usize| z[r * width..][..width].to_vec();
                let target = |r: usize| &y[r * per_row..][..per_row];
                let each = |r: usize| f64::from(w[r]) * loss.of_row(&row(r), target(r));
                let expected: f64 = (0..count).map(each).sum();
                let near = |got: f64, wanted: f64, bound: f64| {
                    (got - wanted).abs() < bound * (1.0 + wanted.abs())
                };
                assert!(
                    near(sum, expected, 1e-6),
                    "{loss:?}: {sum} instead of {expected}"
                );
                for i in 0..z.len() {
                    let (mut above, mut below) = (row(i / width), row(i / width));
                    above[i % width] += 3e-4;
                    below[i % width] -= 3e-4;
                    let step = f64::from(above[i % width]) - f64::from(below[i % width]);
                    let y = target(i / width);
                    let slope = f64::from(w[i / width])
                        * (loss.of_row(&above, y) - loss.of_row(&below, y))
                        / step
                        / count as f64;
                    assert!(
                        near(f64::from(d[i]), slope, 1e-4),
                        "{loss:?}: {} instead of {slope} at {} for {y:?}",
                        d[i],
                        z[i]
                    );
                }
            }
        }
    });
}

#[test]
fn crossentropies_are_finite_at_saturation() {
    let (mut out, mut d) = ([200.0, -200.0], [0.0; 2]);
    let sum = cost(Loss::BINARY, 1, 1.0, &mut out, &[0.0, 1.0], &[], &mut d);
    assert_eq!((sum, out, d), (400.0, [1.0, 0.0], [1.0, -1.0]));
    let mut out = [500.0, -500.0];
    let categorical = |out: &mut [f32; 2], y: f32, d: &mut [f32; 2]| {
        cost(Loss::CATEGORICAL, 2, 1.0, out, &[y], &[], d)
    };
    assert_eq!(categorical(&mut out, 1.0, &mut d), 1000.0);
    assert!(categorical(&mut out, 7.0, &mut d).is_nan());
}

#[test]
fn what_is_not_a_number_stays_none() {
    for loss in ALL.map(parsed) {
        let (mut out, y) = rows(loss, 8, 1);
        out[3] = f32::NAN;
        let mut d = vec![0.0; out.len()];
        let sum = cost(loss, 1, 1.0, &mut out, &y, &[], &mut d);
        assert!(sum.is_nan(), "{loss:?}: {sum}");
    }
}

#[test]
fn smoothing_goes_over() {
    let smooth = parsed(r#"{"binary_crossentropy": {"label_smoothing": 0.1}}"#);
    assert_eq!(Loss::BINARY.smoothed_as(Some(smooth)), smooth);
    assert_eq!(smooth.smoothed_as(None), Loss::BINARY);
    assert_eq!(smooth.smoothed_as(Some(Loss::MSE)), smooth);
    assert_eq!(Loss::MSE.smoothed_as(Some(smooth)), Loss::MSE);
}
