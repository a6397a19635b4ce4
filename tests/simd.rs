//! A model answers the same whatever vector instructions the server uses, and the server refuses those it does not have.

use postgres::Client;
use server::Server;
use server::training::{create_houses, create_wide, dense_layers, refusal};

const LEVELS: [&str; 3] = ["plain", "avx2", "avx512"];

/// Every answer that the models give, by the query that asks for it.
const ANSWERS: [(&str, &str); 4] = [
    ("28-64-64-1", "SELECT ml_predict('usual', w) FROM wide w"),
    (
        "28-300-1, the values one by one",
        "SELECT ml_predict('broad', f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19,
             f20, f21, f22, f23, f24, f25, f26, f27, f28) FROM wide w",
    ),
    (
        "numbers, NULLs and texts",
        "SELECT ml_predict('houses', h) FROM houses h
          UNION ALL SELECT ml_predict('houses', area, NULL, city || '?') FROM houses",
    ),
    (
        "three classes",
        "SELECT unnest(ml_predict_values('city', h)) FROM houses h",
    ),
];

fn shown(client: &mut Client) -> String {
    client
        .query_one("SHOW tablenet.simd", &[])
        .expect("shows")
        .get(0)
}

fn train(client: &mut Client) {
    create_houses(client);
    create_wide(client, 2_000);
    for (model, query, target, layers) in [
        ("usual", "TABLE wide", "y", dense_layers(&[64, 64])),
        ("broad", "TABLE wide", "y", dense_layers(&[300])),
        (
            "houses",
            "SELECT area, nullif(rooms, 3) AS rooms, city, price FROM houses",
            "price",
            dense_layers(&[33, 7]),
        ),
    ] {
        let train = format!(
            "SELECT * FROM ml_train('{model}', '{query}', '{target}', epochs => 2, layers => '{layers}')"
        );
        client.batch_execute(&train).expect("trains");
    }
    client
        .batch_execute("SELECT * FROM ml_train('city', 'SELECT area, price, city FROM houses', 'city', epochs => 2)")
        .expect("trains");
}

fn answers(client: &mut Client) -> Vec<Vec<f64>> {
    let mut all = Vec::new();
    for (_, query) in ANSWERS {
        let numbers = format!("SELECT array_agg(a::float8) FROM ({query}) AS answers(a)");
        all.push(client.query_one(&numbers, &[]).expect("scores").get(0));
    }
    all
}

#[test]
fn every_instruction_set_gives_the_same_answers() {
    let mut server = Server::start();
    let mut client = server.connect();
    train(&mut client);
    let expected = answers(&mut client);
    let best = shown(&mut client);
    println!("trained with {best}, the best of this CPU");
    assert!(LEVELS.contains(&&*best));

    let mut available = true;
    for level in LEVELS {
        server.restart(&[("TABLENET_SIMD", level)]);
        let mut client = server.connect();
        if available {
            let answers = answers(&mut client);
            assert_eq!(shown(&mut client), level);
            for (((what, _), ours), theirs) in ANSWERS.iter().zip(&answers).zip(&expected) {
                assert!(ours.len() >= 2_000 && ours.len() == theirs.len());
                assert!(ours.iter().any(|answer| *answer != ours[0]), "{what}");
                let differing = ours.iter().zip(theirs).filter(|(a, b)| a != b).count();
                // More than promised, which is to come within 1e-6 of each other.
                assert_eq!(differing, 0, "{level}: {what}");
                println!("scored with {level}, {what}: the same bits");
            }
        } else {
            assert_eq!(refusal(&mut client, "SELECT ml_version()"), "0A000");
            println!("{level} is refused: this CPU lacks it");
        }
        available = available && level != best;
    }
}

#[test]
fn an_unknown_instruction_set_is_refused() {
    let mut server = Server::start();
    for word in ["avx51", ""] {
        server.restart(&[("TABLENET_SIMD", word)]);
        let mut client = server.connect();
        for _ in 0..2 {
            let error = client
                .batch_execute("SELECT ml_version()")
                .expect_err("refused");
            let error = error.as_db_error().expect("an error of the server");
            assert_eq!(error.code().code(), "22023");
            assert_eq!(
                error.message(),
                format!("unknown instruction set \"{word}\"")
            );
            assert!(
                error
                    .detail()
                    .is_some_and(|it| it.contains("TABLENET_SIMD"))
            );
            assert!(
                error.hint().is_some_and(|it| it.contains("avx512")),
                "{error:?}"
            );
        }
    }
}
