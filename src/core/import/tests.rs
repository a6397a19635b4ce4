//! Hostile files: each is refused with the name of what is wrong, and never with a panic.

use super::Import;
use crate::fixture::{CancelAt, NoCallback};
use crate::random::Random;
use crate::{Error, ErrorKind, ModelFile, Result, Scorer};
use serde_json::{Value, json};

const LIMIT: u64 = 64 << 20;

/// A file with a header and data.
fn file(header: &str, data: &[u8]) -> Vec<u8> {
    [
        &(header.len() as u64).to_le_bytes(),
        header.as_bytes(),
        data,
    ]
    .concat()
}

/// A file of tensors with names, shapes and numbers.
fn tensors(all: &[(&str, &[usize], &[f32])]) -> Vec<u8> {
    let (mut header, mut data) = (serde_json::Map::new(), Vec::new());
    for (name, shape, numbers) in all {
        let start = data.len();
        data.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        let entry = json!({"dtype": "F32", "shape": shape, "data_offsets": [start, data.len()]});
        header.insert((*name).to_owned(), entry);
    }
    file(&Value::Object(header).to_string(), &data)
}

fn told() -> Import {
    Import {
        layers: Some(
            json!([{"class_name": "Dense", "config": {"units": 2, "name": "one"}},
                            {"class_name": "Dense", "config": {"units": 1, "name": "two"}}]),
        ),
        features: Some(vec!["a".to_owned(), "b".to_owned(), "c".to_owned()]),
        ..Import::default()
    }
}

/// Weights of the layers in [`told`], as Keras calls them.
const KERNEL: [f32; 6] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
fn good() -> [(&'static str, &'static [usize], &'static [f32]); 4] {
    [
        ("sequential_1/one/kernel", &[3, 2], &KERNEL),
        ("sequential_1/one/bias", &[2], &[7.0, 8.0]),
        ("two/kernel", &[2, 1], &[9.0, 10.0]),
        ("two/bias", &[1], &[11.0]),
    ]
}

fn read(told: &Import, bytes: &[u8]) -> Result<ModelFile> {
    told.read(bytes, LIMIT, LIMIT, &mut NoCallback)
}

fn refused(told: &Import, bytes: &[u8]) -> Error {
    let error = read(told, bytes).expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::InvalidParameter, "{error}");
    error
}

#[test]
fn keras_and_pytorch_give_the_same_weights() -> Result<()> {
    let keras = read(&told(), &tensors(&good()))?;
    assert_eq!(
        keras.model().weights(),
        [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0]
    );
    // (out, in): by the number in nn.Sequential, of which 10 comes after 2; inside another module; by the layer's name.
    for names in [
        ["2", "10"],
        ["model.net.0", "model.net.3"],
        ["my.one", "my.two"],
    ] {
        let [first, second] = names;
        let named = |module: &str, tensor: &str| format!("{module}.{tensor}");
        let all = [
            named(first, "weight"),
            named(first, "bias"),
            named(second, "weight"),
            named(second, "bias"),
        ];
        let bytes = tensors(&[
            (&all[0], &[2, 3], &[1.0, 3.0, 5.0, 2.0, 4.0, 6.0]),
            (&all[1], &[2], &[7.0, 8.0]),
            (&all[2], &[1, 2], &[9.0, 10.0]),
            (&all[3], &[1], &[11.0]),
        ]);
        let pytorch = read(&told(), &bytes)?;
        assert_eq!(
            pytorch.model().weights(),
            keras.model().weights(),
            "{names:?}"
        );
    }
    Ok(())
}

