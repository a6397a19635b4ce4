//! Models as values: one per group, kept in tables, and asked by whoever has them.

use postgres::Client;
use server::models::output;
use server::training::{create_houses, create_wide, failure, number, refusal, run, text};
use server::{Process, Server, client_program};
use std::io::{Read, Write};
use std::time::{Duration, Instant};

/// A table `models` with a model per city of `houses`.
fn create_models(client: &mut Client) {
    create_houses(client);
    run(
        client,
        r#"CREATE TABLE models AS
           SELECT city, ml_train_agg('{"epochs": 60, "exclude": ["id", "city"]}', price, h) AS model FROM houses h GROUP BY city"#,
    );
}

/// All predictions of those models to the last bit.
const PREDICTIONS: &str = "SELECT md5(string_agg(encode(float8send(ml_predict(model, h)), 'hex'), ' ' ORDER BY id)) || ' ' || count(*)
                             FROM houses h JOIN models USING (city)";

#[test]
fn one_model_per_group_predicts_its_group() {
    let server = Server::start();
    let mut client = server.connect();
    create_models(&mut client);
    let models = "SELECT count(DISTINCT model::text)::float8 FROM models";
    assert_eq!(number(&mut client, models), 3.0);
    // Prices go from 30,000 to 265,000, and within a city area and rooms say all of it but 500.
    let error = "SELECT avg(abs(price - ml_predict(model, h)))::float8 FROM houses h JOIN models USING (city)";
    let own = number(&mut client, error);
    assert!(own < 2_000.0, "{own}");
    let others = error.replace("USING (city)", "ON models.city <> h.city");
    assert!(number(&mut client, &others) > 20_000.0);
}

#[test]
fn large_groups_train_within_the_limit() {
    let server = Server::with(&["shared_buffers = 16MB", "max_wal_size = 4GB"]);
    create_wide(&mut server.connect(), 1_000_000);
    let mut client = server.connect();
    let backend = Process::backend(&mut client);
    // LLVM alone takes some 45 MB.
    run(
        &mut client,
        "SET tablenet.work_mem = '64MB'; SET work_mem = '4MB'; SET jit = off",
    );
    let query = "SELECT count(length(m::text))::float8 FROM (
                   SELECT f1 > 0.3 AS g, ml_train_agg('{\"epochs\": 1, \"target\": \"y\"}', y, w) AS m FROM wide w GROUP BY f1 > 0.3) AS s";
    let plan = output(
        &server,
        "psql",
        &["-Atc", &format!("EXPLAIN (COSTS OFF) {query}")],
    );
    assert!(
        plan.contains("GroupAggregate") && plan.contains("Sort"),
        "{plan}"
    );
    let start = Instant::now();
    assert_eq!(number(&mut client, query), 2.0);
    let peak = backend.peak_resident();
    println!(
        "1,000,000 x 28 in two groups, one epoch, work_mem 64MB: {:.1} s, peak resident {peak} kB",
        start.elapsed().as_secs_f64()
    );
    assert!(peak <= 124 * 1024, "peak resident {peak} kB");
    assert_eq!(server.temporary_files(), Vec::<std::path::PathBuf>::new());
}

#[test]
fn many_small_groups_take_no_more_than_one() {
    let server = Server::with(&["shared_buffers = 16MB"]);
    let mut client = server.connect();
    let backend = Process::backend(&mut client);
    run(&mut client, "SET tablenet.work_mem = '8MB'; SET jit = off");
    let train = |groups: u32| {
        format!(
            "SELECT count(length(m::text))::float8 FROM (SELECT i % {groups} AS g,
               ml_train_agg('{{\"epochs\": 1}}', sqrt(i), i) AS m FROM generate_series(1, 40 * {groups}) AS i GROUP BY i % {groups}) AS s"
        )
    };
    assert_eq!(number(&mut client, &train(20)), 20.0);
    let few = backend.peak_resident();
    assert_eq!(number(&mut client, &train(1_000)), 1_000.0);
    let many = backend.peak_resident();
    println!("peak resident {few} kB after 20 groups, {many} kB after 1,000");
    assert!(many <= few + 8 * 1024, "{few} kB, then {many} kB");
}

