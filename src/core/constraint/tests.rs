use super::*;
use crate::{Error, ErrorKind};

fn read(text: &str) -> Result<Constraint> {
    let json: Value = serde_json::from_str(text).unwrap();
    Constraint::from_json(Some(&json)).map(Option::unwrap)
}

#[test]
fn reads_what_keras_writes() {
    // keras.constraints.serialize of Keras 3.15
    for keras in [
        r#"{"module":"keras.constraints","class_name":"MaxNorm","config":{"max_value":3.5,"axis":0},"registered_name":null}"#,
        r#"{"module":"keras.constraints","class_name":"MaxNorm","config":{"max_value":3.5,"axis":[0,-2]},"registered_name":null}"#,
        r#"{"module":"keras.constraints","class_name":"NonNeg","config":{},"registered_name":null}"#,
        r#"{"module":"keras.constraints","class_name":"UnitNorm","config":{"axis":null},"registered_name":null}"#,
        r#"{"module":"keras.constraints","class_name":"MinMaxNorm","config":{"min_value":0.0,"max_value":1.0,"rate":0.5,"axis":1},"registered_name":null}"#,
    ] {
        let json: Value = serde_json::from_str(keras).unwrap();
        assert_eq!(Constraint::to_json(Some(read(keras).unwrap())), json);
    }
    let usual = Constraint::MaxNorm {
        max_value: 2.0,
        axis: Axes::One(0),
    };
    for word in ["\"max_norm\"", "\"MaxNorm\"", r#"{"MaxNorm": {}}"#] {
        assert_eq!(read(word).unwrap(), usual);
    }
}

