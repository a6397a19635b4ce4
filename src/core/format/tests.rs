//! The model file: what is written, and that hostile bytes are refused without a panic.

use super::*;
use crate::fixture::{CancelAt, NoCallback, column, quick, train};
use crate::random::Random;
use crate::{
    Activation, Column, ColumnType, Dense, ErrorKind, Layer, Scorer, Sequential, TrainOptions,
    Trained, Value,
};
use serde_json::Value as Json;

const LIMIT: u64 = 64 << 20;

/// A small model of every kind of column, with awkward names.
fn small() -> Result<Trained> {
    let columns: Vec<Column> = vec![
        column("a number", ColumnType::Number),
        column("it's \"so\"", ColumnType::Boolean),
        column("größe\n", ColumnType::Category),
        column("y", ColumnType::Category),
    ];
    let sizes = ["S", "M", "L", "\u{1}"];
    let rows: Vec<Vec<Value<'_>>> = (0..60_usize)
        .map(|row| {
            let number = if row % 7 == 3 {
                Value::Null
            } else {
                Value::Number(row as f64 * 0.1)
            };
            vec![
                number,
                Value::Boolean(row % 3 == 0),
                Value::Text(sizes[row % 4]),
                Value::Text(["no", "yes"][row % 2]),
            ]
        })
        .collect();
    let layers = Sequential::new(vec![
        Layer::Dense(Dense::new(3, Activation::Relu)),
        Layer::Dense(Dense::new(1, Activation::Sigmoid)),
    ]);
    train(
        columns,
        TrainOptions {
            layers: Some(layers),
            ..quick()
        },
        &rows,
    )
}

fn small_bytes() -> Result<Vec<u8>> {
    small()?.file.to_bytes(&mut NoCallback)
}

fn read(bytes: &[u8]) -> Result<ModelFile> {
    ModelFile::from_bytes(bytes, LIMIT, &mut NoCallback)
}

/// Splits a file into its header and its weights.
fn parts(bytes: &[u8]) -> (Json, Vec<u8>) {
    let length = u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes")) as usize;
    (
        serde_json::from_slice(&bytes[8..8 + length]).expect("JSON"),
        bytes[8 + length..].to_vec(),
    )
}

/// A file whose header is `header`.
fn joined(header: &str, data: &[u8]) -> Vec<u8> {
    let mut header = header.as_bytes().to_vec();
    header.resize(header.len().next_multiple_of(8), b' ');
    [&(header.len() as u64).to_le_bytes(), &header[..], data].concat()
}

/// A file whose document was changed by `change`, everything else kept.
fn changed(change: impl Fn(&mut Json)) -> Result<Vec<u8>> {
    let (mut header, data) = parts(&small_bytes()?);
    let text = header["__metadata__"]["tablenet"]
        .as_str()
        .expect("text")
        .to_owned();
    let mut document: Json = serde_json::from_str(&text).expect("JSON");
    change(&mut document);
    header["__metadata__"]["tablenet"] = Json::String(crate::canonical::canonical(&document));
    Ok(joined(&crate::canonical::canonical(&header), &data))
}

fn damage(bytes: &[u8]) -> String {
    let error = read(bytes).expect_err("refused");
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (ErrorKind::Damaged, "model data is damaged")
    );
    error.detail_text().expect("a detail").to_owned()
}

#[test]
fn what_is_written_is_read_again() -> Result<()> {
    let trained = small()?;
    let bytes = trained.file.to_bytes(&mut NoCallback)?;
    let file = read(&bytes)?;
    assert_eq!(file.features(), trained.file.features());
    assert_eq!(file.labels(), ["no", "yes"]);
    assert_eq!(file.model().weights(), trained.file.model().weights());
    assert!(file.to_bytes(&mut NoCallback)? == bytes);
    let (one, two) = (
        Scorer::new(&trained.file, &mut NoCallback)?,
        Scorer::new(&file, &mut NoCallback)?,
    );
    let row = [Value::Number(2.5), Value::Null, Value::Text("M")];
    let scores = |scorer: &Scorer| scorer.predict(&row, &mut scorer.scratch()?);
    assert_eq!(scores(&one)?.to_bits(), scores(&two)?.to_bits());
    Ok(())
}

#[test]
fn any_safetensors_reader_opens_it() -> Result<()> {
    let trained = small()?;
    let bytes = trained.file.to_bytes(&mut NoCallback)?;
    let tensors = safetensors::SafeTensors::deserialize(&bytes).expect("a safetensors file");
    let kernel = tensors.tensor("dense/kernel").expect("the first kernel");
    // 2 inputs of the number, 1 of the boolean, 4 of the category.
    assert_eq!(
        (kernel.shape(), kernel.dtype()),
        (&[7, 3][..], safetensors::Dtype::F32)
    );
    let first = f32::from_le_bytes(kernel.data()[..4].try_into().expect("four bytes"));
    assert_eq!(first, trained.file.model().weights()[0]);
    assert_eq!(tensors.len(), 4);
    let (_, metadata) = safetensors::SafeTensors::read_metadata(&bytes).expect("a header");
    let metadata = metadata.metadata().as_ref().expect("metadata");
    assert_eq!(metadata.keys().collect::<Vec<_>>(), ["tablenet"]);
    Ok(())
}

