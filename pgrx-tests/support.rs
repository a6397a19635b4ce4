#[pgrx::pg_schema]
mod tests {
    use pgrx::prelude::*;

    use crate::in_backend::outcome::{assert_outcome, houses, outcome, text};

    fn run(sql: &str) {
        Spi::run(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    fn train(query: &str) {
        run(&format!(
            "SELECT ml_train('m', '{query}', 'price', epochs => 1)"
        ));
    }

    fn model() {
        houses(120);
        train("SELECT area, garden, city, price FROM houses");
    }

    /// Whether the plan of `query` hands over columns instead of a row.
    fn takes_columns(query: &str) -> bool {
        let plan = Spi::connect(|client| {
            client
                .select(&format!("EXPLAIN (VERBOSE, COSTS OFF) {query}"), None, &[])
                .expect("a plan")
                .map(|row| {
                    row.get::<String>(1)
                        .expect("a text")
                        .expect("a line of the plan")
                })
                .collect::<Vec<_>>()
                .join("\n")
        });
        assert!(plan.contains("ml_predict"), "{plan}");
        plan.contains("name[]")
    }

    const ANSWERS: &str = "round(sum(ml_predict('m', h))::numeric, 3)";

    #[pg_test]
    fn rows_whose_columns_are_known_are_planned_as_columns() {
        model();
        run("CREATE VIEW seen AS SELECT city, id AS junk, garden, area FROM houses");
        run("CREATE TABLE parted (LIKE houses) PARTITION BY RANGE (id)");
        run("CREATE TABLE part_2 (junk text, LIKE houses)");
        run("ALTER TABLE part_2 DROP COLUMN junk");
        run("CREATE TABLE part_1 PARTITION OF parted FOR VALUES FROM (0) TO (60)");
        run("ALTER TABLE parted ATTACH PARTITION part_2 FOR VALUES FROM (60) TO (1000)");
        run("INSERT INTO parted SELECT * FROM houses");
        run("CREATE TABLE changed AS SELECT 1 AS gone, * FROM houses");
        run("ALTER TABLE changed DROP COLUMN gone; ALTER TABLE changed ADD COLUMN added text");
        let one_by_one = text(
            "SELECT round(sum(ml_predict('m', area, garden, city))::numeric, 3)::text FROM houses",
        );
        for from in [
            "houses AS h",
            "houses AS h(a, b, c)",
            "seen AS h",
            "(SELECT 1 AS junk, * FROM houses) AS h",
            "parted AS h",
            "changed AS h",
            "houses AS h JOIN seen ON seen.junk = id",
            "houses AS h LEFT JOIN seen ON seen.junk = id",
            "(SELECT 1) AS one RIGHT JOIN houses AS h ON true",
        ] {
            let query = format!("SELECT {ANSWERS}::text FROM {from}");
            assert!(takes_columns(&query), "{from}");
            assert_eq!(text(&query), one_by_one, "{from}");
        }
        for from in [
            "(SELECT * FROM houses OFFSET 0) AS h",
            "(SELECT 1) AS one LEFT JOIN houses AS h ON true",
            "(SELECT 1) AS one FULL JOIN houses AS h ON true",
        ] {
            let query = format!("SELECT {ANSWERS}::text FROM {from}");
            assert!(!takes_columns(&query), "{from}");
            assert_eq!(text(&query), one_by_one, "{from}");
        }
    }

    #[pg_test]
    fn a_missing_row_of_an_outer_join_stays_null() {
        model();
        let absent = |join: &str| {
            text(&format!(
                "SELECT count(*) FILTER (WHERE ml_predict('m', h) IS NULL)::text || ' of ' || count(*) FROM {join}"
            ))
        };
        for join in [
            "generate_series(101, 140) AS i LEFT JOIN houses AS h ON h.id = i",
            "houses AS h RIGHT JOIN generate_series(101, 140) AS i ON h.id = i",
            "generate_series(101, 140) AS i LEFT JOIN (SELECT area, garden, city, id FROM houses) AS h ON h.id = i",
        ] {
            assert_eq!(absent(join), "20 of 40", "{join}");
        }
        assert_eq!(
            absent("generate_series(101, 140) AS i FULL JOIN houses AS h ON h.id = i"),
            "20 of 140"
        );
        let sets = "SELECT count(p)::text || ' of ' || count(*) FROM
                    (SELECT ml_predict('m', h) AS p FROM houses AS h GROUP BY GROUPING SETS ((h), ())) AS s";
        assert_eq!(text(sets), "120 of 121");
    }

    #[pg_test]
    fn a_plan_follows_its_table_and_its_model() {
        model();
        run("SET LOCAL plan_cache_mode = force_generic_plan");
        run(
            "PREPARE answer AS SELECT round(sum(ml_predict('m', h))::numeric, 3)::text FROM houses AS h",
        );
        let fresh = || {
            text(
                "SELECT round(sum(ml_predict('m', to_jsonb(h)))::numeric, 3)::text FROM houses AS h",
            )
        };
        assert_eq!(text("EXECUTE answer"), fresh());
        let first = fresh();
        train("SELECT rooms, heating, area, price FROM houses");
        assert_ne!(fresh(), first);
        assert_eq!(text("EXECUTE answer"), fresh(), "another model");
        run("ALTER TABLE houses DROP COLUMN garden");
        assert_eq!(text("EXECUTE answer"), fresh(), "other columns");
        run("ALTER TABLE houses RENAME COLUMN area TO size");
        assert_outcome(
            "EXECUTE answer",
            &outcome("SELECT ml_predict('m', to_jsonb(h)) FROM houses AS h"),
        );
    }

    #[pg_test]
    fn wide_tables_keep_their_rows() {
        model();
        let extra = (1..=93)
            .map(|i| format!("{i} AS x{i}"))
            .collect::<Vec<_>>()
            .join(", ");
        run(&format!(
            "CREATE TABLE wide AS SELECT area, garden, city, {extra} FROM houses"
        ));
        let query = "SELECT sum(ml_predict('m', w))::text FROM wide AS w";
        for (more, columns) in [
            ("", true),
            ("ALTER TABLE wide ADD y1 int, ADD y2 int, ADD y3 int", false),
        ] {
            run(more);
            assert_eq!(takes_columns(query), columns, "{more}");
            assert!(text(query).parse::<f64>().is_ok());
        }
    }

    #[pg_test]
    fn names_and_values_are_a_form_of_their_own() {
        model();
        let row = text("SELECT ml_predict('m', 70, true, 'Berlin')::text");
        for call in [
            "ml_predict('m', '{garden,city,area}'::name[], true, 'Berlin', 70)",
            "ml_predict('m', '{garden,junk,city,area}'::name[], true, point(1, 2), 'Berlin'::text, 70::numeric)",
        ] {
            assert_eq!(text(&format!("SELECT {call}::text")), row, "{call}");
        }
        for (call, expected) in [
            (
                "ml_predict('m', '{garden,city,area}'::name[], true, 'Berlin')",
                "22000 3 column names do not fit 2 values",
            ),
            (
                "ml_predict('m', '{garden,city}'::name[], true, 'Berlin')",
                "42703 column \"area\" is missing",
            ),
            (
                "ml_predict('m', '{garden,NULL,area}'::name[], true, 'Berlin', 70)",
                "22004 null array element not allowed in this context",
            ),
            (
                "ml_predict('m', '{}'::name[])",
                "42703 column \"area\" is missing",
            ),
            (
                "ml_predict('m', ARRAY[city]::name[], garden, area) FROM houses",
                "42804 cannot use argument 2 of type name[] as a feature",
            ),
            (
                "ml_predict('m', NULL::name[], 1, 2)",
                "42804 cannot use argument 2 of type name[] as a feature",
            ),
        ] {
            assert_outcome(&format!("SELECT {call}"), expected);
        }
    }
}
