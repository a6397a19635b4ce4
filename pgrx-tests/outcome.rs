//! How a statement ends, as text.

use pgrx::prelude::*;

/// Runs `statement` in a subtransaction: `00000`, or the SQLSTATE and the message it failed with.
pub fn outcome(statement: &str) -> String {
    Spi::run(
        // Made once: another role may not replace it.
        "DO $make$ BEGIN
             IF to_regprocedure('pg_temp.outcome(text)') IS NULL THEN
                 CREATE FUNCTION pg_temp.outcome(statement text) RETURNS text LANGUAGE plpgsql AS $$
                 BEGIN EXECUTE statement; RETURN '00000';
                 EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE || ' ' || SQLERRM; END $$;
             END IF;
         END $make$",
    )
    .expect("the function is made");
    Spi::get_one_with_args::<String>("SELECT pg_temp.outcome($1)", &[statement.into()])
        .expect("the statement is run")
        .expect("it has an outcome")
}

/// Asserts that `statement` ends with this SQLSTATE and message.
#[track_caller]
pub fn assert_outcome(statement: &str, expected: &str) {
    assert_eq!(outcome(statement), expected, "{statement}");
}

/// The text that a query returns.
#[track_caller]
pub fn text(query: &str) -> String {
    Spi::get_one::<String>(query)
        .expect("the query runs")
        .unwrap_or_else(|| "NULL".to_string())
}

/// A table `houses` with numbers, a boolean, a text, an enum and targets of every kind; `rows` rows without any NULL.
pub fn houses(rows: u32) {
    Spi::run(&format!(
        "CREATE TYPE heating AS ENUM ('wood', 'gas', 'electric');
         CREATE TABLE houses AS
         SELECT i AS id,
                (50 + 7 * (i % 13))::float8 AS area,
                (1 + i % 5)::int2 AS rooms,
                (i % 3 = 0) AS garden,
                (ARRAY['Berlin', 'Hamburg', 'Köln'])[1 + i % 3] AS city,
                (ARRAY['wood', 'gas', 'electric'])[1 + i % 2]::heating AS heating,
                (1000 * (50 + 7 * (i % 13)) + 20000 * (i % 5) + i % 11)::float8 AS price,
                (i % 13 > 6) AS large,
                (ARRAY['low', 'mid', 'high'])[1 + i % 13 / 5] AS class
           FROM generate_series(1, {rows}) AS i"
    ))
    .expect("the table is made");
}
