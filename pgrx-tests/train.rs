#[pgrx::pg_schema]
mod tests {
    use pgrx::prelude::*;

    use crate::in_backend::outcome::{assert_outcome, houses, outcome, text};
    use crate::in_backend::release::temp_file_limit_exceeded;

    /// Trains `m` quickly on `query`.
    fn quick(query: &str, target: &str) -> String {
        format!("SELECT ml_train('m', $q${query}$q$, $t${target}$t$, epochs => 2)")
    }

    #[pg_test]
    fn one_row_answers_with_what_was_used() {
        houses(300);
        let row = "SELECT concat_ws(' ', model, version, rows, epochs, loss > 0, val_loss > 0, metrics ?& ARRAY['mae', 'r2'], seconds > 0, deployed)
                     FROM ml_train('prices', 'TABLE houses', 'price', epochs => 3, exclude => '{id,large,class}')";
        assert_eq!(text(row), "prices 1 300 3 t t t t t");
        let stored = "SELECT concat_ws(' ', model, owner, version, task, target, rows, training_rows + validation_rows, epochs, query, size > 0, octet_length(sha256), trained_by, library_version)
                        FROM tablenet.models";
        let expected = format!(
            "prices postgres 1 regression price 300 300 3 TABLE houses t 32 postgres {}",
            env!("CARGO_PKG_VERSION")
        );
        assert_eq!(
            text(stored).replace(&text("SELECT current_user::text"), "postgres"),
            expected
        );
        assert_eq!(
            text(
                "SELECT string_agg(epoch::text, ' ' ORDER BY epoch) FROM ml_history('prices') WHERE loss > 0 AND val_loss > 0 AND metrics ? 'mae' AND val_metrics ? 'mae'"
            ),
            "1 2 3"
        );
        assert_eq!(
            text(
                "SELECT string_agg(concat_ws(' ', type, activation, output_shape), ', ') FROM ml_summary('prices')"
            ),
            "Dense tanh {128}, Dense tanh {64}, Dense linear {1}"
        );
    }