#[test]
fn a_flipped_bit_is_refused() -> Result<()> {
    let bytes = small_bytes()?;
    for place in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[place] ^= 1 << (place % 8);
        assert!(read(&flipped).is_err(), "byte {place}");
    }
    Ok(())
}

#[test]
fn every_truncation_is_refused() -> Result<()> {
    let mut bytes = small_bytes()?;
    for length in 0..bytes.len() {
        damage(&bytes[..length]);
    }
    bytes.push(0);
    damage(&bytes);
    Ok(())
}

#[test]
fn random_mutations_are_refused() -> Result<()> {
    let bytes = small_bytes()?;
    let mut random = Random::new(1, 1);
    let place = |random: &mut Random, length: usize| random.below(length as u64) as usize;
    for _ in 0..20_000 {
        let mut mutated = bytes.clone();
        for _ in 0..=random.below(4) {
            let at = place(&mut random, mutated.len());
            match random.below(6) {
                0 => mutated[at] = random.next() as u8,
                1 => mutated.insert(at, b"0123456789-.e[]{}\",:\\u"[place(&mut random, 22)]),
                2 => drop(mutated.remove(at)),
                3 => {
                    let end = (at + 1 + place(&mut random, 40)).min(mutated.len());
                    let copy = mutated[at..end].to_vec();
                    let to = place(&mut random, mutated.len());
                    mutated.splice(to..to, copy);
                }
                4 => mutated[at] = b"0123456789-.e[]{}\",:"[place(&mut random, 20)],
                _ => mutated[..8].copy_from_slice(&random.next().to_le_bytes()[..8]),
            }
        }
        assert!(mutated == bytes || read(&mutated).is_err());
    }
    Ok(())
}

/// Changes the units of the first Dense layer.
fn units(document: &mut Json, units: Json) {
    let layers = document["model"]["config"]["layers"]
        .as_array_mut()
        .expect("layers");
    let dense = layers
        .iter_mut()
        .find(|layer| layer["class_name"] == "Dense")
        .expect("a Dense layer");
    dense["config"]["units"] = units;
}

#[test]
fn contents_that_do_not_fit_are_named() -> Result<()> {
    type Change = fn(&mut Json);
    let cases: [(Change, &str); 20] = [
        (|document| document["format"] = 0.into(), "its format is 0"),
        (|document| document["extra"] = 1.into(), "unknown field"),
        (
            |document| document["preprocessing"]["features"] = serde_json::json!([]),
            "there are no features",
        ),
        (
            |document| {
                document["preprocessing"]["features"][0]["encoding"]["number"]["divisor"] = 0.into()
            },
            "divisor",
        ),
        (
            |document| {
                document["preprocessing"]["features"][0]["encoding"]["number"]["center"] =
                    1e308.into()
            },
            "value for NULL",
        ),
        (
            |document| document["preprocessing"]["features"][0]["type"] = "boolean".into(),
            "does not fit its type",
        ),
        (
            |document| document["preprocessing"]["features"][1]["name"] = "a number".into(),
            "two features are named",
        ),
        (
            |document| {
                document["preprocessing"]["features"][2]["encoding"]["one_hot"]["categories"][1] =
                    "L2".into()
            },
            "digest",
        ),
        (
            |document| {
                document["preprocessing"]["features"][2]["encoding"]["one_hot"]["categories"] =
                    serde_json::json!(["a", "a"])
            },
            "twice",
        ),
        (
            |document| document["target"]["kind"]["classes"]["labels"] = serde_json::json!(["a"]),
            "labels",
        ),
        (
            |document| document["target"]["columns"][0]["type"] = "number".into(),
            "labels",
        ),
        (
            |document| document["loss"] = serde_json::json!({"msse": {}}),
            "loss",
        ),
        (
            |document| document["optimizer"] = serde_json::json!(["adam"]),
            "",
        ),
        (|document| document["model"] = Json::Null, ""),
        (
            |document| document["model"]["config"]["layers"] = serde_json::json!([]),
            "",
        ),
        (|document| units(document, 0.into()), "units"),
        (|document| units(document, (-1).into()), "units"),
        (|document| units(document, (1_u64 << 40).into()), ""),
        (|document| units(document, u64::MAX.into()), ""),
        (|document| units(document, 4.into()), "bytes of weights"),
    ];
    for (place, (change, expected)) in cases.iter().enumerate() {
        let bytes = changed(change)?;
        let detail = damage(&bytes);
        assert!(detail.contains(expected), "case {place}: {detail}");
    }
    Ok(())
}

