#[pgrx::pg_schema]
mod tests {
    use pgrx::prelude::*;

    use crate::in_backend::outcome::{assert_outcome, houses, outcome, text};
    use crate::train_agg::trace;

    fn run(sql: &str) {
        Spi::run(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// A column of lines.
    fn lines(query: &str) -> String {
        Spi::connect(|client| {
            let rows = client.select(query, None, &[]).expect("runs");
            let lines = rows.map(|row| row.get::<String>(1).expect("a text").unwrap_or_default());
            lines.collect::<Vec<_>>().join("\n")
        })
    }

    #[track_caller]
    fn assert_true(query: &str) {
        assert_eq!(text(&format!("SELECT ({query})::text")), "true");
    }

    #[pg_test]
    fn a_group_of_all_rows_gives_the_bytes_of_ml_train() {
        houses(200);
        run(
            "SELECT ml_train('m', 'SELECT area, garden, city, heating, price FROM houses', 'price', epochs => 3)",
        );
        let spec = r#"{"epochs": 3, "features": ["area", "garden", "city", "heating"]}"#;
        for call in [
            format!("ml_train_agg('{spec}', price, h) FROM houses AS h"),
            "ml_train_agg('{\"epochs\": 3, \"exclude\": [\"id\", \"rooms\", \"large\", \"class\"]}', price, h) FROM houses AS h".to_owned(),
            "ml_train_agg('{\"epochs\": 3}', price, h) FROM (SELECT area, garden, city, heating, price FROM houses) AS h".to_string(),
            "ml_train_agg('{\"epochs\": 3}', price, h) FROM (SELECT area, garden, city, heating, price FROM houses OFFSET 0) AS h".to_string(),
            "ml_train_agg('{\"epochs\": 3}', h.price, h) FROM (SELECT price, area, garden, city, heating FROM houses) AS h".to_string(),
            format!("ml_train_agg('{}', price, area, garden, city, heating) FROM houses", spec.replace("\"epochs\"", "\"target\": \"price\", \"epochs\"")),
            format!("ml_train_agg('{}', price, ROW(area, garden, city, heating)) FROM houses", spec.replace("\"epochs\"", "\"target\": \"price\", \"epochs\"")),
        ] {
            assert_true(&format!("SELECT ml_model('m')::text = (SELECT {call})::text"));
        }
        // Unless the row does not say which of its columns the target is, or the order is another.
        assert_true(
            "SELECT ml_model('m')::text <> (SELECT ml_train_agg('{\"epochs\": 3}', price, h ORDER BY id DESC) FROM (SELECT id, area, garden, city, heating, price FROM houses) AS h)::text",
        );
    }

    #[pg_test]
    fn every_group_has_a_model_of_its_own() {
        run(
            "CREATE TABLE points AS SELECT i % 4 AS g, i / 1000.0 AS x, (i % 4 - 1.5) * i / 1000.0 AS y FROM generate_series(1, 2000) AS i",
        );
        run(
            r#"CREATE TABLE models AS SELECT g, ml_train_agg('{"epochs": 60, "optimizer": {"adam": {"learning_rate": 0.01}}}', y, x) AS m FROM points GROUP BY g"#,
        );
        assert_eq!(
            text("SELECT count(DISTINCT m::text)::text FROM models"),
            "4"
        );
        let error = "SELECT max(e)::text FROM (SELECT avg(abs(y - ml_predict(m, x))) / stddev(y) AS e FROM points JOIN models USING (g) GROUP BY g) AS s";
        let error: f64 = text(error).parse().expect("a number");
        assert!(error < 0.05, "{error}");
    }

    #[pg_test]
    fn the_target_is_left_out_of_the_row() {
        houses(60);
        run("CREATE VIEW seen AS SELECT price, area, rooms FROM houses");
        let features = |call: &str| {
            run("DROP TABLE IF EXISTS made");
            run(&format!("CREATE TABLE made AS SELECT {call}"));
            // By name: whatever is missing is named.
            let asked = outcome("SELECT ml_predict(m, '{}'::jsonb) FROM made");
            let known = ["id", "area", "rooms", "price", "log_price"].map(|name| {
                let object = format!(
                    "SELECT ml_predict(m, jsonb_build_object({})) FROM made",
                    ["id", "area", "rooms", "price", "log_price"]
                        .iter()
                        .filter(|it| **it != name)
                        .map(|it| format!("'{it}', 1"))
                        .collect::<Vec<_>>()
                        .join(", ")
                );
                outcome(&object)
                    .contains(&format!("\"{name}\""))
                    .then_some(name)
            });
            assert_ne!(asked, "00000");
            known.into_iter().flatten().collect::<Vec<_>>().join(" ")
        };
        let from = "FROM (SELECT id, area, rooms, price FROM houses OFFSET 0) AS h";
        for (call, expected) in [
            (format!("ml_train_agg('{{\"epochs\": 1}}', price, h) AS m {from}"), "id area rooms"),
            (format!("ml_train_agg('{{\"epochs\": 1}}', h.price::numeric, h) AS m {from}"), "id area rooms"),
            (format!("ml_train_agg('{{\"epochs\": 1}}', price::text::float8, h) AS m {from}"), "id area rooms"),
            (format!("ml_train_agg('{{\"epochs\": 1, \"exclude\": [\"id\"]}}', price, h) AS m {from}"), "area rooms"),
            (format!("ml_train_agg('{{\"epochs\": 1, \"target\": \"price\"}}', ln(price), h) AS m {from}"), "id area rooms"),
            (format!("ml_train_agg('{{\"epochs\": 1, \"exclude\": [\"price\"]}}', ln(price), h) AS m {from}"), "id area rooms"),
            (format!("ml_train_agg('{{\"epochs\": 1, \"features\": [\"rooms\"]}}', ln(price), h) AS m {from}"), "rooms"),
            ("ml_train_agg('{\"epochs\": 1}', price, s) AS m FROM seen AS s".to_string(), "area rooms"),
            ("ml_train_agg('{\"epochs\": 1}', s.price, s) AS m FROM seen AS s JOIN houses AS h USING (area, rooms) WHERE h.id < 3".to_string(), "area rooms"),
            ("ml_train_agg('{\"epochs\": 1}', rooms, s) AS m FROM (SELECT rooms, area FROM houses UNION ALL SELECT rooms, area FROM houses) AS s".to_string(), "area"),
        ] {
            assert_eq!(features(&call), expected, "{call}");
        }
        for call in [
            format!("ml_train_agg('{{}}', ln(price), h) {from}"),
            format!("ml_train_agg('{{\"target\": \"log_price\"}}', ln(price), h) {from}"),
            "ml_train_agg('{}', a.price, b) FROM houses AS a JOIN houses AS b USING (id)"
                .to_string(),
        ] {
            assert_outcome(
                &format!("SELECT {call}"),
                "22023 cannot tell which column of the row the target is",
            );
        }
        assert_outcome(
            "SELECT ml_train_agg('{\"features\": [\"aera\"]}', price, h) FROM houses AS h",
            "42703 feature \"aera\" of the spec is not a column of the row",
        );
    }

    #[pg_test]
    fn groups_without_rows_have_no_model_and_others_say_what_is_wrong() {
        houses(60);
        assert_eq!(
            text("SELECT ml_train_agg('{}', price, area)::text FROM houses WHERE false"),
            "NULL"
        );
        let filtered = "SELECT string_agg(coalesce(left(m, 2), '-'), ' ' ORDER BY city) FROM (SELECT city, ml_train_agg('{\"epochs\": 1}', price, area) FILTER (WHERE city <> 'Köln')::text AS m FROM houses GROUP BY city) AS s";
        let filtered = text(filtered);
        assert!(
            filtered.ends_with(" -") && filtered.len() == 7,
            "{filtered}"
        );
        assert_eq!(
            text(
                "SELECT ml_train_agg('{}', price, h)::text FROM (SELECT 1 AS id) AS one LEFT JOIN houses AS h ON false"
            ),
            "NULL"
        );
        run("INSERT INTO houses (city, rooms, price) VALUES ('Ulm', 7, 1)");
        let train = "SELECT city, rooms, ml_train_agg('{\"epochs\": 1}', price, area) FROM houses GROUP BY city, rooms";
        assert_outcome(train, "21000 cannot train on one row");
        let report = "DO $$ DECLARE detail text; hint text; BEGIN
               BEGIN EXECUTE $q$QUERY$q$;
               EXCEPTION WHEN OTHERS THEN GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT; END;
               CREATE TEMP TABLE IF NOT EXISTS said (detail text, hint text); TRUNCATE said; INSERT INTO said VALUES (detail, hint); END $$";
        for query in [
            train,
            "SELECT ml_train_agg('{\"epochs\": 1}', price, area ORDER BY id) FROM houses GROUP BY city, rooms",
        ] {
            run(&report.replace("QUERY", query));
            let detail = text("SELECT detail FROM said");
            assert!(detail.ends_with("The group is Ulm, 7."), "{detail}");
        }
        run(&report.replace("QUERY", "SELECT ml_train_agg('{\"sample_weight\": \"f2\"}', price, area, rooms - 7) FROM houses GROUP BY city"));
        let detail = text("SELECT detail FROM said");
        assert!(detail.contains("The group is "), "{detail}");
        assert_eq!(trace::most().min(1), 1);
    }

    #[pg_test]
    fn a_spec_is_read_as_the_arguments_of_ml_train_are() {
        houses(60);
        let call =
            |spec: &str| format!("SELECT ml_train_agg({spec}, price, area, rooms) FROM houses");
        for (spec, expected) in [
            (
                "'{\"epohcs\": 1}'",
                "22023 unknown key \"epohcs\" of the spec",
            ),
            ("'{\"epochs\": 0}'", "22023 epochs must be"),
            ("'[1]'", "22023 the spec"),
            (
                "'{\"types\": {\"f1\": \"date\"}}'",
                "0A000 types of the spec is not supported in PostgreSQL",
            ),
            (
                "'{\"labels\": {\"f1\": [\"a\"]}}'",
                "0A000 labels of the spec is not supported in PostgreSQL",
            ),
            (
                "'{\"deploy\": \"never\"}'",
                "22023 deploy is read by ml_train() alone",
            ),
            (
                "'{\"features\": [\"a\"]}'",
                "22000 the length of features in the spec is 1, but the call has 2 features",
            ),
            (
                "'{\"exclude\": [\"x\"]}'",
                "42703 excluded column \"x\" is not a column of the query",
            ),
            (
                "jsonb_build_object('seed', id)",
                "22023 the spec differs in row 2 of the group",
            ),
            (
                "CASE WHEN id < 9 THEN '{}'::jsonb END",
                "22023 the spec differs in row 9 of the group",
            ),
        ] {
            let found = outcome(&call(spec));
            assert!(found.starts_with(expected), "{spec}: {found}");
        }
        // One per group may be another.
        assert_eq!(
            text(
                "SELECT count(DISTINCT m)::text FROM (SELECT ml_train_agg(jsonb_build_object('epochs', 1, 'seed', rooms), price, area)::text AS m FROM houses GROUP BY rooms) AS s"
            ),
            "5"
        );
        for spec in ["NULL", "'null'", "'{}'"] {
            assert_eq!(outcome(&call(spec)), "00000", "{spec}");
        }
        assert_outcome(
            "SELECT ml_train_agg('{}', price, VARIADIC ARRAY[area]) FROM houses",
            "0A000 ml_train_agg() does not take VARIADIC and an array",
        );
        assert_outcome(
            "SELECT ml_train_agg('{}', price, area) OVER () FROM houses",
            "0A000 aggregate function ml_train_agg(jsonb,\"any\",\"any\") does not support use as a window function",
        );
        // Without names they are asked for in their order alone.
        run(
            "CREATE TABLE made AS SELECT ml_train_agg('{\"epochs\": 1}', price, area, rooms) AS m FROM houses",
        );
        assert_eq!(outcome("SELECT ml_predict(m, 1, 2) FROM made"), "00000");
        assert!(
            outcome("SELECT ml_predict(m, '{\"f1\": 1, \"f2\": 2}'::jsonb) FROM made")
                .starts_with("42")
        );
    }

    #[pg_test]
    fn rows_may_be_filtered_ordered_and_distinct() {
        houses(90);
        run("CREATE TABLE twice AS SELECT * FROM houses UNION ALL SELECT * FROM houses");
        let once = "SELECT ml_train_agg('{\"epochs\": 2}', price, area, rooms ORDER BY price, area, rooms)::text FROM";
        let distinct = "SELECT ml_train_agg(DISTINCT '{\"epochs\": 2}'::jsonb, price, area, rooms ORDER BY '{\"epochs\": 2}'::jsonb, price, area, rooms)::text FROM";
        assert_true(&format!(
            "({once} (SELECT DISTINCT price, area, rooms FROM houses) AS s) = ({distinct} twice)"
        ));
        assert_true(&format!(
            "({once} twice WHERE id < 50) = (SELECT ml_train_agg('{{\"epochs\": 2}}', price, area, rooms ORDER BY price, area, rooms) FILTER (WHERE id < 50)::text FROM twice)"
        ));
    }

    #[pg_test]
    fn the_planner_sorts_by_group() {
        for rows in [1, 100, 5_000, 200_000] {
            run("DROP TABLE IF EXISTS sized");
            run(&format!(
                "CREATE TABLE sized AS SELECT i % 20 AS g, i AS x, random() AS y FROM generate_series(1, {rows}) AS i; ANALYZE sized"
            ));
            let plan = lines(
                "EXPLAIN (COSTS OFF) SELECT g, ml_train_agg('{}', y, x) FROM sized GROUP BY g",
            );
            assert!(
                plan.starts_with("GroupAggregate")
                    && plan.contains("Sort")
                    && !plan.contains("Gather"),
                "{rows}: {plan}"
            );
        }
    }

    #[pg_test]
    fn hashing_has_two_groups_under_way_at_most() {
        houses(400);
        run("SET enable_sort = off");
        let query = "SELECT id % 40 AS g, length(ml_train_agg('{\"epochs\": 1}', price, area)::text) AS l FROM houses GROUP BY id % 40";
        assert!(lines(&format!("EXPLAIN (COSTS OFF) {query}")).starts_with("HashAggregate"));
        trace::most();
        assert_eq!(
            text(&format!("SELECT count(l)::text FROM ({query}) AS s")),
            "40"
        );
        assert_eq!(trace::most(), 2);
        // What was begun and not asked for gives its share back.
        for _ in 0..10 {
            run(&format!("SELECT * FROM ({query}) AS s LIMIT 1"));
        }
        run("RESET enable_sort");
        assert_eq!(
            text(&format!("SELECT count(l)::text FROM ({query}) AS s")),
            "40"
        );
        assert_eq!(trace::most(), 2);
        run(query);
        assert_eq!(trace::most(), 1);
        run(
            "SELECT rooms, city, ml_train_agg('{\"epochs\": 1}', price, area) FROM houses GROUP BY ROLLUP (rooms, city)",
        );
        assert_eq!(trace::most(), 3);
    }

    #[pg_test]
    fn too_little_memory_says_how_to_have_more() {
        houses(400);
        run("SET tablenet.work_mem = '1MB'");
        let layers = r#"{"epochs": 1, "layers": [{"class_name": "Dense", "config": {"units": 200}}, {"class_name": "Dense", "config": {"units": 150}}, {"class_name": "Dense", "config": {"units": 1}}]}"#;
        let query = format!(
            "SELECT id % 4, ml_train_agg('{layers}', price, area) FROM houses GROUP BY id % 4"
        );
        assert_eq!(outcome(&query), "00000");
        run("SET enable_sort = off");
        let report = format!("DO $$ DECLARE hint text; BEGIN EXECUTE $q${query}$q$;
               EXCEPTION WHEN out_of_memory THEN GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT; CREATE TEMP TABLE said AS SELECT hint; END $$");
        run(&report);
        let hint = text("SELECT hint FROM said");
        assert!(
            hint.starts_with("Raise tablenet.work_mem")
                && hint.contains("SET enable_hashagg = off"),
            "{hint}"
        );
        run("SET enable_hashagg = off");
        assert_eq!(outcome(&query), "00000");
        run("RESET enable_sort; RESET enable_hashagg");
        // More models than there is memory for, side by side.
        let many = vec![format!("ml_train_agg('{layers}', price, area + RANDOM)"); 8];
        let many = many
            .iter()
            .enumerate()
            .map(|(index, call)| call.replace("RANDOM", &index.to_string()));
        let many = format!("SELECT {} FROM houses", many.collect::<Vec<_>>().join(", "));
        assert!(outcome(&many).starts_with("53200 "), "{}", outcome(&many));
        assert_eq!(outcome(&query), "00000", "shares came back");
    }

    #[pg_test]
    fn errors_in_the_middle_leave_nothing() {
        run(
            "CREATE TABLE rows AS SELECT i, i % 3 AS g, random() AS x, random() AS y FROM generate_series(1, 60000) AS i",
        );
        run("SET tablenet.work_mem = '1MB'");
        for sort in ["on", "off"] {
            run(&format!("SET enable_sort = {sort}"));
            for _ in 0..5 {
                assert_outcome(
                    "SELECT g, ml_train_agg('{\"epochs\": 1, \"layers\": [{\"class_name\": \"Dense\", \"config\": {\"units\": 1}}]}', y, x, 1 / (i - 59000)) FROM rows GROUP BY g",
                    "22012 division by zero",
                );
            }
        }
        assert_eq!(text("SELECT count(*)::text FROM pg_ls_tmpdir()"), "0");
        assert_eq!(
            outcome(
                "SELECT g, ml_train_agg('{\"epochs\": 1}', y, x) FROM rows GROUP BY g HAVING g = 1"
            ),
            "00000"
        );
        trace::most();
        run("RESET enable_sort");
        assert_eq!(
            outcome("SELECT g, ml_train_agg('{\"epochs\": 1}', y, x) FROM rows GROUP BY g"),
            "00000"
        );
        assert_eq!(trace::most(), 1, "every share came back");
    }
}
