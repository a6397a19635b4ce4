#[pgrx::pg_schema]
mod tests {
    use pgrx::prelude::*;
    use tablenet_core::{Error, ErrorKind, Result, Value, Vector};

    use crate::decoder::Decoder;
    use crate::fixed::connected;
    use crate::in_backend::outcome::assert_outcome;
    use crate::query::Query;
    use crate::{error, read};

    /// Every value of every row of `query` as text, read by our own receiver.
    fn values(query: &str) -> Vec<String> {
        let mut seen = Vec::new();
        rows(query, &mut |row| {
            seen.extend(row.iter().map(|value| match value {
                Value::Null => "null".to_string(),
                Value::Number(number) => number.to_string(),
                Value::Boolean(boolean) => boolean.to_string(),
                Value::Text(text) => format!("'{text}'"),
                Value::Vector(Vector::Single(elements)) => format!("single{elements:?}"),
                Value::Vector(Vector::Double(elements)) => format!("double{elements:?}"),
            }));
            Ok(())
        })
        .unwrap_or_else(|error| error::raise(error));
        seen
    }

    fn rows(query: &str, take: &mut dyn FnMut(&[Value<'_>]) -> Result<()>) -> Result<()> {
        // SAFETY: as between two statements, so that what the test wrote is seen.
        unsafe {
            pg_sys::CommandCounterIncrement();
            pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot());
        }
        let result = connected(|| {
            let query = Query::prepare(query)?;
            let columns = query.columns().iter();
            let decoders = columns
                .map(|(name, oid, typmod)| Decoder::new(name, *oid, *typmod))
                .collect::<Result<Vec<_>>>()?;
            read::rows(&query, &decoders, take)
        });
        // SAFETY: pushed above.
        unsafe { pg_sys::PopActiveSnapshot() };
        result
    }

    #[pg_test]
    fn values_of_every_type_are_read() {
        assert_eq!(
            values("SELECT 1::int2, -2::int4, 3::int8, 1.5::float4, -2.5::float8, 12.25::numeric")
                .join(" "),
            "1 -2 3 1.5 -2.5 12.25"
        );
        assert_eq!(
            values("SELECT true, false, NULL::bool, NULL::text, NULL::int").join(" "),
            "true false null null null"
        );
        assert_eq!(
            values("SELECT 'a'::text, 'b'::varchar(3), 'c'::char(5), 'd'::name, 'e'").join(" "),
            "'a' 'b' 'c' 'd' 'e'"
        );
        assert_eq!(
            values("SELECT '', 'größe', repeat('x', 3)").join(" "),
            "'' 'größe' 'xxx'"
        );
        assert_eq!(
            values("SELECT 'NaN'::float8, 'Infinity'::float4, 'NaN'::numeric").join(" "),
            "NaN inf NaN"
        );
    }

    #[pg_test]
    fn domains_and_enums_are_read() {
        Spi::run("CREATE TYPE mood AS ENUM ('sad', 'ok'); ALTER TYPE mood ADD VALUE 'grim' BEFORE 'ok'; CREATE DOMAIN size AS numeric(6, 2) CHECK (VALUE > 0)").expect("made");
        assert_eq!(values("SELECT 'ok'::mood, 2.5::size").join(" "), "'ok' 2.5");
        let labels = connected(|| {
            let query = Query::prepare("SELECT 'ok'::mood AS m")?;
            Ok(Decoder::new("m", query.columns()[0].1, -1)?
                .column("m")
                .labels)
        });
        assert_eq!(
            labels.unwrap_or_else(|error| error::raise(error)),
            Some(vec!["sad".into(), "grim".into(), "ok".into()])
        );
    }

    #[pg_test]
    fn numeric_rounds_as_postgresql_does() {
        let query = "SELECT n, n::float8 FROM (
            SELECT round((random() * 2 - 1)::numeric * 10::numeric ^ (i % 25 - 10), i % 20) AS n FROM generate_series(1, 3000) AS i
            UNION ALL SELECT random()::numeric * random()::numeric * 10::numeric ^ (i % 600 - 300) FROM generate_series(1, 3000) AS i
            UNION ALL SELECT (2::numeric ^ 53 + i + 0.5) * (i % 7 - 3) FROM generate_series(1, 100) AS i
            UNION ALL SELECT unnest(ARRAY['1.00000000000000011102230246251565404236316680908203125', '1.0000000000000001110223024625156540423631668090820312500001', '4.9e-324', '-2.2250738585072011e-308', '1.7976931348623157e308', repeat('7', 60), '0.' || repeat('3', 60)])::numeric
            UNION ALL SELECT unnest(ARRAY[0, -0.0, 1e-20, 123456789012345678901234567890, 9007199254740993, 0.1, 1e22, 1e23, 12345678901234567e-30])) AS s";
        let mut count = 0;
        rows(query, &mut |row| {
            let [Value::Number(ours), Value::Number(theirs)] = row else {
                panic!("two numbers")
            };
            assert_eq!(ours, theirs);
            count += 1;
            Ok(())
        })
        .unwrap_or_else(|error| error::raise(error));
        assert_eq!(count, 6116);
    }

    #[pg_test]
    fn packed_and_external_values_are_unpacked() {
        Spi::run("CREATE TABLE long AS SELECT repeat('ab', 100000) AS packed; ALTER TABLE long ADD external text; ALTER TABLE long ALTER external SET STORAGE EXTERNAL; UPDATE long SET external = repeat('xyz', 50000)").expect("made");
        rows("SELECT * FROM long", &mut |row| {
            assert_eq!(
                row,
                [
                    Value::Text(&"ab".repeat(100_000)),
                    Value::Text(&"xyz".repeat(50_000))
                ]
            );
            Ok(())
        })
        .unwrap_or_else(|error| error::raise(error));
    }