#[test]
fn layers_of_any_number_of_steps_want_to_know_how_long_an_array_is() -> Result<()> {
    let mut told = Import {
        layers: Some(
            json!([{"class_name": "InputLayer", "config": {"batch_shape": [null, null, 2]}},
                            {"class_name": "GlobalAveragePooling1D"},
                            {"class_name": "Dense", "config": {"units": 1, "use_bias": false, "name": "own"}}]),
        ),
        features: Some(vec!["x".to_owned()]),
        ..Import::default()
    };
    let bytes = tensors(&[("own/kernel", &[2, 1], &[3.0, 4.0])]);
    let error = refused(&told, &bytes);
    assert_eq!(
        (error.to_string().as_str(), error.hint_text()),
        (
            "how many numbers \"x\" has is not known: the network takes rows of shape (null, 2)",
            Some("Say so in columns: {\"x\":{\"length\":24}}.")
        )
    );
    let mut words = told.clone();
    words.layers = Some(
        json!([{"class_name": "InputLayer", "config": {"batch_shape": [null, null]}},
                        {"class_name": "Embedding", "config": {"input_dim": 3, "output_dim": 2}},
                        {"class_name": "GlobalAveragePooling1D"}, {"class_name": "Dense", "config": {"units": 1}}]),
    );
    assert_eq!(
        refused(&words, &bytes).to_string(),
        "how many numbers \"x\" has is not known: the network takes rows of shape (null)"
    );
    told.columns = Some(json!({"x": {"length": 5}}));
    let error = refused(&told, &bytes).to_string();
    let wanted = "the layers take rows of shape (null, 2), the data has 5 inputs";
    assert_eq!(error, wanted);
    told.columns = Some(json!({"x": {"length": 6}}));
    let file = read(&told, &bytes)?;
    assert_eq!(file.model().inputs(), 6);
    let written = file.model().sequential().to_json();
    let shape = &written["config"]["layers"][0]["config"]["batch_shape"];
    assert_eq!(*shape, json!([null, 3, 2]));
    Ok(())
}

#[test]
fn a_layer_inside_of_another_has_the_name_of_it_before_or_not() -> Result<()> {
    let told = Import {
        layers: Some(
            json!([{"class_name": "InputLayer", "config": {"batch_shape": [null, 1, 1]}},
                            {"class_name": "TimeDistributed", "config": {"name": "each", "layer":
                                {"class_name": "Dense", "config": {"units": 1, "use_bias": false, "name": "own"}}}},
                            {"class_name": "Flatten", "config": {}},
                            {"class_name": "Dense", "config": {"units": 1, "use_bias": false, "name": "two"}}]),
        ),
        features: Some(vec!["a".to_owned()]),
        columns: Some(json!({"a": {"length": 1}})),
        ..Import::default()
    };
    for name in [
        "each/own/kernel",
        "sequential/each/own/kernel",
        "own/kernel",
    ] {
        let bytes = tensors(&[(name, &[1, 1], &[3.0]), ("two/kernel", &[1, 1], &[4.0])]);
        assert_eq!(read(&told, &bytes)?.model().weights(), [3.0, 4.0], "{name}");
    }
    Ok(())
}

