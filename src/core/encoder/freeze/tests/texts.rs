//! What the options make of texts.

use super::{NULL, Number, Text, encoding, inputs, one};
use crate::encoder::fixture::{Learned, learn};
use crate::encoder::{CategoryNull, Encoding, Unseen, Vocabulary};
use crate::fixture::column;
use crate::{ColumnType, ErrorKind, Result};

fn vocabulary(learned: &Learned) -> &Vocabulary {
    match encoding(learned) {
        Encoding::OneHot(vocabulary) | Encoding::Embedding { vocabulary, .. } => vocabulary,
        other => panic!("{other:?}"),
    }
}

#[test]
fn rare_categories_are_others() -> Result<()> {
    let texts = ["a", "b", "a", "c", "b", "a"].map(Text);
    let learned = one(ColumnType::Category, "\"max_categories\": 2", &texts)?;
    assert_eq!(vocabulary(&learned).categories, ["a", "b"]);
    assert!(vocabulary(&learned).other);
    assert_eq!(inputs(&learned)[3], [0.0, 0.0, 1.0]);
    let names: Vec<String> = (0..33).map(|i| format!("{i}")).collect();
    let twice: Vec<_> = names.iter().chain(&names).map(|name| Text(name)).collect();
    let learned = one(ColumnType::Category, "", &twice)?;
    assert!(
        matches!(encoding(&learned), Encoding::Embedding { dim: 5, .. }),
        "2 * 33^0.25 = 4.8"
    );
    let once: Vec<_> = names.iter().map(|name| Text(name)).collect();
    let learned = one(ColumnType::Category, "", &once)?;
    assert!(vocabulary(&learned).categories.is_empty() && vocabulary(&learned).other);
    assert_eq!(learned.notices.len(), 1);
    Ok(())
}

#[test]
fn null_among_categories() -> Result<()> {
    let texts = [Text("b"), Text("c"), NULL, Text("b")];
    for (said, null, width, input) in [
        ("", CategoryNull::Missing, 3, vec![0.0, 0.0, 1.0]),
        (
            "\"indicator\": false",
            CategoryNull::Missing,
            2,
            vec![0.0, 0.0],
        ),
        (
            "\"impute\": \"mode\"",
            CategoryNull::Category(0),
            2,
            vec![1.0, 0.0],
        ),
        (
            "\"impute\": {\"constant\": \"c\"}",
            CategoryNull::Category(1),
            2,
            vec![0.0, 1.0],
        ),
        (
            "\"impute\": {\"constant\": \"a\"}",
            CategoryNull::Category(0),
            3,
            vec![1.0, 0.0, 0.0],
        ),
    ] {
        let learned = one(ColumnType::Category, said, &texts)?;
        assert_eq!(vocabulary(&learned).null, null, "{said}");
        assert_eq!(learned.encoder.width(), width, "{said}");
        assert_eq!(inputs(&learned)[2], input, "{said}");
        let b = usize::from(said.contains("\"a\""));
        assert_eq!(inputs(&learned)[0][b], 1.0, "{said}");
        assert_eq!(learned.preprocessing.check(), Ok(()), "{said}");
    }
    Ok(())
}

#[test]
fn ordinals_are_positions_that_are_scaled() -> Result<()> {
    let texts = [Text("low"), Text("high"), NULL, Text("mid"), Text("mid")];
    let order = r#""encode": {"ordinal": {"order": ["low", "mid", "high"]}}, "scale": "none""#;
    let learned = one(ColumnType::Category, order, &texts)?;
    let expected = [[0.0, 0.0], [2.0, 0.0], [1.0, 1.0], [1.0, 0.0], [1.0, 0.0]];
    assert_eq!(inputs(&learned), expected);
    assert_eq!(learned.preprocessing.check(), Ok(()));
    let short = r#""encode": {"ordinal": {"order": ["low", "mid"]}}"#;
    let error = one(ColumnType::Category, short, &texts).expect_err("high has no position");
    assert_eq!(
        error.to_string(),
        "column \"x\" has the value \"high\", which is not in its order"
    );
    let learned = one(
        ColumnType::Category,
        &format!("{short}, \"on_unseen\": \"other\", \"scale\": \"none\", \"impute\": \"mode\""),
        &texts,
    )?;
    assert_eq!(inputs(&learned)[1], [1.0, 0.0]);
    let said = format!("{order}, \"impute\": \"error\"");
    let learned = one(ColumnType::Category, &said, &texts[..2])?;
    assert!(
        matches!(
            encoding(&learned),
            Encoding::Ordinal {
                unseen: Unseen::Error,
                ..
            }
        ),
        "nothing stands for what was not seen"
    );
    assert_eq!(learned.preprocessing.check(), Ok(()));
    Ok(())
}

