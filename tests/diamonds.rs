//! A real table: as accurate as Keras with the same network, preprocessing and epochs, and the same bytes every time.

use server::Server;
use server::training::{digest, number};
use std::io::Write;
use std::time::Instant;

/// r2 of Keras on the same held-out rows: the mean of the seeds in keras/diamonds.txt, made by keras/diamonds.py.
const KERAS_R2: f64 = 0.98001;

#[test]
fn are_priced_as_well_as_by_keras() {
    let server = Server::start();
    let mut client = server.connect();
    client
        .batch_execute(
            "CREATE TABLE diamonds (id int GENERATED ALWAYS AS IDENTITY, carat float8, cut text, color text, clarity text,
                 depth float8, \"table\" float8, price int, x float8, y float8, z float8)",
        )
        .expect("creates");
    let copy = "COPY diamonds (carat, cut, color, clarity, depth, \"table\", price, x, y, z) FROM STDIN (FORMAT csv, HEADER)";
    let mut writer = client.copy_in(copy).expect("copies");
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../data/diamonds.csv");
    writer
        .write_all(&std::fs::read(file).expect("the data are there"))
        .expect("copies");
    assert_eq!(writer.finish().expect("copies"), 53_940);

    let train = "SELECT * FROM ml_train('diamonds', 'SELECT * FROM diamonds WHERE id % 10 <> 0', 'price', exclude => '{id}',
                     epochs => 20, validation_split => 0)";
    let start = Instant::now();
    client.batch_execute(train).expect("trains");
    let seconds = start.elapsed().as_secs_f64();
    let r2 = "SELECT value FROM ml_evaluate('diamonds', 'SELECT * FROM diamonds WHERE id % 10 = 0') WHERE metric = 'r2'";
    let r2 = number(&mut client, r2);
    println!(
        "diamonds, 48,546 rows, 20 epochs: {seconds:.1} s, r2 {r2:.5} on 5,394 others, Keras {KERAS_R2:.5}"
    );
    assert!((r2 - KERAS_R2).abs() <= 0.01, "r2 {r2}, Keras {KERAS_R2}");

    let bytes = digest(&mut client, "diamonds");
    client.batch_execute(train).expect("trains again");
    assert_eq!(
        digest(&mut client, "diamonds"),
        bytes,
        "the same seed, the same bytes"
    );
}
