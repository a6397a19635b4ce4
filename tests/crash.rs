//! A process that ends at once, at any moment, costs no committed model and leaves no half of one.

use postgres::Client;
use server::training::{create_houses, number};
use server::{Process, Server};
use std::time::{Duration, Instant};

const PREDICTION: &str = "SELECT sum(ml_predict('kept', h)) FROM houses h";

fn train(model: &str, seed: u32) -> String {
    format!(
        "SELECT * FROM ml_train('{model}', 'SELECT area, rooms, city, price FROM houses', 'price', epochs => 10, seed => {seed})"
    )
}

/// Every stored version has its model, all its pieces, and the digest that was taken of it.
fn all_models_are_whole(client: &mut Client) {
    let halves = "SELECT count(*)::float8 FROM tablenet.stored_model m
        FULL JOIN tablenet.stored_version v ON v.model_id = m.model_id
        FULL JOIN (SELECT model_id, version, sha256(string_agg(bytes, ''::bytea ORDER BY chunk)) AS digest
                     FROM tablenet.stored_chunk GROUP BY 1, 2) c ON c.model_id = v.model_id AND c.version = v.version
        WHERE m.name IS NULL OR v.version IS NULL OR c.digest IS DISTINCT FROM v.sha256";
    assert_eq!(number(client, halves), 0.0, "a half model is left");
}

#[test]
fn of_a_training_backend() {
    let server = Server::with(&["fsync = on"]);
    server.expect("terminated by signal");
    let mut client = server.connect();
    create_houses(&mut client);
    client.batch_execute(&train("kept", 0)).expect("trains");
    let expected = number(&mut client, PREDICTION);
    let start = Instant::now();
    client.batch_execute(&train("probe", 0)).expect("trains");
    let whole = start.elapsed();

    let moments = 6;
    for moment in 0..moments {
        let mut victim = server.connect();
        let mut witness = server.connect();
        let backend = Process::backend(&mut victim);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(whole.mul_f64((f64::from(moment) + 0.5) / f64::from(moments)));
                backend.kill();
            });
            // Half of the time the model in use is trained anew, half of the time a new one.
            let model = if moment % 2 == 0 { "half" } else { "kept" };
            let _ = victim.batch_execute(&format!(
                "SET tablenet.work_mem = '2MB'; BEGIN; {}; SELECT pg_sleep(60)",
                train(model, 1)
            ));
        });
        // The server ends all its sessions as soon as it has noticed.
        while witness.batch_execute("SELECT 1").is_ok() {
            std::thread::sleep(Duration::from_millis(5));
        }
        let mut client = server.reconnect();
        assert_eq!(
            number(&mut client, PREDICTION),
            expected,
            "the committed model predicts as before"
        );
        assert_eq!(
            number(
                &mut client,
                "SELECT count(*)::float8 FROM tablenet.stored_model"
            ),
            2.0
        );
        all_models_are_whole(&mut client);
        assert!(server.temporary_files().is_empty());
    }
    let mut client = server.reconnect();
    client
        .batch_execute(&train("kept", 1))
        .expect("trains after the crashes");
    assert_ne!(number(&mut client, PREDICTION), expected);
}

#[test]
fn of_the_whole_server() {
    let mut server = Server::with(&["fsync = on"]);
    let mut client = server.connect();
    create_houses(&mut client);
    client.batch_execute(&train("kept", 0)).expect("trains");
    let expected = number(&mut client, PREDICTION);
    let mut committed: Vec<(String, f64)> = Vec::new();

    for round in 0..3 {
        let mut trainer = server.connect();
        let names = (0..).map(|i| format!("round_{round}_{i}"));
        std::thread::scope(|scope| {
            let trainer = scope.spawn(move || {
                // Until the connection breaks: every model that was acknowledged, with its prediction.
                let mut done = Vec::new();
                for (seed, name) in (0..).zip(names) {
                    if trainer.batch_execute(&train(&name, seed)).is_err() {
                        break;
                    }
                    let query = format!("SELECT sum(ml_predict('{name}', h)) FROM houses h");
                    match trainer.query_one(&query, &[]) {
                        Ok(row) => done.push((name, row.get(0))),
                        Err(_) => break,
                    }
                }
                done
            });
            std::thread::sleep(Duration::from_millis(1500 + 300 * round));
            server.crash();
            committed.extend(trainer.join().expect("no panic"));
        });
        server.resume();
        let mut client = server.connect();
        assert_eq!(number(&mut client, PREDICTION), expected);
        for (name, prediction) in &committed {
            let query = format!("SELECT sum(ml_predict('{name}', h)) FROM houses h");
            assert_eq!(
                number(&mut client, &query),
                *prediction,
                "{name} predicts as before"
            );
        }
        all_models_are_whole(&mut client);
        assert!(server.temporary_files().is_empty());
    }
    println!(
        "{} models were committed before the crashes",
        committed.len() + 1
    );
    assert!(!committed.is_empty());
}

/// The sentinel of every test here: a backend that ends by a signal fails the test that did not expect it.
#[test]
#[should_panic(expected = "terminated by signal")]
fn that_nobody_expected_fails_the_test() {
    let server = Server::start();
    let mut victim = server.connect();
    Process::backend(&mut victim).kill();
    server.reconnect();
}
