//! What the README, docs/keras.md and docs/value.md print runs, statement after statement.

use server::page::blocks;
use server::training::{number, run, text};
use server::{Installation, Server};

const README: &str = include_str!("../README.md");
const KERAS: &str = include_str!("../docs/keras.md");
const VALUE: &str = include_str!("../docs/value.md");

#[test]
fn every_statement_of_the_readme_runs() {
    let server = Server::bare(&Installation::tested(), &[]);
    let mut client = server.connect();
    let (postgres, _mysql) = README
        .split_once("## MySQL and MariaDB")
        .expect("the part of PostgreSQL");
    let blocks = blocks(postgres);
    assert!(blocks.len() >= 10, "{}", blocks.len());
    // tests/cron.rs has the jobs.
    for block in blocks.iter().filter(|block| !block.contains("cron.")) {
        run(&mut client, block);
    }
    let models = "SELECT string_agg(model, ' ' ORDER BY model) FROM tablenet.models";
    assert_eq!(text(&mut client, models), "city price");
}

#[test]
fn the_series_of_the_page_about_keras_is_learned() {
    let server = Server::start();
    let mut client = server.connect();
    for block in blocks(KERAS) {
        run(&mut client, block);
    }
    // A sine of amplitude 1, with noise of 0.1 in the hours only.
    let worst = "SELECT max(abs(ml_predict('next_hour', d) - next_hour)) FROM days d";
    assert!(number(&mut client, worst) < 0.2);
}

#[test]
fn the_page_about_values_runs() {
    let server = Server::start();
    let mut client = server.connect();
    for block in blocks(VALUE) {
        run(&mut client, block);
    }
    let worst = "SELECT max(abs(price - ml_predict(model, s)))::float8 FROM sales s JOIN models USING (region)";
    assert!(number(&mut client, worst) < 30.0, "of 318");
}