#[test]
fn a_dump_keeps_every_bit_of_a_column_of_models() {
    let server = Server::start();
    let mut client = server.connect();
    create_models(&mut client);
    let expected = text(&mut client, PREDICTIONS);
    let dump = server.data().with_file_name("dump").display().to_string();
    for (database, format) in [
        ("plain", "-Fp"),
        ("custom", "-Fc"),
        ("inserts", "--inserts"),
    ] {
        run(&mut client, &format!("CREATE DATABASE {database}"));
        output(&server, "pg_dump", &[format, "-f", &dump]);
        match format {
            "-Fc" => output(
                &server,
                "pg_restore",
                &["--exit-on-error", "-d", database, &dump],
            ),
            _ => output(
                &server,
                "psql",
                &[
                    "-X",
                    "-q",
                    "-v",
                    "ON_ERROR_STOP=1",
                    "-o",
                    "/dev/null",
                    "-d",
                    database,
                    "-f",
                    &dump,
                ],
            ),
        };
        let mut copy = server.connect_to(database);
        assert_eq!(text(&mut copy, PREDICTIONS), expected, "{database}");
    }
    // The protocol's binary form.
    let mut bytes = Vec::new();
    client
        .copy_out("COPY models TO STDOUT (FORMAT binary)")
        .map(|mut rows| rows.read_to_end(&mut bytes).expect("reads"))
        .expect("copies out");
    run(&mut client, "TRUNCATE models");
    let mut rows = client
        .copy_in("COPY models FROM STDIN (FORMAT binary)")
        .expect("copies in");
    rows.write_all(&bytes).expect("writes");
    assert_eq!(rows.finish().expect("is taken"), 3);
    assert_eq!(text(&mut client, PREDICTIONS), expected);
    // Every byte of it is looked at.
    for place in [60, bytes.len() / 2, bytes.len() - 3] {
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        let mut rows = client
            .copy_in("COPY models FROM STDIN (FORMAT binary)")
            .expect("copies in");
        rows.write_all(&changed).expect("writes");
        let error = rows.finish().expect_err("refused");
        assert_eq!(
            error.code().map(|code| code.code()),
            Some("22P03"),
            "{place}: {error}"
        );
    }
}

#[test]
fn parallel_workers_score_with_a_value() {
    let server = Server::start();
    let mut client = server.connect();
    create_models(&mut client);
    run(
        &mut client,
        "SELECT ml_train('m', 'SELECT area, rooms, price FROM houses', 'price', epochs => 2)",
    );
    let value =
        "SELECT md5(sum(ml_predict((SELECT ml_model('m')), h)::numeric)::text) FROM houses h";
    let table = "SELECT md5(sum(ml_predict(model, h)::numeric)::text) FROM houses h JOIN models USING (city)";
    let alone = [value, table].map(|query| text(&mut client, query));
    run(
        &mut client,
        "SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET parallel_leader_participation = off",
    );
    for (query, expected) in [value, table].iter().zip(&alone) {
        let plan = client
            .query(&format!("EXPLAIN {query}"), &[])
            .expect("a plan");
        let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
        assert!(plan.iter().any(|line| line.contains("Gather")), "{plan:?}");
        assert_eq!(text(&mut client, query), *expected);
    }
    assert_eq!(
        text(
            &mut client,
            "SELECT md5(sum(ml_predict('m', h)::numeric)::text) FROM houses h"
        ),
        alone[0]
    );
    // A training stays in one process.
    let plan = client
        .query(
            "EXPLAIN SELECT city, ml_train_agg('{}', price, h) FROM houses h GROUP BY city",
            &[],
        )
        .expect("a plan");
    let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
    assert!(
        plan[0].starts_with("GroupAggregate") && !plan.iter().any(|line| line.contains("Gather")),
        "{plan:?}"
    );
}

#[test]
fn prepared_statements_take_names_and_values() {
    let server = Server::start();
    let mut client = server.connect();
    create_houses(&mut client);
    run(
        &mut client,
        "SELECT ml_train('m', 'SELECT area, rooms, price FROM houses', 'price', epochs => 2)",
    );
    let expected = number(&mut client, "SELECT ml_predict('m', 100, 3)");
    // A parameter without a type is a name.
    let by_name = client
        .prepare("SELECT ml_predict($1, 100, 3)")
        .expect("prepares");
    assert_eq!(by_name.params(), [postgres::types::Type::TEXT]);
    let of_text = client
        .prepare("SELECT ml_predict($1::text::tablenet.model, 100, 3)")
        .expect("prepares");
    let model = text(&mut client, "SELECT ml_model('m')::text");
    // More than five times, so that a generic plan is used.
    for _ in 0..8 {
        let answers = [(&by_name, "m"), (&of_text, model.as_str())];
        for (statement, argument) in answers {
            let row = client.query_one(statement, &[&argument]).expect("predicts");
            assert_eq!(row.get::<_, f64>(0), expected);
        }
    }
    run(
        &mut client,
        "SELECT ml_train('m', 'SELECT area, rooms, price FROM houses', 'price', epochs => 3)",
    );
    let row = client.query_one(&by_name, &[&"m"]).expect("predicts");
    assert_ne!(row.get::<_, f64>(0), expected, "the new version");
    let row = client.query_one(&of_text, &[&model]).expect("predicts");
    assert_eq!(row.get::<_, f64>(0), expected, "a value stays what it is");
}

