//! Every encoding, of stored rows and of values: the same inputs, and the same answers of a network behind them.

mod network;
mod time;

use super::*;
use crate::encoder::codes::Codes;
use crate::encoder::{
    CategoryNull, Code, Difference, Null, Number, Part, Profile, RecordEncoder, Scale, Unseen,
    Vocabulary, bucket,
};
use crate::fixture::NoCallback;
use crate::record::{Field, FieldKind, NULL_BOOLEAN};
use crate::{ColumnType, ErrorKind, Loss, Optimizer, Plan, Sequential, Task, Vector};

const NUMBER: Number = Number {
    scale: Scale::Standard,
    clip: None,
    center: 3.0,
    divisor: 2.0,
    null: Null::Value(5.0),
    missing: false,
};

fn feature(name: &str, column_type: ColumnType, encoding: Encoding) -> Feature {
    Feature {
        name: name.into(),
        column_type,
        encoding,
        profile: Profile::default(),
        unnamed: false,
    }
}

fn vocabulary(other: bool, missing: bool, unseen: Unseen, null: CategoryNull) -> Vocabulary {
    Vocabulary {
        categories: ["a", "b", "c"].map(String::from).to_vec(),
        other,
        missing,
        unseen,
        null,
    }
}

/// What the codes 1 to 5 of a stored category mean; 0 is NULL.
fn codes() -> Codes {
    let category = Code::Category;
    Codes::of(vec![
        Code::Unseen,
        category(1),
        category(0),
        Code::Other,
        Code::Unseen,
        category(2),
    ])
}

/// The code of a text.
fn code(text: &str) -> u32 {
    match text {
        "b" => 1,
        "a" => 2,
        "rare" => 3,
        "c" => 5,
        _ => 4,
    }
}

fn one(feature: Feature) -> Preprocessing {
    Preprocessing {
        features: vec![feature],
        differences: Vec::new(),
    }
}

/// The fields of `preprocessing` side by side, and the bytes of a row.
fn fields(preprocessing: &Preprocessing) -> (Vec<Field>, usize) {
    let mut offset = 0;
    let mut field = |kind: FieldKind, count: usize| {
        let field = Field { offset, kind };
        offset += kind.bytes() * count;
        field
    };
    let mut fields: Vec<Field> = Vec::new();
    for feature in &preprocessing.features {
        fields.push(match &feature.encoding {
            Encoding::Boolean { .. } => field(FieldKind::Boolean, 1),
            Encoding::Number(_) | Encoding::Calendar { .. } => field(FieldKind::Double, 1),
            Encoding::Vector { elements, .. } => field(FieldKind::Single, elements.len()),
            _ => field(FieldKind::Category, 1),
        });
    }
    let differences = preprocessing.differences.iter();
    fields.extend(differences.map(|_| field(FieldKind::Double, 1)));
    (fields, offset)
}

/// `row` as it is stored.
fn stored(preprocessing: &Preprocessing, row: &[Value<'_>]) -> Vec<u8> {
    let (fields, bytes) = fields(preprocessing);
    let mut record = vec![0; bytes];
    let number = |value: &Value<'_>| match value {
        Value::Number(number) => *number,
        _ => f64::NAN,
    };
    for ((feature, field), value) in preprocessing.features.iter().zip(&fields).zip(row) {
        match (&feature.encoding, value) {
            (Encoding::Boolean { .. }, Value::Boolean(it)) => {
                field.write_word(&mut record, u32::from(*it));
            }
            (Encoding::Boolean { .. }, _) => field.write_word(&mut record, NULL_BOOLEAN),
            (Encoding::Vector { elements, .. }, value) => {
                for place in 0..elements.len() {
                    let offset = field.offset + 4 * place;
                    let number = match value {
                        Value::Vector(vector) => vector.get(place).expect("as long"),
                        _ => f64::NAN,
                    };
                    Field { offset, ..*field }.write_number(&mut record, number);
                }
            }
            (Encoding::Hash { buckets, .. }, Value::Text(text)) => {
                field.write_word(&mut record, bucket(text, *buckets) + 1);
            }
            (_, Value::Text(text)) => field.write_word(&mut record, code(text)),
            (Encoding::Number(_) | Encoding::Calendar { .. }, value) => {
                field.write_number(&mut record, number(value));
            }
            _ => {}
        }
    }
    let differences = preprocessing.differences.iter();
    for (difference, field) in differences.zip(&fields[preprocessing.features.len()..]) {
        let seconds = number(&row[difference.to]) - number(&row[difference.from]);
        field.write_number(&mut record, seconds);
    }
    record
}

