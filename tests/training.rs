//! Tables to learn from, and the few statements that every test needs.

use postgres::Client;
use postgres::error::DbError;

/// Creates `houses`: 2,000 rows whose price follows from area, rooms and city with a little noise.
pub fn create_houses(client: &mut Client) {
    let script = "
        SELECT setseed(0.5);
        CREATE TABLE houses AS
        SELECT i AS id, area, rooms, city,
               1000 * area + 5000 * rooms + CASE city WHEN 'Berlin' THEN 90000 WHEN 'Jena' THEN 30000 ELSE 0 END
               + 1000 * (random() - 0.5) AS price
          FROM (SELECT i, (30 + 120 * random())::float8 AS area, (1 + floor(5 * random()))::int AS rooms,
                       (ARRAY['Berlin', 'Jena', 'Wismar'])[1 + floor(3 * random())::int] AS city
                  FROM generate_series(1, 2000) AS i) AS raw;";
    client.batch_execute(script).expect("creates the table");
}

/// Creates `wide`: `rows` rows of 28 float4 columns f1 .. f28 and a float4 column `y`.
pub fn create_wide(client: &mut Client, rows: u32) {
    let features: Vec<String> = (1..=28)
        .map(|i| format!("random()::float4 AS f{i}"))
        .collect();
    let script = format!(
        "SET max_parallel_workers_per_gather = 0;
         SELECT setseed(0.25);
         CREATE UNLOGGED TABLE wide AS
         SELECT *, (f1 + 2 * f2 - f3 * f4)::float4 AS y FROM (SELECT {} FROM generate_series(1, {rows})) AS raw;
         RESET max_parallel_workers_per_gather;
         VACUUM ANALYZE wide;",
        features.join(", ")
    );
    for statement in script.split_inclusive(';') {
        client.batch_execute(statement).expect("creates the table");
    }
}

/// Layers in Keras's form: dense layers of these units with relu, and one linear unit.
pub fn dense_layers(units: &[u32]) -> String {
    let dense = |units: &u32, activation: &str| {
        format!(
            r#"{{"class_name":"Dense","config":{{"units":{units},"activation":"{activation}"}}}}"#
        )
    };
    let mut layers: Vec<String> = units.iter().map(|units| dense(units, "relu")).collect();
    layers.push(dense(&1, "linear"));
    format!("[{}]", layers.join(","))
}

/// The sha256 of a model's file. Needs the superuser.
pub fn digest(client: &mut Client, model: &str) -> Vec<u8> {
    let query = "SELECT v.sha256 FROM tablenet.stored_version v JOIN tablenet.stored_model m USING (model_id)
                  WHERE m.name = $1 AND v.version = m.deployed";
    client
        .query_one(query, &[&model])
        .expect("a stored model")
        .get(0)
}

/// Runs statements that have to succeed.
pub fn run(client: &mut Client, statements: &str) {
    let result = client.batch_execute(statements);
    result.unwrap_or_else(|error| panic!("{statements}: {error:?}"));
}

/// The one number that a query answers.
pub fn number(client: &mut Client, query: &str) -> f64 {
    client
        .query_one(query, &[])
        .unwrap_or_else(|error| panic!("{query}: {error:?}"))
        .get(0)
}

/// The one text that a query answers.
pub fn text(client: &mut Client, query: &str) -> String {
    let row = client.query_one(query, &[]);
    row.unwrap_or_else(|error| panic!("{query}: {error:?}"))
        .get(0)
}

/// How a statement fails that has to.
pub fn failure(client: &mut Client, statement: &str) -> DbError {
    match client.batch_execute(statement) {
        Ok(()) => panic!("{statement} did not fail"),
        Err(error) => match error.as_db_error() {
            Some(error) => error.clone(),
            None => panic!("{statement}: {error}"),
        },
    }
}

/// Its SQLSTATE.
pub fn refusal(client: &mut Client, statement: &str) -> String {
    failure(client, statement).code().code().to_owned()
}