#[test]
fn headers_that_lie_are_refused() {
    let entry = |dtype: &str, shape: &str, from: i64, to: i64| {
        format!(r#"{{"dtype":"{dtype}","shape":{shape},"data_offsets":[{from},{to}]}}"#)
    };
    let one = |entry: &str| format!(r#"{{"one/kernel":{entry}}}"#);
    for (bytes, message) in [
        (vec![1, 2, 3], "the file is shorter than eight bytes"),
        (
            u64::MAX.to_le_bytes().to_vec(),
            "the file claims a header of 18446744073709551615 bytes, more than 16777216",
        ),
        (
            100_u64.to_le_bytes().to_vec(),
            "the file ends within its header",
        ),
        (
            file("\u{1}", &[]),
            "the file has a header that cannot be read: expected value at line 1 column 1",
        ),
        (
            file(&"[".repeat(1000), &[]),
            "the file has a header that is nested too deep",
        ),
        (
            file(&one(&entry("F32", "[2]", 0, 8)), &[0; 4]),
            "tensor \"one/kernel\" lies at 0 to 8 of 4 bytes",
        ),
        (
            file(&one(&entry("F32", "[2]", 8, 0)), &[0; 8]),
            "tensor \"one/kernel\" lies at 8 to 0 of 8 bytes",
        ),
        (
            file(&one(&entry("F32", "[3]", 0, 8)), &[0; 8]),
            "tensor \"one/kernel\" has 8 bytes, which are no (3) numbers of dtype F32",
        ),
        (
            file(
                &one(&entry("F32", "[4294967296,4294967296]", 0, 8)),
                &[0; 8],
            ),
            "tensor \"one/kernel\" has 8 bytes, which are no (4294967296, 4294967296) numbers of dtype F32",
        ),
        (
            file(&one(&entry("F32", "[1]", 4, 8)), &[0; 8]),
            "4 bytes before tensor \"one/kernel\" are nobody's",
        ),
        (
            file(&one(&entry("F32", "[1]", 0, 4)), &[0; 8]),
            "the last 4 bytes of the file are no tensor's",
        ),
        (
            file(
                &format!(
                    r#"{{"a":{},"b":{}}}"#,
                    entry("F32", "[2]", 0, 8),
                    entry("F32", "[2]", 4, 12)
                ),
                &[0; 12],
            ),
            "tensor \"b\" overlaps another",
        ),
    ] {
        assert_eq!(refused(&told(), &bytes).to_string(), message);
    }
    let negative = file(&one(&entry("F32", "[1]", -4, 0)), &[]);
    assert!(
        refused(&told(), &negative)
            .to_string()
            .contains("invalid value: integer `-4`")
    );
    for archive in [&b"PK\x03\x04 and so on"[..], b"\x89HDF\r\n\x1a\n and so on"] {
        let error = refused(&told(), archive);
        assert_eq!(
            error.to_string(),
            "the file is an archive of Keras (.keras or .weights.h5)"
        );
    }
    let large = file(&format!("{{{}}}", " ".repeat(1 << 20)), &[]);
    let error = told()
        .read(&large, 1 << 20, LIMIT, &mut NoCallback)
        .expect_err("too large");
    assert_eq!(error.kind(), ErrorKind::OutOfMemory);
}

#[test]
fn tensors_that_do_not_fit_are_named() {
    let changed = |place: usize, tensor: (&'static str, &'static [usize], &'static [f32])| {
        let mut all = good();
        all[place] = tensor;
        tensors(&all)
    };
    for (bytes, message) in [
        (
            tensors(&good()[..3]),
            "tensor \"two/bias\" is not in the file",
        ),
        (
            changed(0, ("sequential_1/one/kernel", &[2, 3], &KERNEL)),
            "tensor \"sequential_1/one/kernel\" has the shape (2, 3), the layer needs (3, 2)",
        ),
        (
            tensors(&[&good()[..], &[("three/kernel", &[1], &[0.0])]].concat()),
            "tensor \"three/kernel\" belongs to no layer",
        ),
        (
            tensors(&[&good()[..], &[("other/two/bias", &[1], &[0.0])]].concat()),
            "tensors \"other/two/bias\" and \"two/bias\" are both \"two/bias\"",
        ),
        (
            tensors(&[("0.weight", &[2, 3], &KERNEL), ("0.bias", &[2], &[0.0; 2])]),
            "the file has the tensors of 1 modules, but none for layer \"two\"",
        ),
        (
            tensors(&[
                ("0.weight", &[2, 3], &KERNEL),
                ("1.weight", &[1, 2], &[0.0; 2]),
            ]),
            "layer \"one\" (Dense) has no tensor \"bias\"",
        ),
        (
            tensors(&[
                ("first.weight", &[2, 3], &KERNEL),
                ("second.weight", &[1, 2], &[0.0; 2]),
            ]),
            "no layer is called as module \"first\" of the file",
        ),
    ] {
        assert_eq!(refused(&told(), &bytes).to_string(), message);
    }
    let nan = changed(1, ("sequential_1/one/bias", &[2], &[0.0, f32::NAN]));
    let error = read(&told(), &nan).expect_err("refused");
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (
            ErrorKind::NotFinite,
            "tensor \"sequential_1/one/bias\" has NaN at place 1"
        )
    );
    let header = String::from_utf8(
        tensors(&good())[8..]
            .iter()
            .copied()
            .take_while(|byte| *byte < 128)
            .collect(),
    );
    let header = header.expect("text");
    let header = &header[..=header.rfind('}').expect("an object")];
    let doubles = header.replacen("F32", "I32", 1);
    let data: Vec<u8> = tensors(&good())[8 + header.len()..].to_vec();
    let error = refused(&told(), &file(&doubles, &data));
    assert!(
        error.to_string().ends_with("is of dtype I32, not F32"),
        "{error}"
    );
}

#[test]
fn what_is_told_must_fit() {
    let bytes = tensors(&good());
    let with = |change: &dyn Fn(&mut Import)| {
        let mut told = told();
        change(&mut told);
        refused(&told, &bytes).to_string()
    };
    for (message, change) in [
        (
            "layers must be given: the file has weights alone",
            &(|it: &mut Import| it.layers = None) as &dyn Fn(&mut Import),
        ),
        (
            "features must name the columns that the network takes",
            &|it| it.features = None,
        ),
        ("features must name at least one column", &|it| {
            it.features = Some(vec![])
        }),
        ("two features are named \"a\"", &|it| {
            it.features = Some(vec!["a".into(), "a".into()])
        }),
        ("\"b\" is a feature and the target", &|it| {
            it.target = Some("b".into())
        }),
        ("unknown column \"d\"", &|it| {
            it.columns = Some(json!({"d": {}}))
        }),
        ("columns must be a JSON object", &|it| {
            it.columns = Some(json!([]))
        }),
        (
            "column \"a\" needs mean and std, or min and max, or neither",
            &|it| it.columns = Some(json!({"a": {"mean": 1}})),
        ),
        (
            "column \"a\" is divided by 0, which must be above 0",
            &|it| it.columns = Some(json!({"a": {"mean": 1, "std": 0}})),
        ),
        ("column \"a\" has lists of 2 and 3 numbers", &|it| {
            it.columns = Some(json!({"a": {"mean": [1, 2], "std": [1, 2, 3]}}))
        }),
        ("column \"a\" has lists of 3 and 2 numbers", &|it| {
            it.columns = Some(json!({"a": {"min": [1, 2, 3], "max": [4, 5]}}))
        }),
        (
            "column \"a\" has the length 2 and lists of 3 numbers",
            &|it| it.columns = Some(json!({"a": {"length": 2, "mean": [1, 2, 3], "std": 1}})),
        ),
        (
            "column \"target\" has the length 1 and lists of 2 numbers",
            &|it| it.columns = Some(json!({"target": {"length": 1, "mean": [1, 2], "std": 1}})),
        ),
        (
            "the last layer must have 3 units for 3 classes, not 1",
            &|it| it.classes = Some(vec!["x".into(), "y".into(), "z".into()]),
        ),
        ("target \"target\" has labels that cannot be", &|it| {
            it.classes = Some(vec!["x".into(), "x".into()])
        }),
        (
            "column \"target\" has 2 numbers, the network answers 1",
            &|it| it.columns = Some(json!({"target": {"mean": [1, 2], "std": 1}})),
        ),
        (
            "target \"target\" has a mean and std, which loss poisson does not allow",
            &|it| {
                it.loss = Some("poisson".into());
                it.columns = Some(json!({"target": {"mean": 0, "std": 2}}));
            },
        ),
        (
            "target \"target\" has a mean and std, which loss mape does not allow",
            &|it| {
                it.loss = Some("mape".into());
                it.columns = Some(json!({"target": {"mean": 1, "std": 2}}));
            },
        ),
    ] {
        assert_eq!(with(change), message);
    }
    let mut stated = told();
    stated.layers = Some(
        json!([{"class_name": "InputLayer", "config": {"batch_shape": [null, 4]}},
                                {"class_name": "Dense", "config": {"units": 1}}]),
    );
    assert_eq!(
        refused(&stated, &bytes).to_string(),
        "the network takes 4 inputs, the features give 3"
    );
}

#[test]
fn columns_become_the_inputs_that_they_are_told_to() -> Result<()> {
    // The network answers its inputs: a, b scaled, c[1], c[2], and whether d is x or y.
    let names = ["a", "b", "c", "d"].map(str::to_owned);
    let told = Import {
        layers: Some(
            json!([{"class_name": "Dense", "config": {"units": 6, "use_bias": false, "name": "one"}}]),
        ),
        features: Some(names.to_vec()),
        columns: Some(json!({
            "a": {"mean": 10, "std": 4, "null": 2}, "b": {"min": -1, "max": 3},
            "c": {"mean": [1, 2], "std": 2}, "d": {"categories": ["x", "y"]},
            "target": {"mean": [0, 0, 0, 0, 0, 100], "std": 1},
        })),
        ..Import::default()
    };
    let identity: Vec<f32> = (0..36).map(|i| f32::from(u8::from(i % 7 == 0))).collect();
    let file = read(&told, &tensors(&[("one/kernel", &[6, 6], &identity)]))?;
    let scorer = Scorer::new(&file, &mut NoCallback)?;
    let (mut scratch, mut out) = (scorer.scratch()?, Vec::new());
    let vector = |numbers| crate::Value::Vector(crate::Vector::Double(numbers));
    use crate::Value::{Null, Number, Text};
    for (row, wanted) in [
        (
            [Number(14.0), Number(1.0), vector(&[3.0, 2.0]), Text("y")],
            [1.0, 0.5, 1.0, 0.0, 0.0, 101.0],
        ),
        (
            [Null, Number(-1.0), vector(&[1.0, 0.0]), Text("new")],
            [-2.0, 0.0, 0.0, -1.0, 0.0, 100.0],
        ),
        (
            [Null, Number(3.0), vector(&[1.0, 2.0]), Null],
            [-2.0, 1.0, 0.0, 0.0, 0.0, 100.0],
        ),
    ] {
        scorer.predict_values(row, &mut scratch, &mut out)?;
        assert_eq!(out, wanted);
    }
    let null = scorer.predict_values([Number(1.0), Null, Null, Null], &mut scratch, &mut out);
    assert_eq!(null.expect_err("refused").kind(), ErrorKind::NullNotAllowed);
    Ok(())
}

#[test]
fn nothing_large_is_taken_for_words() {
    let with = |change: &dyn Fn(&mut Import)| {
        let mut told = told();
        change(&mut told);
        let error = read(&told, &tensors(&good())).expect_err("refused");
        (error.kind(), error.to_string())
    };
    assert_eq!(
        with(&|it| it.columns = Some(json!({"a": {"length": 1 << 24}}))),
        (
            ErrorKind::OutOfMemory,
            "column \"a\" of 16777216 numbers needs 1024 MB of memory, more than the limit of 64 MB".to_owned()
        )
    );
    assert_eq!(
        with(&|it| it.layers = Some(json!([{"class_name": "Dense", "config": {"units": 1 << 24}}]))),
        (
            ErrorKind::InvalidParameter,
            format!(
                "the layers need 268435456 bytes of weights, the file has {} in all",
                tensors(&good()).len()
            )
        )
    );
}

#[test]
fn a_model_file_says_all_of_it() -> Result<()> {
    let bytes = read(&told(), &tensors(&good()))?.to_bytes(&mut NoCallback)?;
    let again = read(&Import::default(), &bytes)?;
    assert!(again.to_bytes(&mut NoCallback)? == bytes);
    assert_eq!(
        refused(&told(), &bytes).to_string(),
        "a model file of tablenet has its own layers"
    );
    let mut damaged = bytes;
    *damaged.last_mut().expect("bytes") ^= 1;
    let error = refused(&Import::default(), &damaged);
    assert_eq!(error.to_string(), "the file is no intact model file");
    Ok(())
}

#[test]
fn any_bytes_changed_give_an_error_or_a_model() {
    let bytes = tensors(&good());
    let mut random = Random::new(7, 7);
    for _ in 0..20_000 {
        let mut changed = bytes.clone();
        for _ in 0..1 + random.next() % 3 {
            let place = random.next() as usize % changed.len();
            changed[place] = random.next() as u8;
        }
        changed.truncate(
            changed.len() - (random.next() % 4) as usize / 3 * (random.next() as usize % 40),
        );
        if let Err(error) = read(&told(), &changed) {
            let kind = error.kind();
            assert!(
                matches!(kind, ErrorKind::InvalidParameter | ErrorKind::NotFinite),
                "{kind:?} {error}"
            );
        }
    }
}

#[test]
fn a_cancel_stops_it() {
    let error = told().read(&tensors(&good()), LIMIT, LIMIT, &mut CancelAt { left: 1 });
    assert_eq!(error.expect_err("cancelled").kind(), ErrorKind::Foreign);
}