#[test]
fn quartiles_of_positions_count_a_mean_between_them() -> Result<()> {
    // np.quantile([0] * 5 + [1] * 5 + [0.5] * 10, [.25, .5, .75]) = 0.375, 0.5, 0.625
    let mut texts = [Text("a"), Text("b")].repeat(5);
    texts.extend([NULL; 10]);
    let said = r#""encode": "ordinal", "impute": "mean", "scale": "robust", "indicator": false"#;
    let learned = one(ColumnType::Category, said, &texts)?;
    let x = inputs(&learned);
    assert_eq!([x[0][0], x[1][0], x[10][0]], [-2.0, 2.0, 0.0]);
    Ok(())
}

#[test]
fn a_text_has_no_indicator_beside_a_category_that_stands_for_null() -> Result<()> {
    let texts = [Text("b"), NULL];
    for encode in ["auto", "hash"] {
        for impute in [r#"{"constant": "b"}"#, r#""error""#, r#""drop_row""#] {
            let said = format!(r#""impute": {impute}, "encode": "{encode}", "indicator": true"#);
            let error = one(ColumnType::Category, &said, &texts).expect_err(&said);
            assert_eq!(error.kind(), ErrorKind::InvalidParameter, "{said}");
        }
    }
    let said = r#""impute": "mode", "encode": "ordinal", "indicator": true"#;
    assert_eq!(one(ColumnType::Category, said, &texts)?.encoder.width(), 2);
    Ok(())
}

#[test]
fn a_constant_is_a_category_though_it_is_rare() -> Result<()> {
    let texts = ["a", "b", "a", "b", "c"].map(Text);
    let texts = [&texts[..], &[NULL]].concat();
    let said = r#""impute": {"constant": "c"}, "max_categories": 2"#;
    let learned = one(ColumnType::Category, said, &texts)?;
    let x = inputs(&learned);
    assert_eq!(x[4], x[5], "the text itself is that category too");
    Ok(())
}

#[test]
fn a_constant_of_a_pattern_passes_over_dates_that_it_is_none_of() -> Result<()> {
    let columns = [
        column("c", ColumnType::Category),
        column("d", ColumnType::Date),
    ];
    let rows = [[NULL, Number(0.0)], [Text("a"), Number(86_400.0)]].map(Vec::from);
    let said = r#"{"*": {"impute": {"constant": "unknown"}}}"#;
    let learned = learn(&columns, said, &rows, &[])?;
    assert_eq!(vocabulary(&learned).categories, ["a", "unknown"]);
    let said = said.replace('*', "d");
    let error = learn(&columns[1..], &said, &[vec![Number(0.0)]], &[]);
    let error = error.expect_err("no date").to_string();
    assert_eq!(error, "cannot read \"unknown\" as a date for feature \"d\"");
    Ok(())
}

#[test]
fn hashed_texts_need_no_table() -> Result<()> {
    let texts = [Text("a"), NULL, Text("b"), Text("a")];
    let learned = one(
        ColumnType::Category,
        r#""encode": {"hash": {"buckets": 4}}"#,
        &texts,
    )?;
    assert_eq!(learned.encoder.width(), 5);
    let x = inputs(&learned);
    assert_eq!(x[0], x[3]);
    assert_eq!(x[1], [0.0, 0.0, 0.0, 0.0, 1.0]);
    assert_eq!(learned.preprocessing.check(), Ok(()));
    Ok(())
}