#[test]
fn refuses_what_is_none() {
    let refused = |text: &str| read(text).unwrap_err().to_string();
    assert_eq!(refused("\"maxnom\""), "unknown constraint \"maxnom\"");
    assert_eq!(
        refused(r#"{"max_norm": {"max_value": -1}}"#),
        "max_value of constraint max_norm must be at least 0, not -1"
    );
    assert_eq!(
        refused(r#"{"min_max_norm": {"min_value": 2}}"#),
        "min_value of constraint min_max_norm must not be above max_value, as 2 is above 1"
    );
    assert_eq!(
        refused(r#"{"min_max_norm": {"rate": 1.5}}"#),
        "rate of constraint min_max_norm must be from 0 to 1, not 1.5"
    );
    for axis in ["\"x\"", "[]", "[0, 1, 2, 3, 4]", "[0.5]"] {
        let of = refused(&format!(r#"{{"unit_norm": {{"axis": {axis}}}}}"#));
        assert!(
            of.starts_with("axis of constraint unit_norm must be"),
            "{of}"
        );
    }
    let fits = |axis: &str, shape: &[usize]| {
        let constraint = read(&format!(r#"{{"unit_norm": {{"axis": {axis}}}}}"#)).unwrap();
        constraint.check(shape, "kernel of dense")
    };
    for axis in ["0", "1", "-1", "-2", "[0, 1]", "[1, -2]", "null"] {
        fits(axis, &[4, 3]).unwrap();
    }
    for axis in ["2", "-3", "[0, -2]", "[0, 0]", "[0, 1, 1]"] {
        let error = fits(axis, &[4, 3]).unwrap_err();
        let axis: Value = serde_json::from_str(axis).unwrap();
        assert_eq!(
            error.to_string(),
            format!("axis {axis} of UnitNorm does not fit kernel of dense, whose shape is (4, 3)")
        );
    }
    assert_eq!(
        fits("1", &[3]).unwrap_err().hint_text(),
        Some("It has axis 0 alone.")
    );
}

/// The norm of the group of every number.
fn norms(w: &[f32], shape: &[usize], reduced: [bool; 4]) -> Vec<f64> {
    let place = |mut i: usize| {
        let mut group = 0;
        for (axis, dim) in shape.iter().enumerate().rev() {
            group = group * 100 + if reduced[axis] { 0 } else { i % dim };
            i /= dim;
        }
        group
    };
    let group: Vec<usize> = (0..w.len()).map(place).collect();
    let norm = |of: &usize| {
        let all = group.iter().zip(w).filter(|(group, _)| *group == of);
        let squares = all.map(|(_, w)| f64::from(*w) * f64::from(*w));
        squares.sum::<f64>().sqrt()
    };
    group.iter().map(norm).collect()
}

#[test]
fn every_number_is_rescaled_by_the_norm_of_its_group() {
    for shape in [
        &[7][..],
        &[1],
        &[5, 3],
        &[5, 1],
        &[1, 6],
        &[3, 4, 5],
        &[3, 1, 5],
        &[2, 3, 4, 5],
        &[2, 1, 3, 1],
    ] {
        for mask in 1..1 << shape.len() {
            let axes: Vec<usize> = (0..shape.len())
                .filter(|axis| mask >> axis & 1 == 1)
                .collect();
            let text = format!(r#"{{"unit_norm": {{"axis": {axes:?}}}}}"#);
            let size = shape.iter().product();
            let mut w: Vec<f32> = (0..size).map(|i| (i as f32 * 0.37) % 1.7 - 0.8).collect();
            let mut reduced = [false; 4];
            axes.iter().for_each(|axis| reduced[*axis] = true);
            let norms = norms(&w, shape, reduced);
            let before = w.clone();
            let constraint = read(&text).unwrap();
            constraint.check(shape, "w").unwrap();
            constraint.apply(&mut w, shape, &mut || Ok(())).unwrap();
            for ((w, before), norm) in w.iter().zip(before).zip(norms) {
                let wanted = f64::from(before) / (1e-7 + norm);
                assert!((f64::from(*w) - wanted).abs() < 1e-6, "{shape:?} {axes:?}");
            }
        }
    }
}

#[test]
fn wide_variables_are_those_of_narrow_ones_side_by_side() {
    let shape = [3, 1000];
    let w: Vec<f32> = (0..3000).map(|i| (i as f32 * 0.37) % 1.7 - 0.8).collect();
    let norm =
        read(r#"{"min_max_norm": {"min_value": 0.5, "max_value": 0.9, "rate": 0.3}}"#).unwrap();
    let mut all = w.clone();
    norm.apply(&mut all, &shape, &mut || Ok(())).unwrap();
    for column in [0, 255, 256, 511, 999] {
        let mut one = [w[column], w[1000 + column], w[2000 + column]];
        norm.apply(&mut one, &[3, 1], &mut || Ok(())).unwrap();
        for (i, one) in one.iter().enumerate() {
            assert!((one - all[i * 1000 + column]).abs() < 1e-6);
        }
    }
}

#[test]
fn what_is_not_finite_is_not_hidden() {
    for text in [
        "\"max_norm\"",
        "\"unit_norm\"",
        "\"min_max_norm\"",
        "\"non_neg\"",
    ] {
        for wrong in [f32::NAN, f32::INFINITY] {
            let mut w = [1.0, wrong, -1.0];
            let constraint = read(text).unwrap();
            constraint.apply(&mut w, &[3], &mut || Ok(())).unwrap();
            assert!(w.iter().any(|w| !w.is_finite()), "{text} {w:?}");
        }
        let mut zeros = [0.0; 3];
        let constraint = read(text).unwrap();
        constraint.apply(&mut zeros, &[3], &mut || Ok(())).unwrap();
        assert_eq!(zeros, [0.0; 3]);
    }
}

#[test]
fn a_long_walk_can_be_interrupted() {
    let shape = [1 << 11, 1 << 10];
    let stopped = || Error::new(ErrorKind::LimitExceeded, "stop");
    for text in [
        "\"non_neg\"",
        "\"max_norm\"",
        r#"{"max_norm": {"axis": 1}}"#,
        r#"{"max_norm": {"axis": null}}"#,
    ] {
        let mut w = vec![1.0; shape[0] * shape[1]];
        let mut asked = 0;
        let constraint = read(text).unwrap();
        let result = constraint.apply(&mut w, &shape, &mut || {
            asked += 1;
            if asked == 4 { Err(stopped()) } else { Ok(()) }
        });
        assert_eq!(result.unwrap_err().to_string(), "stop", "{text}");
    }
}
