#[pgrx::pg_schema]
mod tests {
    use pgrx::prelude::*;

    use crate::in_backend::outcome::{assert_outcome, houses, outcome, text};

    fn run(sql: &str) {
        Spi::run(sql).expect("runs");
    }

    fn train(model: &str, query: &str, target: &str) {
        run(&format!(
            "SELECT ml_train('{model}', $q${query}$q$, '{target}', epochs => 2, validation_split => 0)"
        ));
    }

    /// `m`: area number, garden boolean, city text, price the target; one row of `houses` has no city.
    fn model() {
        houses(120);
        run("UPDATE houses SET city = NULL WHERE id = 7");
        train("m", "SELECT area, garden, city, price FROM houses", "price");
    }

    /// The single outcome of several calls of ml_predict on the same row.
    #[track_caller]
    fn same(calls: &[&str], from: &str) {
        let list = calls.join("), (");
        let distinct = format!(
            "SELECT string_agg(DISTINCT n::text, ',') FROM (SELECT count(DISTINCT v) AS n FROM {from}, LATERAL (VALUES ({list})) AS answers(v) GROUP BY id) AS counted"
        );
        assert_eq!(text(&distinct), "1", "{calls:?}");
    }

    #[pg_test]
    fn every_form_gives_the_same_answer() {
        model();
        let calls = [
            "ml_predict('m', area, garden, city)",
            "ml_predict('m', h)",
            "ml_predict('m', ROW(area, garden, city))",
            "ml_predict('m', (area, garden, city))",
            "ml_predict('m', to_jsonb(h))",
            "ml_predict('m', to_json(h))",
            "ml_predict('m', json_build_object('extra', 'x', 'city', city, 'garden', garden, 'area', area))",
            "ml_predict('m', area::numeric, garden, city::varchar)",
            "ml_predict('m', area::int, garden, city::char(20))",
            "(SELECT ml_predict('m', s) FROM (SELECT city, id AS junk, area, garden) AS s)",
            "(SELECT ml_predict('m', s) FROM (SELECT city, id AS junk, area, garden OFFSET 0) AS s)",
            "(SELECT ml_predict('m', r) FROM (SELECT ROW(area, garden, city) AS r OFFSET 0) AS s)",
            "(SELECT ml_predict('m', c) FROM (SELECT area, garden, city) AS c(area, garden, city))",
        ];
        same(&calls, "houses AS h");
        let spread = "SELECT (count(DISTINCT ml_predict('m', h)) > 10)::text FROM houses AS h";
        assert_eq!(text(spread), "true", "the answers depend on the row");
    }

    #[pg_test]
    fn objects_of_any_size_are_read() {
        // Entries hold an offset every 32, and numbers lie aligned between texts of any length.
        let columns = (1..=70)
            .map(|i| match i % 5 {
                0 => format!("repeat('x', (i * {i}) % 7) AS t{i}"),
                1 => format!("(i % {i} = 0) AS b{}", "_".repeat(i % 13) + &i.to_string()),
                2 => format!("nullif(i % {i}, 1) AS \"ö{i}\""),
                _ => format!("(random() * 10 ^ (i % {i}))::float8 AS n{i}"),
            })
            .collect::<Vec<_>>()
            .join(", ");
        run(&format!(
            "CREATE TABLE many AS SELECT i AS id, {columns}, random() AS price FROM generate_series(1, 50) AS i"
        ));
        run(
            "SELECT ml_train('many', 'SELECT * FROM many', 'price', exclude => '{id}', epochs => 1)",
        );
        same(
            &[
                "ml_predict('many', m)",
                "ml_predict('many', to_jsonb(m))",
                "ml_predict('many', to_json(m))",
                "ml_predict('many', to_jsonb(m) || '{\"a\": [1, {\"b\": 2}], \"zzzzzzzzzzzzzzzzzzzzz\": \"z\", \"t6\": 7}')",
            ],
            "many AS m",
        );
        let kinds = "SELECT count(DISTINCT ml_predict('many', to_jsonb(m)))::text FROM many AS m";
        assert_eq!(text(kinds), "50");
        for key in ["t5", "t70", "n3", "ö2"] {
            assert_outcome(
                &format!("SELECT ml_predict('many', to_jsonb(m) - '{key}') FROM many AS m"),
                &format!("42703 column \"{key}\" is missing"),
            );
        }
        assert_outcome(
            "SELECT ml_predict('many', '{}'::jsonb)",
            "42703 column \"b_1\" is missing",
        );
    }

