#[pgrx::pg_schema]
mod tests {
    use pgrx::prelude::*;

    use crate::in_backend::outcome::{assert_outcome, houses, outcome, text};

    fn run(sql: &str) {
        Spi::run(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    fn train(model: &str, query: &str, target: &str) {
        run(&format!(
            "SELECT ml_train('{model}', $q${query}$q$, '{target}', epochs => 2, validation_split => 0)"
        ));
    }

    /// `m`: area number, garden boolean, city text, price the target; `value` holds it as one.
    fn value_model() {
        houses(120);
        run("UPDATE houses SET city = NULL WHERE id = 7");
        train("m", "SELECT area, garden, city, price FROM houses", "price");
        run("CREATE TABLE value AS SELECT ml_model('m') AS m");
    }

    /// How many different answers these calls give for each row.
    #[track_caller]
    fn assert_same(calls: &[&str], from: &str) {
        let list = calls.join("), (");
        let distinct = format!(
            "SELECT string_agg(DISTINCT n::text, ',') FROM (SELECT count(DISTINCT v) AS n FROM {from}, LATERAL (VALUES ({list})) AS answers(v) GROUP BY id) AS counted"
        );
        assert_eq!(text(&distinct), "1", "{calls:?}");
    }

    #[pg_test]
    fn a_value_answers_as_its_name_does() {
        value_model();
        assert_same(
            &[
                "ml_predict('m', area, garden, city)",
                "ml_predict(m, area, garden, city)",
                "ml_predict(m, h)",
                "ml_predict((SELECT ml_model('m')), h)",
                "ml_predict(ml_model('m'), area, garden, city)",
                "ml_predict(m, to_jsonb(h))",
                "ml_predict(m, to_json(h))",
                "ml_predict(m, '{city,area,garden}'::name[], city, area, garden)",
                "ml_predict(m, area::numeric, garden, city::varchar)",
                "ml_predict(m, area::int, garden, city::char(20))",
                "ml_predict(m::text::tablenet.model, area, garden, city)",
                "ml_predict(m::bytea::tablenet.model, area, garden, city)",
                "(SELECT ml_predict(m, s) FROM (SELECT city, id AS junk, area, garden) AS s)",
            ],
            "houses AS h, value",
        );
        let spread = "SELECT (count(DISTINCT ml_predict(m, h)) > 10)::text FROM houses AS h, value";
        assert_eq!(text(spread), "true", "the answers depend on the row");
        assert_eq!(
            text(
                "SELECT (ml_predict(m, '120', 'yes', 'Berlin') = ml_predict('m', 120, true, 'Berlin'))::text FROM value"
            ),
            "true"
        );
    }

    #[pg_test]
    fn the_siblings_answer_as_by_name() {
        houses(120);
        train("c", "SELECT area, rooms, class FROM houses", "class");
        for sibling in ["ml_predict_class", "ml_predict_proba", "ml_predict_values"] {
            assert_same(
                &[
                    &format!("{sibling}('c', area, rooms)::text"),
                    &format!("{sibling}((SELECT ml_model('c')), area, rooms)::text"),
                    &format!("{sibling}(ml_model('c@1'), to_jsonb(h))::text"),
                ],
                "houses AS h",
            );
        }
        assert_outcome(
            "SELECT ml_predict(ml_model('c'), 1, 2)",
            "42809 target \"class\" has 3 classes, not one number",
        );
    }

    #[pg_test]
    fn values_of_a_table_alternate_within_a_statement() {
        houses(120);
        train("a", "SELECT area, price FROM houses", "price");
        train("b", "SELECT rooms AS area, price FROM houses", "price");
        run(
            "CREATE TABLE many AS SELECT * FROM (VALUES (0, ml_model('a'), 'a'), (1, ml_model('b'), 'b')) AS v(g, m, name)",
        );
        for storage in ["external", "extended", "main"] {
            run(&format!(
                "ALTER TABLE many ALTER m SET STORAGE {storage}; UPDATE many SET m = m::bytea::tablenet.model"
            ));
            assert_same(
                &["ml_predict(m, area)", "ml_predict(name, area)"],
                "houses JOIN many ON g = id % 2",
            );
        }
        // What a pointer leads to in one statement is no matter in the next: the call site of a function outlives it.
        run("CREATE FUNCTION ask() RETURNS float8 LANGUAGE plpgsql AS $$
             DECLARE a float8; BEGIN SELECT ml_predict(m, 100) INTO a FROM many WHERE g = 0; RETURN a; END $$");
        let both = "SELECT (ask() = ml_predict(name, 100))::text FROM many WHERE g = 0";
        assert_eq!(text(both), "true");
        run("UPDATE many SET m = ml_model('b'), name = 'b' WHERE g = 0");
        assert_eq!(text(both), "true");
    }

    #[pg_test]
    fn what_can_change_without_an_argument_is_refused() {
        value_model();
        let row = "0A000 a model that is a value cannot score a whole row here";
        for call in [
            "SELECT ml_predict(m, ROW(1, true, 'x')) FROM value",
            "SELECT ml_predict(m, h) FROM value LEFT JOIN houses AS h ON id = 1",
            "SELECT ml_predict(m, r) FROM value, (SELECT h AS r FROM houses AS h OFFSET 0) AS s",
        ] {
            assert_outcome(call, row);
        }
        train("e", "SELECT area, heating, price FROM houses", "price");
        run("CREATE DOMAIN warm AS heating");
        for call in [
            "ml_predict(ml_model('e'), area, heating)",
            "ml_predict(ml_model('e'), h)",
            "ml_predict(ml_model('e'), area, heating::warm)",
            "ml_predict(ml_model('e'), '{heating,area}'::name[], heating, area)",
        ] {
            assert_outcome(
                &format!("SELECT {call} FROM houses AS h"),
                "0A000 a model that is a value cannot score an enum",
            );
        }
        assert_same(
            &[
                "ml_predict('e', h)",
                "ml_predict(ml_model('e'), area, heating::text)",
                "ml_predict(ml_model('e'), to_jsonb(h))",
            ],
            "houses AS h",
        );
        // Others than features may be enums.
        assert_same(
            &["ml_predict('m', h)", "ml_predict((SELECT m FROM value), h)"],
            "houses AS h",
        );
    }

    #[pg_test]
    fn a_name_stays_a_name() {
        value_model();
        run("CREATE DOMAIN model_name AS text");
        let expected =
            text("SELECT ml_predict('m', area, garden, city)::text FROM houses WHERE id = 1");
        for name in [
            "'m'",
            "'m'::varchar",
            "'m'::name",
            "'m'::char(1)",
            "'m'::model_name",
            "('m' || '')",
        ] {
            let query = format!(
                "SELECT ml_predict({name}, area, garden, city)::text FROM houses WHERE id = 1"
            );
            assert_eq!(text(&query), expected, "{name}");
        }
        run(
            "PREPARE by_name AS SELECT ml_predict($1, area, garden, city) FROM houses WHERE id = 1",
        );
        assert_eq!(
            text("SELECT parameter_types::text FROM pg_prepared_statements WHERE name = 'by_name'"),
            "{text}"
        );
        run(
            "PREPARE by_value (tablenet.model) AS SELECT ml_predict($1, area, garden, city) FROM houses WHERE id = 1",
        );
        for execute in ["EXECUTE by_name('m')", "EXECUTE by_value(ml_model('m'))"] {
            for _ in 0..7 {
                let found = Spi::get_one::<f64>(execute)
                    .expect("runs")
                    .expect("a number");
                assert_eq!(found.to_string(), expected, "{execute}");
            }
        }
        for none in ["NULL", "NULL::text", "NULL::tablenet.model"] {
            assert_eq!(
                text(&format!("SELECT ml_predict({none}, 1, true, 'x')::text")),
                "NULL"
            );
        }
        assert_outcome(
            "SELECT ml_predict(1, 2)",
            "42883 function ml_predict(integer, integer) does not exist",
        );
        assert_outcome(
            "SELECT ml_predict('x'::bytea, 2)",
            "42883 function ml_predict(bytea, integer) does not exist",
        );
    }

    #[pg_test]
    fn the_type_is_no_string_and_casts_nothing_by_itself() {
        let kind = "SELECT concat_ws(' ', typcategory, typstorage, typlen) FROM pg_type WHERE oid = 'tablenet.model'::regtype";
        assert_eq!(text(kind), "U e -1");
        let casts = "SELECT string_agg(concat(castcontext, castmethod), ',') FROM pg_cast
                      WHERE 'tablenet.model'::regtype IN (castsource, casttarget)";
        assert_eq!(text(casts), "ef,ef");
        let marks = "SELECT string_agg(DISTINCT concat(p.provolatile, p.proparallel, p.proisstrict), ',') FROM pg_proc p
                      WHERE p.proname LIKE 'ml\\_predict%' AND p.proargtypes[0] = 'tablenet.model'::regtype";
        assert_eq!(text(marks), "isf");
        assert_eq!(
            text(
                "SELECT concat(provolatile, proparallel, proisstrict) FROM pg_proc WHERE proname = 'ml_model'"
            ),
            "sst"
        );
    }

    #[pg_test]
    fn an_index_and_a_generated_column_may_hold_predictions() {
        value_model();
        run("ALTER TABLE houses ADD COLUMN m tablenet.model");
        run("UPDATE houses SET m = value.m FROM value");
        run(
            "CREATE INDEX predicted ON houses (ml_predict(m, area, garden, city));
             ALTER TABLE houses ADD COLUMN guess float8 GENERATED ALWAYS AS (ml_predict(m, area, garden, city)) STORED",
        );
        assert_same(&["guess", "ml_predict('m', area, garden, city)"], "houses");
        assert_outcome(
            "CREATE INDEX ON houses (ml_predict('m', area, garden, city))",
            "42P17 functions in index expression must be marked IMMUTABLE",
        );
    }

    #[pg_test]
    fn a_model_by_its_name_is_the_one_that_the_statement_sees() {
        value_model();
        let same = "SELECT (bool_and(m::text = ml_model('m')::text))::text FROM value";
        assert_eq!(text(same), "true");
        train("m", "SELECT area, garden, price FROM houses", "price");
        assert_eq!(text(same), "false");
        assert_eq!(
            text("SELECT (m::text = ml_model('m@1')::text)::text FROM value"),
            "true"
        );
        assert_outcome(
            "SELECT ml_model('none')",
            "42704 model \"none\" does not exist",
        );
        assert_outcome(
            "SELECT ml_model('m@9')",
            "42704 model \"m\" has no version 9",
        );
        assert_eq!(text("SELECT ml_model(NULL)::text"), "NULL");
        // Asked for with every row, under two names.
        assert_eq!(
            text("SELECT count(DISTINCT ml_model('m@' || 1 + id % 2)::text)::text FROM houses"),
            "2"
        );
    }

    #[pg_test]
    fn a_value_of_the_wrong_bytes_is_refused() {
        value_model();
        run("CREATE TABLE file AS SELECT m::bytea AS f FROM value");
        run("CREATE FUNCTION pg_temp.took(f bytea) RETURNS text LANGUAGE plpgsql AS $$
             BEGIN PERFORM f::tablenet.model; RETURN 'taken'; EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE; END $$");
        assert_eq!(text("SELECT pg_temp.took(f) FROM file"), "taken");
        // One byte changed, anywhere; cut short; with more behind it.
        let changed = "SELECT string_agg(DISTINCT pg_temp.took(set_byte(f, i, get_byte(f, i) # 1)), ',') FROM file, generate_series(0, length(f) - 1, 97) AS i";
        assert_eq!(text(changed), "22P03");
        let cut = "SELECT string_agg(DISTINCT pg_temp.took(substr(f, 1, i)), ',') FROM file, generate_series(0, length(f) - 1, 1009) AS i";
        assert_eq!(text(cut), "22P03");
        assert_eq!(text("SELECT pg_temp.took(f || '\\x00') FROM file"), "22P03");
        for (bytes, code) in [
            ("''", "22P02"),
            ("'AAAA'", "22P02"),
            ("'/////////////w=='", "22P02"),
            ("'****'", "22023"),
            ("'A'", "22023"),
        ] {
            let found = outcome(&format!("SELECT {bytes}::tablenet.model"));
            assert!(found.starts_with(code), "{bytes}: {found}");
        }
        // In lines, as encode() writes it.
        assert_eq!(
            text("SELECT (encode(f, 'base64')::tablenet.model::bytea = f)::text FROM file"),
            "true"
        );
    }

    #[pg_test]
    fn a_value_that_was_not_made_by_the_type_is_damaged() {
        value_model();
        run("CREATE TABLE file AS SELECT m::bytea AS f FROM value");
        // What only a superuser can do: from here on any bytes are a value.
        run("UPDATE pg_cast SET castmethod = 'b', castfunc = 0
              WHERE castsource = 'bytea'::regtype AND casttarget = 'tablenet.model'::regtype");
        let damaged = "XX001 a value of type tablenet.model is damaged";
        for forged in ["''", "'\\x0011'", "f", "sha256('') || f"] {
            assert_outcome(
                &format!(
                    "SELECT ml_predict(({forged})::bytea::tablenet.model, 1, true, 'x') FROM file"
                ),
                damaged,
            );
        }
        assert_outcome("SELECT '\\x0011'::bytea::tablenet.model::text", damaged);
        let answer = "SELECT (ml_predict((sha256(f) || f)::tablenet.model, 1, true, 'x') = ml_predict('m', 1, true, 'x'))::text FROM file";
        assert_eq!(text(answer), "true");
    }
}
