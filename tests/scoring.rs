//! Scoring a large table: in one process, in parallel workers, and in a transaction that may not write.

use postgres::Client;
use server::Server;
use server::training::{create_wide, number, refusal};
use std::time::Instant;

/// The predictions as whole millionths: their sum does not depend on the order of adding.
const SUM: &str = "SELECT sum(round(ml_predict('wide', w) * 1e6)::bigint)::float8 FROM wide w";
const POSITIONAL: &str = "SELECT sum(round(ml_predict('wide', f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16,
    f17, f18, f19, f20, f21, f22, f23, f24, f25, f26, f27, f28) * 1e6)::bigint)::float8 FROM wide w";

fn timed(client: &mut Client, what: &str, query: &str) -> f64 {
    let start = Instant::now();
    let sum = number(client, query);
    println!(
        "1,000,000 x 28, 64-64-1, {what}: {:.2} s",
        start.elapsed().as_secs_f64()
    );
    sum
}

fn explained(client: &mut Client, options: &str, query: &str) -> String {
    let lines = client
        .query(&format!("EXPLAIN ({options}) {query}"), &[])
        .expect("explains");
    let lines: Vec<String> = lines.iter().map(|line| line.get(0)).collect();
    lines.join("\n")
}

#[test]
fn the_cost_makes_the_planner_use_workers() {
    let server = Server::start();
    let mut client = server.connect();
    // 11 MB: adding up the rows is not worth a worker.
    create_wide(&mut client, 80_000);
    client
        .batch_execute(
            "SELECT * FROM ml_train('wide', 'SELECT * FROM wide LIMIT 100', 'y', epochs => 1)",
        )
        .expect("trains");
    let plain = explained(&mut client, "COSTS ON", "SELECT sum(f1 + f28) FROM wide");
    assert!(!plain.contains("Gather"), "{plain}");
    for query in [
        SUM,
        POSITIONAL,
        "SELECT ml_predict_proba('wide', w) FROM wide w",
    ] {
        let plan = explained(&mut client, "COSTS ON", query);
        assert!(plan.contains("Gather"), "{plan}");
    }
}

#[test]
fn a_million_rows() {
    let server = Server::with(&["shared_buffers = 512MB", "max_wal_size = 4GB"]);
    let mut client = server.connect();
    create_wide(&mut client, 1_000_000);
    client
        .batch_execute(
            "SELECT * FROM ml_train('wide', 'SELECT * FROM wide LIMIT 20000', 'y', epochs => 1)",
        )
        .expect("trains");
    number(&mut client, "SELECT sum(f1)::float8 FROM wide");

    client
        .batch_execute("SET max_parallel_workers_per_gather = 0")
        .expect("sets");
    let one = timed(&mut client, "whole row, one process", SUM);
    assert_eq!(
        timed(&mut client, "28 arguments, one process", POSITIONAL),
        one
    );

    client
        .batch_execute("RESET max_parallel_workers_per_gather")
        .expect("sets");
    let plan = explained(&mut client, "ANALYZE, TIMING OFF", SUM);
    assert!(
        plan.contains("Workers Launched") && !plan.contains("Workers Launched: 0"),
        "{plan}"
    );
    assert_eq!(timed(&mut client, "whole row, parallel workers", SUM), one);

    client.batch_execute("BEGIN READ ONLY").expect("begins");
    assert_eq!(number(&mut client, SUM), one, "it writes nothing");
    let written = "SELECT (pg_current_xact_id_if_assigned() IS NULL)::int::float8";
    assert_eq!(
        number(&mut client, written),
        1.0,
        "it takes no transaction id"
    );
    client.batch_execute("COMMIT").expect("ends");
    assert_eq!(
        refusal(
            &mut client,
            "BEGIN READ ONLY; SELECT * FROM ml_train('n', 'SELECT * FROM wide LIMIT 100', 'y', epochs => 1)"
        ),
        "25006"
    );
}