    #[pg_test]
    fn every_argument_is_taken() {
        houses(200);
        let statement = r#"SELECT concat_ws(' ', model, version, epochs) FROM ml_train(
            model => 'full', query => 'SELECT * FROM houses', target => 'class',
            layers => '[{"class_name": "Dense", "config": {"units": 8, "activation": "tanh"}},
                        {"class_name": "Dropout", "config": {"rate": 0.1}},
                        {"class_name": "Dense", "config": {"units": 3, "activation": "softmax"}}]',
            optimizer => '{"sgd": {"learning_rate": 0.05, "momentum": 0.9}}', loss => 'categorical_crossentropy',
            metrics => '{accuracy}', epochs => 4, batch_size => 16, validation_split => 0.25,
            callbacks => '[{"EarlyStopping": {"patience": 4, "restore_best_weights": true}}]',
            exclude => '{id,large}', shuffle => false, seed => -7, max_seconds => 60,
            engine => 'local', deploy => 'always')"#;
        assert_eq!(text(statement), "full 1 4");
        assert_eq!(
            text("SELECT string_agg(type, ' ') FROM ml_summary('full')"),
            "Dense Dropout Dense"
        );
        assert_eq!(text("SELECT task FROM tablenet.models"), "multiclass");
    }

    #[pg_test]
    fn what_is_not_built_yet_says_so() {
        houses(10);
        let train =
            |argument: &str| format!("SELECT ml_train('m', 'TABLE houses', 'price', {argument})");
        assert_outcome(
            &train("engine => 'citus'"),
            "0A000 engine => 'citus' of ml_train() is not supported yet",
        );
        assert_outcome(
            &train("deploy => 'perhaps'"),
            "22023 unknown deploy \"perhaps\"",
        );
        assert_outcome(
            &train("keep_versions => 0"),
            "22023 keep_versions must be at least 1, not 0",
        );
    }

    #[pg_test]
    fn an_array_of_one_target_is_that_target() {
        houses(50);
        let statement = "SELECT concat_ws(' ', model, rows) FROM ml_train('m', 'TABLE houses', ARRAY['price'], epochs => 1)";
        assert_eq!(text(statement), "m 50");
    }

    #[pg_test]
    fn nulls_and_values_out_of_range_are_refused() {
        houses(10);
        assert_outcome(
            "SELECT ml_train(NULL, 'TABLE houses', 'price')",
            "22004 model must not be null",
        );
        assert_outcome(
            "SELECT ml_train('m', NULL, 'price')",
            "22004 query must not be null",
        );
        assert_outcome(
            "SELECT ml_train('m', 'TABLE houses', NULL)",
            "22004 target must not be null",
        );
        assert_outcome(
            "SELECT ml_train('m', 'TABLE houses', NULL::text[])",
            "22004 target must not be null",
        );
        let train =
            |argument: &str| format!("SELECT ml_train('m', 'TABLE houses', 'price', {argument})");
        assert_outcome(
            &train("epochs => 0"),
            "22023 epochs must be at least 1, not 0",
        );
        assert_outcome(
            &train("batch_size => -3"),
            "22023 batch_size must be at least 1, not -3",
        );
        assert_outcome(
            &train("validation_split => 1"),
            "22023 validation_split must be at least 0 and less than 1, not 1",
        );
        assert_outcome(
            &train("metrics => '{mae,NULL}'"),
            "22004 metrics must not contain a null",
        );
        assert_outcome(
            "SELECT ml_train('', 'TABLE houses', 'price')",
            "22023 model name must not be empty",
        );
        assert_outcome(
            "SELECT ml_train('a@1', 'TABLE houses', 'price')",
            "22023 model name must not contain \"@\"",
        );
        assert_outcome(
            "SELECT ml_train(repeat('x', 64), 'TABLE houses', 'price')",
            "54000 model name must have at most 63 bytes, not 64",
        );
    }

    #[pg_test]
    fn words_are_checked_with_the_nearest_known_one() {
        houses(10);
        for (argument, sqlstate) in [
            ("optimizer => 'adan'", "22023"),
            ("optimizer => '{\"adam\": {\"learning_rat\": 1}}'", "22023"),
            ("optimizer => '{'", "22023"),
            ("loss => 'msee'", "22023"),
            ("metrics => '{maee}'", "22023"),
            ("callbacks => 'EarlyStoping'", "22023"),
            (
                "layers => '[{\"class_name\": \"Dens\", \"config\": {\"units\": 1}}]'",
                "22023",
            ),
            ("layers => '{}'", "22023"),
            ("layers => '[]'", "22023"),
            ("exclude => '{aera}'", "42703"),
        ] {
            let statement = format!("SELECT ml_train('m', 'TABLE houses', 'price', {argument})");
            let found = outcome(&statement);
            assert!(found.starts_with(sqlstate), "{argument}: {found}");
        }
        let nested = "SELECT ml_train('m', 'TABLE houses', 'price', layers => (repeat('[', 300) || repeat(']', 300))::jsonb)";
        assert!(
            outcome(nested).starts_with("22023 layers cannot be read"),
            "{}",
            outcome(nested)
        );
    }

    #[pg_test]
    fn data_that_cannot_be_learned_is_refused() {
        Spi::run("CREATE TABLE t (a float8, b float8, c text, p point)").expect("made");
        let refused = |query: &str, target: &str, sqlstate: &str, words: &str| {
            let found = outcome(&quick(query, target));
            assert!(
                found.starts_with(sqlstate) && found.contains(words),
                "{query}: {found}"
            );
        };
        refused("SELECT a, b FROM t", "b", "02000", "row");
        refused("SELECT 1.0 AS a, 2.0 AS b", "b", "21000", "row");
        refused(
            "SELECT i AS a, NULL::float8 AS b FROM generate_series(1, 9) AS i",
            "b",
            "22004",
            "\"b\" is NULL in all 9 rows",
        );
        refused(
            "SELECT i AS a, 'x' AS b FROM generate_series(1, 9) AS i",
            "b",
            "21000",
            "class",
        );
        refused(
            "SELECT i AS a, true AS b FROM generate_series(1, 9) AS i",
            "b",
            "21000",
            "class",
        );
        refused(
            "SELECT 'NaN'::float8 AS a, i::float8 AS b FROM generate_series(1, 9) AS i",
            "b",
            "22003",
            "a",
        );
        refused(
            "SELECT i AS a, 'Infinity'::float8 AS b FROM generate_series(1, 9) AS i",
            "b",
            "22003",
            "b",
        );
        refused(
            "SELECT i AS a, i AS price FROM generate_series(1, 9) AS i",
            "prize",
            "42703",
            "prize",
        );
        refused(
            "SELECT i AS a, i AS a, i AS b FROM generate_series(1, 9) AS i",
            "b",
            "42701",
            "a",
        );
        refused("SELECT i AS b FROM generate_series(1, 9) AS i", "b", "", "");
        refused(
            "SELECT point(1, 2) AS p, i AS b FROM generate_series(1, 9) AS i",
            "b",
            "0A000",
            "\"p\" of type point",
        );
        refused(
            "SELECT i AS a, NULL::xml AS b FROM generate_series(1, 9) AS i",
            "b",
            "0A000",
            "\"b\" of type xml",
        );
        refused(
            "SELECT 1e400::numeric AS a, i AS b FROM generate_series(1, 9) AS i",
            "b",
            "22003",
            "out of range",
        );
        refused(
            "SELECT i / 0 AS a, i AS b FROM generate_series(1, 9) AS i",
            "b",
            "22012",
            "division by zero",
        );
        Spi::run("SET LOCAL tablenet.work_mem = '1MB'").expect("set");
        let large = r#"SELECT ml_train('m', 'SELECT i AS a, i::float8 AS b FROM generate_series(1, 9) AS i', 'b', epochs => 1,
            layers => '[{"class_name": "Dense", "config": {"units": 100000}}, {"class_name": "Dense", "config": {"units": 1}}]')"#;
        assert!(outcome(large).starts_with("53200"), "{}", outcome(large));
        assert_eq!(
            text("SELECT count(*)::text FROM tablenet.stored_model"),
            "0"
        );
    }

    #[pg_test]
    fn an_excluded_column_may_have_any_type() {
        let query =
            "SELECT point(1, 2) AS p, i AS a, i::float8 AS b FROM generate_series(1, 50) AS i";
        let statement =
            format!("SELECT ml_train('m', '{query}', 'b', epochs => 1, exclude => '{{p}}')");
        assert_outcome(&statement, "00000");
        assert_outcome(
            &format!("SELECT * FROM ml_evaluate('m', '{query}')"),
            "00000",
        );
    }

    #[pg_test]
    fn a_volatile_query_runs_exactly_once() {
        Spi::run("CREATE SEQUENCE counted").expect("made");
        let query = "SELECT nextval('counted') AS a, random() AS b FROM generate_series(1, 200)";
        assert_outcome(
            &format!("SELECT ml_train('m', $$ {query} $$, 'b', epochs => 3)"),
            "00000",
        );
        assert_eq!(text("SELECT last_value::text FROM counted"), "200");
    }

    #[pg_test]
    fn names_may_be_anything() {
        Spi::run(r#"CREATE TABLE "odd ""table""" AS SELECT i AS "größe m²", i % 3 AS "a ""b"" c", 'it''s' || i % 2 AS "SELECT;--", i::float8 AS "y$1" FROM generate_series(1, 60) AS i"#).expect("made");
        let train = r#"SELECT ml_train('it''s "mine"; --', 'SELECT *, ''q'' AS "''" FROM "odd ""table"""', 'y$1', epochs => 1)"#;
        assert_outcome(train, "00000");
        assert_eq!(
            text("SELECT model || ': ' || query FROM tablenet.models"),
            r#"it's "mine"; --: SELECT *, 'q' AS "'" FROM "odd ""table""""#
        );
        assert_outcome(
            r#"SELECT * FROM ml_evaluate('it''s "mine"; --', 'SELECT *, ''q'' AS "''" FROM "odd ""table"""')"#,
            "00000",
        );
    }

    #[pg_test]
    fn a_retraining_counts_versions_and_the_same_seed_gives_the_same_bytes() {
        houses(100);
        let train = |seed: i32| {
            text(&format!(
                "SELECT version::text FROM ml_train('m', 'SELECT area, rooms, price FROM houses', 'price', epochs => 2, seed => {seed})"
            ))
        };
        let sha256 = || text("SELECT encode(sha256, 'hex') FROM tablenet.models");
        assert_eq!(train(1), "1");
        let first = sha256();
        assert_eq!(train(1), "2");
        assert_eq!(sha256(), first);
        assert_eq!(train(2), "3");
        assert_ne!(sha256(), first);
        assert_eq!(
            text(
                "SELECT concat_ws(' ', (SELECT count(*) FROM tablenet.stored_model), (SELECT count(*) FROM tablenet.stored_version), (SELECT count(DISTINCT version) FROM tablenet.stored_chunk))"
            ),
            "1 3 3"
        );
    }

    #[pg_test]
    fn training_works_inside_plpgsql_and_rolls_back_with_its_savepoint() {
        houses(60);
        Spi::run(
            "DO $$ DECLARE r record; BEGIN
                 SELECT * INTO r FROM ml_train('kept', 'TABLE houses', 'price', epochs => 1);
                 IF r.version <> 1 THEN RAISE 'version %', r.version; END IF;
                 BEGIN
                     PERFORM ml_train('kept', 'TABLE houses', 'price', epochs => 1);
                     PERFORM ml_train('lost', 'TABLE houses', 'price', epochs => 1);
                     RAISE EXCEPTION 'undo';
                 EXCEPTION WHEN raise_exception THEN NULL;
                 END;
                 PERFORM * FROM ml_evaluate('kept', 'TABLE houses');
             END $$",
        )
        .expect("trained");
        assert_eq!(
            text("SELECT string_agg(model || ' ' || version, ', ') FROM tablenet.models"),
            "kept 1"
        );
    }

    #[pg_test]
    fn a_temporary_file_holds_what_memory_does_not() {
        let columns = (1..=16)
            .map(|k| format!("sin(i * {k}) AS f{k}, "))
            .collect::<String>();
        Spi::run(&format!(
            "CREATE TABLE many AS SELECT {columns} cos(i) AS y FROM generate_series(1, 60000) AS i"
        ))
        .expect("made");
        let train = r#"SELECT ml_train('m', 'TABLE many', 'y', epochs => 1, batch_size => 256, layers => '[{"class_name": "Dense", "config": {"units": 8}}, {"class_name": "Dense", "config": {"units": 1}}]')"#;
        let sha256 = "SELECT encode(sha256, 'hex') FROM tablenet.models";
        Spi::run("SET LOCAL tablenet.work_mem = '6MB'").expect("set");
        assert_outcome(train, "00000");
        assert_eq!(text("SELECT count(*)::text FROM pg_ls_tmpdir()"), "0");
        let spilled = text(sha256);
        assert_outcome(train, "00000");
        assert_eq!(text(sha256), spilled, "the same seed, the same bytes");
        Spi::run("SET LOCAL temp_file_limit = '64kB'").expect("set");
        assert_outcome(train, &temp_file_limit_exceeded(64));
    }
}