    #[pg_test]
    fn memory_stays_flat_over_rows() {
        // SAFETY: adds up the sizes of all contexts of the backend.
        let total = || unsafe { pg_sys::MemoryContextMemAllocated(pg_sys::TopMemoryContext, true) };
        let (mut seen, mut early, mut most) = (0, 0, 0);
        rows(
            "SELECT i::numeric(30, 5), repeat(i::text, 3000) FROM generate_series(1, 20000) AS i",
            &mut |_| {
                seen += 1;
                if seen == 1000 {
                    early = total();
                }
                if seen > 1000 && seen % 100 == 0 {
                    most = most.max(total());
                }
                Ok(())
            },
        )
        .unwrap_or_else(|error| error::raise(error));
        assert_eq!(seen, 20_000);
        assert!(most <= early + 64 * 1024, "{early} bytes grew to {most}");
    }

    #[pg_test]
    fn a_plan_may_use_parallel_workers() {
        Spi::run("CREATE TABLE wide AS SELECT i FROM generate_series(1, 100000) AS i; ANALYZE wide; SET LOCAL parallel_setup_cost = 0; SET LOCAL parallel_tuple_cost = 0; SET LOCAL min_parallel_table_scan_size = 0").expect("made");
        let (mut seen, mut parallel) = (0, 0);
        rows("SELECT i FROM wide", &mut |_| {
            seen += 1;
            // SAFETY: reads the state of the transaction.
            parallel += i32::from(unsafe { pg_sys::IsInParallelMode() });
            Ok(())
        })
        .unwrap_or_else(|error| error::raise(error));
        assert_eq!((seen, parallel), (100_000, 100_000));
    }

    #[pg_test]
    fn an_error_of_the_reader_stops_the_executor() {
        Spi::run("CREATE SEQUENCE counted").expect("made");
        let mut seen = 0;
        let result = rows(
            "SELECT nextval('counted') FROM generate_series(1, 1000)",
            &mut |_| {
                seen += 1;
                if seen == 10 {
                    Err(Error::new(ErrorKind::NotFinite, "stop here"))
                } else {
                    Ok(())
                }
            },
        );
        assert_eq!(result.expect_err("stopped").to_string(), "stop here");
        assert_eq!(
            Spi::get_one::<i64>("SELECT last_value FROM counted"),
            Ok(Some(10))
        );
    }

    #[pg_test(error = "division by zero")]
    fn an_error_of_the_query_passes_unchanged() {
        let result = rows(
            "SELECT 1 / (5 - i) FROM generate_series(1, 10) AS i",
            &mut |_| Ok(()),
        );
        result.unwrap_or_else(|error| error::raise(error));
    }

    #[pg_test]
    fn only_one_reading_statement_is_accepted() {
        Spi::run("CREATE TABLE t AS SELECT 1 AS a, 2 AS b").expect("made");
        let refused = |query: &str, expected: &str| {
            assert_outcome(
                &format!("SELECT ml_train('m', $q${query}$q$, 'b')"),
                expected,
            )
        };
        refused("", "42601 query is empty");
        refused(" -- nothing\n ;", "42601 query is empty");
        refused(
            "SELECT 1 AS a; SELECT 2 AS b",
            "42601 query must be one statement, not 2",
        );
        refused(
            "INSERT INTO t VALUES (1, 2) RETURNING *",
            "42P11 query must be a SELECT, not INSERT",
        );
        refused(
            "UPDATE t SET a = 1",
            "42P11 query must be a SELECT, not UPDATE",
        );
        refused(
            "DROP TABLE t",
            "42P11 query must be a SELECT, not DROP TABLE",
        );
        refused(
            "EXPLAIN SELECT 1",
            "42P11 query must be a SELECT, not EXPLAIN",
        );
        refused(
            "SELECT * INTO u FROM t",
            "42P11 query must not be SELECT INTO",
        );
        refused(
            "WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d",
            "0A000 query must not change data in WITH",
        );
        let locks = "0A000 query must not lock rows with FOR UPDATE or FOR SHARE";
        refused("SELECT * FROM t FOR UPDATE", locks);
        refused("SELECT * FROM (SELECT * FROM t FOR KEY SHARE) AS s", locks);
        refused("SELECT $1 AS b", "42P02 there is no parameter $1");
        refused("SELEC", "42601 syntax error at or near \"SELEC\"");
        refused(
            "SELECT * FROM nowhere",
            "42P01 relation \"nowhere\" does not exist",
        );
        refused(
            "SELECT point(1, 2) AS p, 1 AS b",
            "0A000 cannot use column \"p\" of type point",
        );
        assert_eq!(Spi::get_one::<i64>("SELECT count(*) FROM t"), Ok(Some(1)));
    }

    #[pg_test]
    fn every_reading_statement_is_accepted() {
        Spi::run("CREATE TABLE t AS SELECT 1 AS a").expect("made");
        for query in [
            "TABLE t",
            "VALUES (1)",
            "SELECT a FROM t",
            "WITH c AS (SELECT * FROM t) SELECT a FROM c",
            "(SELECT 1) UNION SELECT 1",
            "SELECT 1;",
        ] {
            assert_eq!(values(query), ["1"], "{query}");
        }
    }
}