    #[pg_test]
    fn answers_are_those_of_the_evaluation() {
        model();
        run("DELETE FROM houses WHERE city IS NULL");
        let agree = "SELECT (abs(ours.mae - theirs.value) < 1e-9 * theirs.value)::text
                       FROM (SELECT avg(abs(ml_predict('m', h) - price)) AS mae FROM houses AS h) AS ours,
                            ml_evaluate('m', 'TABLE houses') AS theirs WHERE theirs.metric = 'mae'";
        assert_eq!(text(agree), "true");
    }

    #[pg_test]
    fn untyped_literals_are_read_as_the_column_is() {
        model();
        let calls = [
            "ml_predict('m', 107, true, 'Berlin')",
            "ml_predict('m', '107', 'yes', 'Berlin')",
            "ml_predict('m', ' 1.07e2 ', 't', 'Berlin')",
            "ml_predict('m', 107::bigint, '1', 'Berlin'::text)",
            "ml_predict('m', 107::smallint, 'on', 'Berlin'::name)",
            "ml_predict('m', 107::real, TRUE, 'Berlin'::char(9))",
            "ml_predict('m', ROW('107', 'true', 'Berlin'))",
        ];
        same(&calls, "(SELECT 1 AS id) AS one");
        assert_outcome(
            "SELECT ml_predict('m', 'tall', true, 'x')",
            "22P02 cannot read \"tall\" as a number for feature \"area\"",
        );
        assert_outcome(
            "SELECT ml_predict('m', 1, 'maybe', 'x')",
            "22P02 cannot read \"maybe\" as a boolean for feature \"garden\"",
        );
    }

    #[pg_test]
    fn a_null_feature_follows_the_model_and_a_null_model_gives_null() {
        model();
        let calls = [
            "ml_predict('m', NULL, NULL, NULL)",
            "ml_predict('m', NULL::float8, NULL::boolean, NULL::text)",
            "ml_predict('m', ROW(NULL::float4, NULL, NULL))",
            "ml_predict('m', '{\"area\": null, \"garden\": null, \"city\": null}'::jsonb)",
            "(SELECT ml_predict('m', s) FROM (SELECT NULL::int AS area, NULL::boolean AS garden, NULL::text AS city) AS s)",
        ];
        same(&calls, "(SELECT 1 AS id) AS one");
        assert_eq!(
            text("SELECT (ml_predict('m', NULL, NULL, NULL) IS NULL)::text"),
            "false"
        );
        for function in [
            "ml_predict",
            "ml_predict_class",
            "ml_predict_proba",
            "ml_predict_values",
        ] {
            assert_eq!(
                text(&format!("SELECT ({function}(NULL, 1) IS NULL)::text")),
                "true"
            );
            assert_eq!(
                text(&format!(
                    "SELECT ({function}(NULL::text, h) IS NULL)::text FROM houses AS h LIMIT 1"
                )),
                "true"
            );
        }
        // Without a row, an object or an array there is nothing to score.
        for nothing in ["NULL::houses", "NULL::jsonb", "NULL::json"] {
            assert_eq!(
                text(&format!("SELECT ml_predict('m', {nothing})::text")),
                "NULL",
                "{nothing}"
            );
        }
        let joined = "SELECT count(ml_predict('m', h)) || ' of ' || count(*) FROM (VALUES (1), (-1)) AS v(id) LEFT JOIN houses AS h USING (id)";
        assert_eq!(text(joined), "1 of 2");
    }