#[test]
fn a_later_format_is_not_damage() -> Result<()> {
    let error = read(&changed(|document| document["format"] = 2.into())?).expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::NotSupported);
    assert_eq!(
        error.to_string(),
        "model format 2 is newer than this release reads"
    );
    Ok(())
}

#[test]
fn tensors_must_be_those_of_the_network() -> Result<()> {
    let bytes = small_bytes()?;
    let (header, data) = parts(&bytes);
    let with = |change: &dyn Fn(&mut Json)| {
        let mut header = header.clone();
        change(&mut header);
        damage(&joined(&crate::canonical::canonical(&header), &data))
    };
    with(&|header| {
        drop(
            header
                .as_object_mut()
                .map(|entries| entries.remove("dense/bias")),
        )
    });
    with(&|header| header["other/kernel"] = header["dense/kernel"].clone());
    with(&|header| header["dense/kernel"]["shape"] = serde_json::json!([3, 7]));
    with(&|header| header["dense/kernel"]["dtype"] = "I32".into());
    with(&|header| header["dense/kernel"]["data_offsets"] = serde_json::json!([0, u64::MAX]));
    let text = crate::canonical::canonical(&header);
    let doubled = text.replacen(
        '{',
        "{\"dense/bias\":{\"data_offsets\":[0,0],\"dtype\":\"F32\",\"shape\":[0]},",
        1,
    );
    damage(&joined(&doubled, &data));
    let doubled = text.replacen(
        "\\\"features\\\":",
        "\\\"features\\\":[],\\\"features\\\":",
        1,
    );
    assert_ne!(doubled, text);
    damage(&joined(&doubled, &data));
    let spaced = text.replacen("\\\"format\\\":1", "\\\"format\\\": 1", 1);
    assert_ne!(spaced, text);
    damage(&joined(&spaced, &data));
    Ok(())
}

#[test]
fn weights_must_be_finite_even_with_a_right_digest() -> Result<()> {
    use sha2::Digest;
    let (header, mut data) = parts(&small_bytes()?);
    data[..4].copy_from_slice(&f32::NAN.to_le_bytes());
    let text = header["__metadata__"]["tablenet"].as_str().expect("text");
    let mut document: Json = serde_json::from_str(text).expect("JSON");
    let old = document["sha256"].take();
    document
        .as_object_mut()
        .map(|entries| entries.remove("sha256"));
    let mut hash = sha2::Sha256::new();
    hash.update(crate::canonical::canonical(&document));
    hash.update(&data);
    let digest = super::write::hexadecimal(hash);
    let text = crate::canonical::canonical(&header).replace(old.as_str().expect("digest"), &digest);
    let detail = damage(&joined(&text, &data));
    assert!(!detail.contains("digest"), "{detail}");
    Ok(())
}

#[test]
fn deep_and_long_headers_are_refused() {
    damage(&joined(&"[".repeat(1_000_000), &[]));
    damage(&joined(&"{\"a\":".repeat(100_000), &[]));
    damage(&[0xff; 64]);
    damage(&[&u64::MAX.to_le_bytes()[..], &[0; 100]].concat());
    damage(&[&100_000_001_u64.to_le_bytes()[..], &[0; 100]].concat());
    damage(&joined("", &[]));
    damage(&joined("{\"__metadata__\":{}}", &[]));
    damage(&joined("{\"__metadata__\":{\"tablenet\":\"{}\"}}", &[]));
}

#[test]
fn a_memory_limit_is_kept() -> Result<()> {
    let bytes = small_bytes()?;
    for limit in [0, 1000, bytes.len() as u64] {
        let error = ModelFile::from_bytes(&bytes, limit, &mut NoCallback).expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::OutOfMemory, "{limit}");
    }
    Ok(())
}

#[test]
fn writing_and_reading_can_be_cancelled() -> Result<()> {
    let file = small()?.file;
    let bytes = file.to_bytes(&mut NoCallback)?;
    assert_eq!(
        file.to_bytes(&mut CancelAt { left: 1 })
            .expect_err("cancelled")
            .kind(),
        ErrorKind::Foreign
    );
    let read = |left| {
        ModelFile::from_bytes(&bytes, LIMIT, &mut CancelAt { left })
            .err()
            .map(|error| error.kind())
    };
    let stopped: Vec<ErrorKind> = (0..).map_while(read).collect();
    assert!(stopped.len() > 2, "{stopped:?}");
    assert!(stopped.iter().all(|kind| *kind == ErrorKind::Foreign));
    Ok(())
}