#[test]
fn a_value_needs_no_right_but_its_own_and_works_on_a_standby() {
    let server = Server::start();
    let mut client = server.connect();
    create_models(&mut client);
    run(
        &mut client,
        "SELECT ml_train('m', 'SELECT area, rooms, price FROM houses', 'price', epochs => 2);
         INSERT INTO models SELECT 'all', ml_model('m');
         CREATE ROLE reader LOGIN; GRANT SELECT ON houses, models TO reader",
    );
    let expected = text(&mut client, PREDICTIONS);
    let standby = server.standby(&[]);
    let mut there = standby.connect_as("reader");
    server.wait_for(&mut standby.connect());
    for client in [&mut server.connect_as("reader"), &mut there] {
        assert_eq!(text(client, PREDICTIONS), expected);
        let value = "SELECT ml_predict(model, 100, 3) FROM models WHERE city = 'all'";
        number(client, value);
        assert_eq!(refusal(client, "SELECT ml_predict('m', 100, 3)"), "42704");
        assert_eq!(refusal(client, "SELECT ml_model('m')"), "42704");
        // What is trained is stored nowhere, so nothing is written.
        let trained = "BEGIN READ ONLY; SELECT city, ml_train_agg('{\"epochs\": 1, \"exclude\": [\"id\"]}', price, h) FROM houses h GROUP BY city; COMMIT";
        run(client, trained);
    }
    assert_eq!(
        text(
            &mut there,
            "SELECT md5(ml_train_agg('{\"epochs\": 2, \"features\": [\"area\", \"rooms\"]}', price, h)::text) FROM houses h"
        ),
        text(&mut client, "SELECT md5(ml_model('m')::text)")
    );
}

#[test]
fn a_training_of_groups_can_be_cancelled() {
    let server = Server::start();
    let mut client = server.connect();
    run(
        &mut client,
        "SET tablenet.work_mem = '8MB'; SET statement_timeout = '1500ms'",
    );
    let rows = "SELECT i % 5 AS g, sqrt(i) AS y, i AS x FROM generate_series(1, 100000) AS i";
    for query in [
        format!("SELECT g, ml_train_agg('{{\"epochs\": 5000}}', y, x) FROM ({rows}) AS s GROUP BY g"),
        "SELECT ml_train_agg('{\"epochs\": 1}', sqrt(i), i) FROM generate_series(1, 100000) AS i, generate_series(1, 100000)".to_owned(),
    ] {
        let start = Instant::now();
        assert_eq!(refusal(&mut client, &query), "57014", "{query}");
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    }
    // The error is sent before the files go.
    run(&mut client, "SELECT 1");
    assert_eq!(server.temporary_files(), Vec::<std::path::PathBuf>::new());
    run(&mut client, "RESET statement_timeout");
    let again = format!(
        "SELECT count(m::text)::float8 FROM (SELECT g, ml_train_agg('{{\"epochs\": 1}}', y, x) AS m FROM ({rows}) AS s GROUP BY g) AS t"
    );
    assert_eq!(number(&mut client, &again), 5.0);
}

#[test]
fn a_hash_of_groups_says_how_to_have_more_memory() {
    let server = Server::start();
    let mut client = server.connect();
    run(
        &mut client,
        "SET tablenet.work_mem = '1MB'; SET enable_sort = off",
    );
    let query = r#"SELECT i % 4, ml_train_agg('{"epochs": 1, "layers": [
        {"class_name": "Dense", "config": {"units": 200}}, {"class_name": "Dense", "config": {"units": 150}},
        {"class_name": "Dense", "config": {"units": 1}}]}', sqrt(i), i) FROM generate_series(1, 1000) AS i GROUP BY i % 4"#;
    let error = failure(&mut client, query);
    assert_eq!(error.code().code(), "53200", "{error}");
    let hint = error.hint().unwrap_or_default();
    assert!(
        hint.contains("Raise tablenet.work_mem") && hint.contains("SET enable_hashagg = off"),
        "{hint}"
    );
    run(&mut client, &format!("SET enable_hashagg = off; {query}"));
}

#[test]
fn psql_restores_what_it_printed() {
    let server = Server::start();
    let mut client = server.connect();
    create_models(&mut client);
    let expected = text(&mut client, PREDICTIONS);
    let printed = output(
        &server,
        "psql",
        &[
            "-XAtc",
            "SELECT format('(%L, %L)', city, model) FROM models",
        ],
    );
    run(&mut client, "TRUNCATE models");
    let rows: Vec<&str> = printed.lines().collect();
    assert_eq!(rows.len(), 3);
    let script = format!("INSERT INTO models VALUES {};", rows.join(", "));
    let mut psql = client_program("psql", &server)
        .args(["-X", "-v", "ON_ERROR_STOP=1"])
        .stdin(std::process::Stdio::piped())
        .spawn()
        .expect("psql starts");
    psql.stdin
        .take()
        .expect("a pipe")
        .write_all(script.as_bytes())
        .expect("writes");
    assert!(psql.wait().expect("ends").success());
    assert_eq!(text(&mut client, PREDICTIONS), expected);
}