    #[pg_test]
    fn an_array_is_spread() {
        houses(60);
        train("numbers", "SELECT area, rooms, price FROM houses", "price");
        train("words", "SELECT city, class, price FROM houses", "price");
        train("one", "SELECT area, price FROM houses", "price");
        let calls = [
            "ml_predict('numbers', 70, 3)",
            "ml_predict('numbers', VARIADIC ARRAY[70, 3])",
            "ml_predict('numbers', VARIADIC ARRAY[70, 3]::float8[])",
            "ml_predict('numbers', VARIADIC ARRAY[70, 3]::real[])",
            "ml_predict('numbers', VARIADIC ARRAY[70, 3]::numeric[])",
            "ml_predict('numbers', VARIADIC '[0:1]={70,3}'::bigint[])",
            "ml_predict('numbers', VARIADIC ARRAY[70, 3]::smallint[])",
        ];
        same(&calls, "(SELECT 1 AS id) AS one");
        let calls = [
            "ml_predict('numbers', NULL, 3)",
            "ml_predict('numbers', VARIADIC ARRAY[NULL, 3])",
        ];
        same(&calls, "(SELECT 1 AS id) AS one");
        let calls = [
            "ml_predict('words', 'Köln', 'low')",
            "ml_predict('words', VARIADIC ARRAY['Köln', 'low'])",
            "ml_predict('words', VARIADIC ARRAY['Köln', 'low']::varchar[])",
        ];
        same(&calls, "(SELECT 1 AS id) AS one");
        assert_eq!(
            text("SELECT ml_predict('numbers', VARIADIC NULL::float8[])::text"),
            "NULL"
        );
        assert_outcome(
            "SELECT ml_predict('numbers', VARIADIC ARRAY[1, 2, 3])",
            "22000 model \"numbers\" expects 2 features, not 3",
        );
        assert_outcome(
            "SELECT ml_predict('one', VARIADIC ARRAY[]::int[])",
            "22000 model \"one\" expects 1 feature, not 0",
        );
        assert_outcome(
            "SELECT ml_predict('numbers', VARIADIC ARRAY['1', '2'])",
            "42804 column \"area\" must be a number, not text",
        );
        assert_outcome(
            "SELECT ml_predict('one', VARIADIC ARRAY['1'::bytea])",
            "42804 cannot use array elements of type bytea as a feature",
        );
    }

    #[pg_test]
    fn a_model_of_one_feature_takes_a_single_value() {
        houses(60);
        train("number", "SELECT area, price FROM houses", "price");
        train("word", "SELECT city, price FROM houses", "price");
        let calls = [
            "ml_predict('number', 70)",
            "ml_predict('number', '70')",
            "ml_predict('number', 70.0::numeric)",
            "ml_predict('number', ROW(70))",
            "ml_predict('number', VARIADIC ARRAY[70])",
            "ml_predict('number', '{\"area\": 70}'::jsonb)",
            "(SELECT ml_predict('number', h) FROM (SELECT 70 AS area) AS h)",
        ];
        same(&calls, "(SELECT 1 AS id) AS one");
        same(
            &[
                "ml_predict('word', 'Köln')",
                "ml_predict('word', 'Köln'::text)",
            ],
            "(SELECT 1 AS id) AS one",
        );
        let hinted = "42804 cannot tell whether an untyped literal is an object or a text";
        assert_outcome("SELECT ml_predict('word', '{\"city\": \"Köln\"}')", hinted);
        assert_outcome("SELECT ml_predict('number', ' {\"area\": 70}')", hinted);
        assert_outcome(
            "SELECT ml_predict('word', '{\"city\": \"Köln\"}'::text)",
            "00000",
        );
        assert_outcome(
            "SELECT ml_predict('number', 70, 3)",
            "22000 model \"number\" expects 1 feature, not 2",
        );
    }

