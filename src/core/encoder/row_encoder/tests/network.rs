//! A network with embeddings behind all of them.

use super::*;

/// The outputs of a network with embeddings: of the scorer's way, and of the batch's inputs written out.
#[test]
fn a_network_answers_stored_rows_and_values_alike() -> Result<()> {
    let mut preprocessing = two_dates();
    let embedding = |name: &str, missing| {
        let null = if missing {
            CategoryNull::Missing
        } else {
            CategoryNull::Category(2)
        };
        let vocabulary = vocabulary(true, missing, Unseen::Other, null);
        feature(
            name,
            ColumnType::Category,
            Encoding::Embedding { vocabulary, dim: 3 },
        )
    };
    let hashed = Encoding::Hash {
        buckets: 5,
        dim: Some(2),
        null: CategoryNull::Missing,
        missing: true,
    };
    let one_hot = vocabulary(true, true, Unseen::Other, CategoryNull::Missing);
    preprocessing.features.extend([
        embedding("e", true),
        feature(
            "b",
            ColumnType::Boolean,
            Encoding::Boolean {
                null: Null::Value(true),
                missing: true,
            },
        ),
        feature("h", ColumnType::Category, hashed),
        embedding("f", false),
        feature("c", ColumnType::Category, Encoding::OneHot(one_hot)),
        feature(
            "v",
            ColumnType::Vector,
            Encoding::Vector {
                elements: vec![NUMBER; 3],
                missing: true,
            },
        ),
    ]);
    preprocessing.check().expect("consistent");
    let layers = serde_json::json!([
        {"class_name": "Dense", "config": {"units": 24, "activation": "relu"}},
        {"class_name": "Dense", "config": {"units": 1}},
    ]);
    let mut model = Sequential::from_json(&layers)?.compile(
        preprocessing.inputs(),
        Task::Regression { outputs: 1 },
        Optimizer::parse("adam")?,
        Loss::parse("mse")?,
        Vec::new(),
        1.0,
    )?;
    model.initialize(3, &mut NoCallback)?;
    let whole = Plan::new(&model, &mut NoCallback)?;
    let (sparse, places) = Plan::sparse(&model, &mut NoCallback)?;
    let encoder = RowEncoder::new(preprocessing.clone(), places)?;
    let (written, width) = encoder.written_out()?;
    assert_eq!(width, preprocessing.width() + 2 + 1 + 2);
    let mut instants = vec![0.0; encoder.instants()];
    let (mut run, mut score) = (whole.scratch()?, sparse.sparse_scratch(encoder.most())?);
    let mut entries = Entries::new(written.most())?;
    let texts = ["a", "b", "c", "rare", "never", ""];
    let mut answers = Vec::new();
    for i in 0..60_usize {
        let null = |every: usize, value| if i % every == 1 { Value::Null } else { value };
        let text = |every: usize| null(every + 4, Value::Text(texts[i * every % 6]));
        let numbers = [i as f64, 0.5, -1.0];
        let row = [
            null(5, Value::Number(i as f64 * 86_400.0)),
            null(3, Value::Number(i as f64)),
            null(4, Value::Number(i as f64 * 40_000.0)),
            text(1),
            null(7, Value::Boolean(i % 2 == 0)),
            text(5),
            text(2),
            text(7),
            null(6, Value::Vector(Vector::Double(&numbers))),
        ];
        run.input_mut()
            .copy_from_slice(&batched(&preprocessing, &row)?);
        let expected = whole.run(&mut run)[0];
        encoder.encode(row.iter(), score.entries_mut(), &mut instants)?;
        assert_eq!(
            sparse.score(&mut score)[0].to_bits(),
            expected.to_bits(),
            "{row:?}"
        );
        written.encode(row.iter(), &mut entries, &mut instants)?;
        assert!(
            entries
                .all()
                .iter()
                .all(|entry| (entry.row as usize) < width)
        );
        answers.push(expected.to_bits());
    }
    answers.sort_unstable();
    answers.dedup();
    assert!(answers.len() > 50, "rows have answers of their own");
    Ok(())
}
