//! Scoring by many connections at once: the cache stays within its size, and no answer comes from another model.

use mysql_server::engine::{Engine, MySql};
use mysql_server::samples::houses;
use mysql_server::{Connection, Flavour, Server};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

mysql_server::on_both_servers!(
    two_hundred_connections_leave_memory_flat,
    a_cache_that_is_too_small_gives_right_answers,
    scoring_goes_on_while_a_model_is_trained_again,
);

/// Connections, and what each does: so many statements of so many rows.
const CONNECTIONS: usize = 200;
const STATEMENTS: usize = 50;
const ROWS: u32 = 200;

fn two_hundred_connections_leave_memory_flat(flavour: Flavour) {
    let server = Arc::new(Server::with(flavour, &[], &["--max-connections=250"]));
    let mut engine = MySql::of(server.clone());
    let table = houses("scored", ROWS);
    engine.load(&table);
    engine
        .train_on("scored", &table, "price", r#"{"epochs": 1}"#)
        .unwrap_or_else(|error| panic!("{error}"));
    let query = format!(
        "SELECT SUM(ml_predict({}, area, rooms, city)) FROM scored",
        engine.reference("scored")
    );
    let expected = engine.client().text(&query);
    let mut clients: Vec<Connection> = (0..CONNECTIONS).map(|_| server.connect()).collect();
    let mut round = |statements: usize| {
        std::thread::scope(|scope| {
            for client in &mut clients {
                scope.spawn(|| {
                    for _ in 0..statements {
                        assert_eq!(client.text(&query), expected);
                    }
                });
            }
        });
        server.process().resident()
    };
    // The allocator takes a while to have all it wants; what leaks grows in every round.
    let mut resident = vec![round(STATEMENTS)];
    let flat = (0..6).any(|_| {
        let start = Instant::now();
        let (before, after) = (resident[resident.len() - 1], round(STATEMENTS));
        println!(
            "{}: {CONNECTIONS} connections x {} calls in {:.1?}; resident {before} kB before, {after} kB after",
            flavour.name(),
            STATEMENTS * ROWS as usize,
            start.elapsed()
        );
        resident.push(after);
        after < before + before / 100
    });
    assert!(flat, "resident in kB after each round: {resident:?}");
}

/// A cache for four models, twelve models and eight connections.
fn a_cache_that_is_too_small_gives_right_answers(flavour: Flavour) {
    let server = Arc::new(Server::with(
        flavour,
        &[("TABLENET_CACHE_SIZE", "200K")],
        &[],
    ));
    let mut engine = MySql::of(server.clone());
    engine.load(&houses("evicted", 300));
    engine.run(
        "CREATE TABLE models (n INT PRIMARY KEY, model LONGBLOB, total DOUBLE, ref VARCHAR(100))",
    );
    for seed in 0..12 {
        let train =
            format!(r#"ml_train_agg('{{"epochs": 1, "seed": {seed}}}', price, area, rooms, city)"#);
        engine.run(&format!(
            "INSERT INTO models SELECT {seed}, {train}, NULL, NULL FROM evicted"
        ));
    }
    let total = "SELECT SUM(ml_predict((SELECT {} FROM models WHERE n = {n}), area, rooms, city)) FROM evicted";
    let by_bytes = |n: u64| total.replace("{n}", &n.to_string()).replace("{}", "model");
    let by_reference = |n: u64| {
        total
            .replace("{n}", &n.to_string())
            .replace("{}", "ml_ref(model)")
    };
    let expected: Vec<Option<String>> = (0..12)
        .map(|n| engine.client().text(&by_bytes(n)))
        .collect();
    for (n, expected) in (0..12).zip(&expected) {
        assert_eq!(engine.client().text(&by_reference(n)), *expected);
    }
    let (by_bytes, by_reference, expected) = (&by_bytes, &by_reference, &expected);
    let refused: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|thread| {
                let mut client = server.connect();
                scope.spawn(move || {
                    let mut refused = 0;
                    for round in 0..60 {
                        let n = (thread + 5 * round) % 12;
                        let answer = expected[n as usize].as_deref().map(str::as_bytes);
                        for query in [by_bytes(n), by_reference(n)] {
                            match client.query(&query) {
                                Ok(rows) => assert_eq!(rows[0][0].as_deref(), answer),
                                // All of the cache is in use by others, or the model was let go before its first row.
                                Err(refusal) => {
                                    assert!([1038, 1105].contains(&refusal.code), "{refusal}");
                                    assert!(refusal.message.contains("cache"), "{refusal}");
                                    refused += 1;
                                }
                            }
                        }
                    }
                    refused
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("no panic"))
            .sum()
    });
    println!(
        "{}: {refused} of 960 statements found no room in the cache",
        flavour.name()
    );
    assert!(refused < 480, "{refused}");
    let unknown = engine
        .client()
        .refusal("SELECT ml_predict(CONCAT('mlref:', REPEAT('0', 64)), 1, 2, 'x')");
    assert_eq!(unknown.code, 1105);
    assert!(unknown.message.contains("ml_ref"), "{unknown}");
}

/// Tells the others to stop, however the training ends.
struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Every statement sees one of the two models that take turns, from its first row to its last.
fn scoring_goes_on_while_a_model_is_trained_again(flavour: Flavour) {
    let server = Server::shared(flavour);
    let mut engine = MySql::of(server.clone());
    let table = houses("turns", 300);
    engine.load(&table);
    let query = format!(
        "SELECT SUM(ml_predict({}, area, rooms, city)) FROM turns",
        engine.reference("turns")
    );
    let mut train = |seed: usize| {
        let spec = format!(r#"{{"epochs": 1, "seed": {seed}}}"#);
        engine
            .train_on("turns", &table, "price", &spec)
            .unwrap_or_else(|error| panic!("{error}"));
        engine.client().text(&query).expect("a number")
    };
    let allowed = [train(0), train(1)];
    assert_ne!(allowed[0], allowed[1]);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let scorers: Vec<_> = (0..4)
            .map(|_| {
                let mut client = server.connect();
                let (done, query, allowed) = (&done, &query, &allowed);
                scope.spawn(move || {
                    let mut seen = [0, 0];
                    while !done.load(Ordering::Relaxed) {
                        let answer = client.text(query).expect("a number");
                        let which = allowed.iter().position(|allowed| *allowed == answer);
                        seen[which
                            .unwrap_or_else(|| panic!("{answer} is neither of {allowed:?}"))] += 1;
                    }
                    seen
                })
            })
            .collect();
        {
            let _done = Done(&done);
            for turn in 0..12 {
                train(turn % 2);
            }
        }
        let seen: Vec<[u32; 2]> = scorers
            .into_iter()
            .map(|scorer| scorer.join().expect("no panic"))
            .collect();
        println!(
            "{}: answers of each model, by session: {seen:?}",
            flavour.name()
        );
        assert!(seen.iter().map(|seen| seen[0]).sum::<u32>() > 0);
        assert!(seen.iter().map(|seen| seen[1]).sum::<u32>() > 0);
    });
}