    #[pg_test]
    fn what_does_not_fit_is_refused() {
        model();
        for (call, expected) in [
            (
                "ml_predict('m', 1, true)",
                "22000 model \"m\" expects 3 features, not 2",
            ),
            (
                "ml_predict('m', 1)",
                "22000 model \"m\" expects 3 features, not 1",
            ),
            (
                "ml_predict('m', ROW(1, true))",
                "22000 model \"m\" expects 3 features, not 2",
            ),
            (
                "ml_predict('m', ROW(1, true, 'x', 2))",
                "22000 model \"m\" expects 3 features, not 4",
            ),
            (
                "ml_predict('m', '{\"area\": 1}')",
                "42804 cannot tell whether an untyped literal is an object or a text",
            ),
            (
                "ml_predict('m', '1'::text, true, 'x')",
                "42804 column \"area\" must be a number, not text",
            ),
            (
                "ml_predict('m', 1, true, 5)",
                "42804 column \"city\" must be text, not a number",
            ),
            (
                "ml_predict('m', 1, 1, 'x')",
                "42804 column \"garden\" must be a boolean, not a number",
            ),
            (
                "ml_predict('m', true, true, 'x')",
                "42804 column \"area\" must be a number, not a boolean",
            ),
            (
                "ml_predict('m', now(), true, 'x')",
                "42804 column \"area\" must be a number, not a timestamp with time zone",
            ),
            (
                "ml_predict('m', '1'::bytea, true, 'x')",
                "42804 cannot use argument 2 of type bytea as a feature",
            ),
            (
                "ml_predict('m', h, true, 'x')",
                "42804 cannot use argument 2 of type houses as a feature",
            ),
            ("ml_predict('m', 'NaN'::float8, true, 'x')", "22003"),
            ("ml_predict('m', '-Infinity', true, 'x')", "22003"),
            ("ml_predict_class('m', h)", "42809"),
            ("ml_predict_proba('m', h)", "42809"),
            ("ml_predict('', h)", "42704 model \"\" does not exist"),
            ("ml_predict('M', h)", "42704 model \"M\" does not exist"),
            (
                "ml_predict('m', '[1]'::jsonb)",
                "42804 features as JSON must be an object, not an array",
            ),
            (
                "ml_predict('m', '1'::jsonb)",
                "42804 features as JSON must be an object, not a single value",
            ),
            (
                "ml_predict('m', 'null'::json)",
                "42804 features as JSON must be an object, not a single value",
            ),
            (
                "ml_predict('m', '{}'::jsonb)",
                "42703 column \"area\" is missing",
            ),
            (
                "ml_predict('m', '{\"area\": \"1\", \"garden\": true, \"city\": \"x\"}'::jsonb)",
                "42804 feature \"area\" is a number, but the object has a string",
            ),
            (
                "ml_predict('m', '{\"area\": 1, \"garden\": 1, \"city\": \"x\"}'::jsonb)",
                "42804 feature \"garden\" is a boolean, but the object has a number",
            ),
            (
                "ml_predict('m', '{\"area\": 1, \"garden\": true, \"city\": 5}'::json)",
                "42804 feature \"city\" is a text, but the object has a number",
            ),
            (
                "ml_predict('m', '{\"area\": [1], \"garden\": true, \"city\": \"x\"}'::json)",
                "42804 feature \"area\" is a number, but the object has an object or array",
            ),
            (
                "ml_predict('m', '{\"area\": 1e400, \"garden\": true, \"city\": \"x\"}'::jsonb)",
                "22003",
            ),
        ] {
            let found = outcome(&format!("SELECT {call} FROM houses AS h"));
            assert!(found.starts_with(expected), "{call}: {found}");
        }
        for (row, expected) in [
            (
                "area AS aera, garden, city",
                "42703 column \"area\" is missing",
            ),
            ("area, garden", "42703 column \"city\" is missing"),
            (
                "area::text, garden, city",
                "42804 column \"area\" must be a number, not text",
            ),
            (
                "area, garden::int, city",
                "42804 column \"garden\" must be a boolean, not a number",
            ),
            (
                "area, garden, id AS city",
                "42804 column \"city\" must be text, not a number",
            ),
            (
                "'1'::bytea AS area, garden, city",
                "42804 cannot use column \"area\" of type bytea as a feature",
            ),
            (
                "area, garden, city, area",
                "42701 two columns are named \"area\"",
            ),
            ("area, garden, city, now() AS anything, id, id", "00000"),
        ] {
            assert_outcome(
                &format!("SELECT ml_predict('m', s) FROM (SELECT {row} FROM houses) AS s"),
                expected,
            );
        }
    }