fn record_encoder(preprocessing: &Preprocessing) -> RecordEncoder {
    let (fields, _) = fields(preprocessing);
    let codes = preprocessing.features.iter().map(|_| codes()).collect();
    RecordEncoder::new(preprocessing, &fields, codes)
}

/// The inputs of a stored row, or why it has none.
fn batched(preprocessing: &Preprocessing, row: &[Value<'_>]) -> Result<Vec<f32>> {
    let encoder = record_encoder(preprocessing);
    let record = stored(preprocessing, row);
    let mut x = vec![0.0; encoder.width()];
    assert_eq!(encoder.width(), preprocessing.width());
    encoder.encode(&record, &mut x);
    if x.iter().all(|x| x.is_finite()) {
        Ok(x)
    } else {
        Err(encoder.overflow(&record, &x))
    }
}

/// The inputs of a scored row, those that are 0 too.
fn scored(preprocessing: &Preprocessing, row: &[Value<'_>]) -> Result<Vec<f32>> {
    let rows = (0..preprocessing.width() as u32).map(Some).collect();
    let tables = Vec::new();
    let encoder = RowEncoder::new(preprocessing.clone(), Places { rows, tables })?;
    let mut entries = Entries::new(encoder.most())?;
    let mut instants = vec![0.0; encoder.instants()];
    encoder.encode(row.iter(), &mut entries, &mut instants)?;
    let mut x = vec![0.0; preprocessing.width()];
    for entry in entries.all() {
        x[entry.row as usize] = entry.x;
    }
    assert!(entries.all().is_sorted_by_key(|entry| entry.row));
    Ok(x)
}

/// Checks the inputs of values of one feature, both ways, and its names.
fn check_both_ways(feature: Feature, names: &[&str], cases: &[(Value<'_>, &[f32])]) -> Result<()> {
    let preprocessing = one(feature);
    preprocessing.check().expect("consistent");
    assert_eq!(preprocessing.input_names(), names);
    for (value, expected) in cases {
        assert_eq!(batched(&preprocessing, &[*value])?, *expected, "{value:?}");
        assert_eq!(scored(&preprocessing, &[*value])?, *expected, "{value:?}");
    }
    Ok(())
}

/// Checks that a value is refused both ways.
fn check_refused(feature: Feature, value: Value<'_>, kind: ErrorKind, message: &str) {
    let preprocessing = one(feature);
    preprocessing.check().expect("consistent");
    let stored = batched(&preprocessing, &[value]).expect_err("refused");
    assert_eq!(stored.kind(), kind, "{stored}");
    let error = scored(&preprocessing, &[value]).expect_err("refused");
    assert_eq!((error.kind(), error.to_string().as_str()), (kind, message));
    assert!(error.hint_text().is_some());
}

fn text(text: &str) -> Value<'_> {
    Value::Text(text)
}

/// Two points in time with a difference, between other columns.
fn two_dates() -> Preprocessing {
    let date = |name| {
        let epoch = Number {
            divisor: 1e9,
            ..NUMBER
        };
        let parts = vec![Part::Weekday];
        feature(name, ColumnType::Date, Encoding::Calendar { parts, epoch })
    };
    let difference = Difference {
        name: "to - from".into(),
        from: 2,
        to: 0,
        number: Number {
            null: Null::Value(7.0),
            missing: true,
            ..NUMBER
        },
        profile: Profile::default(),
    };
    Preprocessing {
        features: vec![
            date("to"),
            feature("x", ColumnType::Number, Encoding::Number(NUMBER)),
            date("from"),
        ],
        differences: vec![difference],
    }
}

#[test]
fn numbers_are_clipped_and_logarithms_taken_before_they_are_scaled() -> Result<()> {
    let number = |number| feature("x", ColumnType::Number, Encoding::Number(number));
    let clipped = Number {
        clip: Some([1.0, 7.0]),
        null: Null::Value(9.0),
        missing: true,
        ..NUMBER
    };
    let cases: [(Value<'_>, &[f32]); 4] = [
        (Value::Number(-100.0), &[-1.0, 0.0]),
        (Value::Number(4.0), &[0.5, 0.0]),
        (Value::Number(1e300), &[2.0, 0.0]),
        (Value::Null, &[2.0, 1.0]),
    ];
    check_both_ways(number(clipped), &["x", "x is missing"], &cases)?;
    // python3 -c "import numpy as np; print(np.float32(np.log1p(3.0)), np.float32(np.log1p(5.0)))" -> 1.3862944 1.7917595
    let log = Number {
        scale: Scale::Log1p,
        center: 0.0,
        divisor: 1.0,
        ..NUMBER
    };
    let cases: [(Value<'_>, &[f32]); 4] = [
        (Value::Number(3.0), &[1.386_294_4]),
        (Value::Number(-3.0), &[-1.386_294_4]),
        (Value::Number(0.0), &[0.0]),
        (Value::Null, &[1.791_759_5]),
    ];
    check_both_ways(number(log), &["x"], &cases)?;
    let refused = Number {
        null: Null::Refused,
        ..NUMBER
    };
    let kind = ErrorKind::NullNotAllowed;
    check_refused(number(refused), Value::Null, kind, "column \"x\" is NULL");
    let message = "value 1e300 of column \"x\" is too far from the training values";
    check_refused(
        number(NUMBER),
        Value::Number(1e300),
        ErrorKind::NotFinite,
        message,
    );
    // A limit makes no number of an infinity.
    let error = scored(&one(number(clipped)), &[Value::Number(f64::INFINITY)]);
    assert_eq!(
        error.expect_err("refused").to_string(),
        "column \"x\" is Infinity"
    );
    Ok(())
}

#[test]
fn a_boolean_may_refuse_null() {
    let encoding = Encoding::Boolean {
        null: Null::Refused,
        missing: false,
    };
    let boolean = feature("b", ColumnType::Boolean, encoding);
    let kind = ErrorKind::NullNotAllowed;
    check_refused(boolean, Value::Null, kind, "column \"b\" is NULL");
}

#[test]
fn categories_have_places_for_others_the_unseen_and_null() -> Result<()> {
    let one_hot = |other, missing, unseen, null| {
        let vocabulary = vocabulary(other, missing, unseen, null);
        feature("c", ColumnType::Category, Encoding::OneHot(vocabulary))
    };
    let (missing, second) = (CategoryNull::Missing, CategoryNull::Category(1));
    let names = ["c = a", "c = b", "c = c", "c is other", "c is missing"];
    let cases: [(Value<'_>, &[f32]); 4] = [
        (text("a"), &[1.0, 0.0, 0.0, 0.0, 0.0]),
        (text("rare"), &[0.0, 0.0, 0.0, 1.0, 0.0]),
        (text("never"), &[0.0, 0.0, 0.0, 1.0, 0.0]),
        (Value::Null, &[0.0, 0.0, 0.0, 0.0, 1.0]),
    ];
    check_both_ways(one_hot(true, true, Unseen::Other, missing), &names, &cases)?;
    let cases: [(Value<'_>, &[f32]); 3] = [
        (text("never"), &[0.0, 0.0, 0.0, 1.0]),
        (text("c"), &[0.0, 0.0, 1.0, 0.0]),
        (Value::Null, &[0.0, 0.0, 0.0, 1.0]),
    ];
    let names = ["c = a", "c = b", "c = c", "c is missing"];
    check_both_ways(
        one_hot(false, true, Unseen::Missing, missing),
        &names,
        &cases,
    )?;
    let cases: [(Value<'_>, &[f32]); 2] = [
        (text("never"), &[0.0, 0.0, 0.0]),
        (Value::Null, &[0.0, 1.0, 0.0]),
    ];
    check_both_ways(
        one_hot(false, false, Unseen::Other, second),
        &names[..3],
        &cases,
    )?;
    let cases: [(Value<'_>, &[f32]); 2] = [
        (text("never"), &[0.0, 0.0, 0.0, 1.0]),
        (Value::Null, &[0.0, 0.0, 0.0, 1.0]),
    ];
    let names = ["c = a", "c = b", "c = c", "c is other"];
    check_both_ways(one_hot(true, false, Unseen::Other, missing), &names, &cases)?;

    let strict = one_hot(false, false, Unseen::Error, CategoryNull::Refused);
    let message = "column \"c\" has the value \"never\", which is none of the model's categories";
    check_refused(
        strict.clone(),
        text("never"),
        ErrorKind::InvalidParameter,
        message,
    );
    let kind = ErrorKind::NullNotAllowed;
    check_refused(strict, Value::Null, kind, "column \"c\" is NULL");
    Ok(())
}

#[test]
fn an_order_is_a_number() -> Result<()> {
    let ordinal = |number, unseen| {
        let order = ["a", "b", "c"].map(String::from).to_vec();
        let encoding = Encoding::Ordinal {
            order,
            number,
            unseen,
        };
        feature("c", ColumnType::Category, encoding)
    };
    let number = Number {
        center: 1.0,
        divisor: 0.5,
        null: Null::Value(0.5),
        missing: true,
        ..NUMBER
    };
    let cases: [(Value<'_>, &[f32]); 4] = [
        (text("a"), &[-2.0, 0.0]),
        (text("c"), &[2.0, 0.0]),
        (text("never"), &[-1.0, 0.0]),
        (Value::Null, &[-1.0, 1.0]),
    ];
    let names = ["c", "c is missing"];
    check_both_ways(ordinal(number, Unseen::Other), &names, &cases)?;
    let cases: [(Value<'_>, &[f32]); 1] = [(text("never"), &[-1.0, 1.0])];
    check_both_ways(ordinal(number, Unseen::Missing), &names, &cases)?;
    let message = "column \"c\" has the value \"never\", which is none of the model's categories";
    let kind = ErrorKind::InvalidParameter;
    check_refused(ordinal(number, Unseen::Error), text("never"), kind, message);
    Ok(())
}

#[test]
fn hashed_texts_fall_into_the_same_bucket_everywhere() -> Result<()> {
    // A Python program of four lines (FNV-1a of 64 bits, MurmurHash3's finish, times 1024 by 2^64) gave these.
    let buckets = ["", "a", "Berlin", "M\u{fc}nchen"].map(|text| bucket(text, 1024));
    assert_eq!(buckets, [959, 522, 1021, 881]);
    let hash = |null, missing| {
        let encoding = Encoding::Hash {
            buckets: 4,
            dim: None,
            null,
            missing,
        };
        feature("c", ColumnType::Category, encoding)
    };
    let mut berlin = [0.0; 5];
    berlin[bucket("Berlin", 4) as usize] = 1.0;
    let cases: [(Value<'_>, &[f32]); 2] = [
        (text("Berlin"), &berlin),
        (Value::Null, &[0.0, 0.0, 0.0, 0.0, 1.0]),
    ];
    let names = [
        "c in bucket 0",
        "c in bucket 1",
        "c in bucket 2",
        "c in bucket 3",
        "c is missing",
    ];
    check_both_ways(hash(CategoryNull::Missing, true), &names, &cases)?;
    let cases: [(Value<'_>, &[f32]); 2] =
        [(text("Berlin"), &berlin[..4]), (Value::Null, &[0.0; 4])];
    check_both_ways(hash(CategoryNull::Missing, false), &names[..4], &cases)?;
    let refused = hash(CategoryNull::Refused, false);
    let kind = ErrorKind::NullNotAllowed;
    check_refused(refused, Value::Null, kind, "column \"c\" is NULL");
    Ok(())
}

#[test]
fn vectors_are_numbers_side_by_side() -> Result<()> {
    let vector = |element: Number, missing| {
        let elements = vec![
            element,
            Number {
                center: 1.0,
                divisor: 1.0,
                ..element
            },
        ];
        feature(
            "v",
            ColumnType::Vector,
            Encoding::Vector { elements, missing },
        )
    };
    let cases: [(Value<'_>, &[f32]); 3] = [
        (Value::Vector(Vector::Single(&[3.0, 2.5])), &[0.0, 1.5, 0.0]),
        (
            Value::Vector(Vector::Double(&[5.0, 0.0])),
            &[1.0, -1.0, 0.0],
        ),
        (Value::Null, &[1.0, 4.0, 1.0]),
    ];
    check_both_ways(
        vector(NUMBER, true),
        &["v[1]", "v[2]", "v is missing"],
        &cases,
    )?;
    let clipped = Number {
        clip: Some([0.0, 4.0]),
        ..NUMBER
    };
    let cases: [(Value<'_>, &[f32]); 1] =
        [(Value::Vector(Vector::Double(&[9.0, -9.0])), &[0.5, -1.0])];
    check_both_ways(vector(clipped, false), &["v[1]", "v[2]"], &cases)?;
    let preprocessing = one(vector(clipped, false));
    let error = |vector| scored(&preprocessing, &[Value::Vector(vector)]).expect_err("refused");
    let short = error(Vector::Double(&[1.0]));
    assert_eq!(
        (short.kind(), short.to_string().as_str()),
        (
            ErrorKind::TypeMismatch,
            "column \"v\" must have 2 elements, not 1"
        )
    );
    assert_eq!(
        error(Vector::Single(&[1.0, f32::NAN])).to_string(),
        "column \"v\" is NaN"
    );
    Ok(())
}