    #[pg_test]
    fn classes_and_their_probabilities() {
        houses(120);
        train("two", "SELECT area, rooms, large FROM houses", "large");
        train("three", "SELECT area, rooms, class FROM houses", "class");
        let both = "SELECT bool_and(p ?& ARRAY['false', 'true']
                        AND abs((p->>'false')::float8 + (p->>'true')::float8 - 1) < 1e-6
                        AND abs((p->>'true')::float8 - ml_predict('two', h)) < 1e-6
                        AND (ml_predict_class('two', h) = 'true') = (ml_predict('two', h) > 0.5))::text
                      FROM houses AS h, LATERAL (SELECT ml_predict_proba('two', h) AS p) AS s";
        assert_eq!(text(both), "true");
        let largest = "SELECT bool_and((SELECT count(*) = 3 AND abs(sum(value::float8) - 1) < 1e-5 FROM jsonb_each_text(p))
                        AND (p->>ml_predict_class('three', area, rooms))::float8 = (SELECT max(value::float8) FROM jsonb_each_text(p))
                        AND ml_predict_values('three', h) = ARRAY[p->>'high', p->>'low', p->>'mid']::float4[])::text
                      FROM houses AS h, LATERAL (SELECT ml_predict_proba('three', to_jsonb(h)) AS p) AS s";
        assert_eq!(text(largest), "true");
    }

    #[pg_test(error = "target \"class\" has 3 classes, not one number")]
    fn three_classes_are_not_one_number() {
        houses(60);
        train("three", "SELECT area, class FROM houses", "class");
        run("SELECT ml_predict('three', 1)");
    }

    #[pg_test]
    fn names_and_labels_may_be_anything() {
        run(
            r#"CREATE TABLE odd AS SELECT i::float8 AS "größe m²", 'it''s' || i % 2 AS "a ""b"", c", (ARRAY['"q"', E'\\', 'ü,{}'])[1 + i % 3] AS label FROM generate_series(1, 90) AS i"#,
        );
        train("it''s \"mine\" -- 雪", "TABLE odd", "label");
        let keys = r#"SELECT (ml_predict_proba('it''s "mine" -- 雪', o) ?& ARRAY['"q"', E'\\', 'ü,{}'])::text FROM odd AS o LIMIT 1"#;
        assert_eq!(text(keys), "true");
        let forms = r#"SELECT bool_and(ml_predict_class(m, o) = ml_predict_class(m, "größe m²", "a ""b"", c") AND ml_predict_class(m, o) = ml_predict_class(m, to_json(o)))::text FROM odd AS o, (VALUES ('it''s "mine" -- 雪')) AS v(m)"#;
        assert_eq!(text(forms), "true");
    }

    #[pg_test]
    fn rows_of_every_origin_are_understood() {
        model();
        run(
            "ALTER TABLE houses DROP COLUMN rooms, ADD COLUMN rooms int, ADD COLUMN later text DEFAULT 'x'",
        );
        same(
            &["ml_predict('m', h)", "ml_predict('m', area, garden, city)"],
            "houses AS h",
        );
        run("CREATE TYPE house AS (city text, area real, garden boolean);
             CREATE TABLE stored AS SELECT id, ROW(repeat('city', 5000), area, garden)::house AS h, area, garden, repeat('city', 5000) AS city FROM houses;
             ALTER TYPE house ADD ATTRIBUTE extra int");
        same(
            &[
                "ml_predict('m', h)",
                "ml_predict('m', area, garden, city)",
                "ml_predict('m', to_jsonb(h))",
            ],
            "stored",
        );
        run("DO $$ DECLARE r record; named house; expected float8; BEGIN
                 FOR i IN 1..40 LOOP
                     SELECT ml_predict('m', area, garden, city) INTO expected FROM houses WHERE id = i;
                     IF i % 2 = 0 THEN SELECT city, garden, area INTO r FROM houses WHERE id = i;
                     ELSE SELECT i AS junk, area, city, garden INTO r FROM houses WHERE id = i; END IF;
                     IF ml_predict('m', r) <> expected THEN RAISE 'row %', i; END IF;
                     SELECT city, area, garden INTO named FROM houses WHERE id = i;
                     IF ml_predict('m', named) <> expected THEN RAISE 'named row %', i; END IF;
                 END LOOP;
                 ALTER TYPE house DROP ATTRIBUTE extra, DROP ATTRIBUTE garden;
                 BEGIN PERFORM ml_predict('m', named); RAISE 'not noticed';
                 EXCEPTION WHEN undefined_column THEN NULL; END;
             END $$");
    }

    #[pg_test]
    fn enums_and_domains_are_their_base_types() {
        houses(60);
        run(
            "CREATE DOMAIN square_metres AS numeric CHECK (VALUE > 0); CREATE DOMAIN pair AS float8[]",
        );
        train("m", "SELECT area, heating, price FROM houses", "price");
        let calls = [
            "ml_predict('m', 70, 'gas'::heating)",
            "ml_predict('m', 70, 'gas')",
            "ml_predict('m', 70::square_metres, 'gas'::text)",
            "ml_predict('m', '{\"area\": 70, \"heating\": \"gas\"}'::json)",
            "(SELECT ml_predict('m', s) FROM (SELECT 'gas'::heating AS heating, 70::square_metres AS area) AS s)",
        ];
        same(&calls, "(SELECT 1 AS id) AS one");
        // A simple expression of PL/pgSQL outlives the statement that renames the label.
        run("DO $$ DECLARE h heating := 'gas'; gas float8; coal float8; wood float8; answer float8; BEGIN
                 gas := ml_predict('m', 70, 'gas'); coal := ml_predict('m', 70, 'coal'); wood := ml_predict('m', 70, 'wood');
                 FOR step IN 1..3 LOOP
                     answer := ml_predict('m', 70, h);
                     IF answer <> (ARRAY[gas, coal, wood])[step] THEN RAISE 'step %: %', step, answer; END IF;
                     IF step = 1 THEN ALTER TYPE heating RENAME VALUE 'gas' TO 'coal'; END IF;
                     IF step = 2 THEN ALTER TYPE heating RENAME VALUE 'wood' TO 'turf'; ALTER TYPE heating RENAME VALUE 'coal' TO 'wood'; END IF;
                 END LOOP;
             END $$");
        train("numbers", "SELECT area, rooms, price FROM houses", "price");
        same(
            &[
                "ml_predict('numbers', 70, 3)",
                "ml_predict('numbers', VARIADIC ARRAY[70, 3]::pair)",
            ],
            "(SELECT 1 AS id) AS one",
        );
    }

    #[pg_test(error = "could not determine the type of argument 2")]
    fn a_call_without_an_expression_is_refused() {
        let function =
            Spi::get_one::<pg_sys::Oid>("SELECT 'ml_predict(text, \"any\")'::regprocedure::oid")
                .expect("runs")
                .expect("found");
        let (model, feature) = (
            "m".into_datum().expect("text"),
            1.0_f64.into_datum().expect("float8"),
        );
        // SAFETY: text and float8 are what the function takes.
        unsafe { pg_sys::OidFunctionCall2Coll(function, pg_sys::InvalidOid, model, feature) };
    }
}
