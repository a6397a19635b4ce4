#[pgrx::pg_schema]
mod tests {
    use pgrx::prelude::*;

    use crate::in_backend::outcome::{assert_outcome, houses, text};

    #[pg_test]
    fn metrics_are_those_of_the_predictions() {
        houses(200);
        assert_outcome(
            "SELECT ml_train('m', 'SELECT area, rooms, city, price FROM houses', 'price', epochs => 5)",
            "00000",
        );
        let agree = "SELECT string_agg(metric || ' ' || (abs(value - expected) <= 1e-6 * abs(expected)), ', ' ORDER BY metric)
            FROM ml_evaluate('m', 'TABLE houses') JOIN (
                SELECT 'mae' AS metric, avg(abs(price - p)) AS expected FROM (SELECT price, ml_predict('m', h) AS p FROM houses AS h) AS s
                UNION ALL
                SELECT 'r2', 1 - sum((price - p) ^ 2) / (SELECT sum((price - mean) ^ 2) FROM houses, (SELECT avg(price) AS mean FROM houses) AS m)
                  FROM (SELECT price, ml_predict('m', h) AS p FROM houses AS h) AS s) AS e USING (metric)";
        assert_eq!(text(agree), "mae true, r2 true");
    }

    #[pg_test]
    fn accuracy_is_the_share_of_right_labels() {
        houses(200);
        assert_outcome(
            "SELECT ml_train('m', 'SELECT area, rooms, city, class FROM houses', 'class', epochs => 3)",
            "00000",
        );
        let agree = "SELECT (value = (SELECT avg((ml_predict_class('m', h) = class)::int) FROM houses AS h))::text
            FROM ml_evaluate('m', 'TABLE houses') WHERE metric = 'accuracy'";
        assert_eq!(text(agree), "true");
    }

    #[pg_test]
    fn an_undefined_metric_is_null() {
        houses(60);
        assert_outcome(
            "SELECT ml_train('m', 'SELECT area, rooms, price FROM houses', 'price', epochs => 1)",
            "00000",
        );
        let undefined = "SELECT string_agg(metric, ', ') FROM ml_evaluate('m', 'SELECT * FROM houses LIMIT 1') WHERE value IS NULL";
        assert_eq!(text(undefined), "r2");
    }

    #[pg_test]
    fn what_does_not_fit_the_model_is_named() {
        houses(60);
        assert_outcome(
            "SELECT ml_train('m', 'SELECT area, rooms, price FROM houses', 'price', epochs => 1)",
            "00000",
        );
        for (query, expected) in [
            (
                "SELECT area, price FROM houses",
                "42703 column \"rooms\" is missing",
            ),
            (
                "SELECT area, rooms FROM houses",
                "42703 target column \"price\" is missing",
            ),
            (
                "SELECT area::text AS area, rooms, price FROM houses",
                "42804 column \"area\" must be a number, not text",
            ),
            (
                "SELECT area, area, rooms, price FROM houses",
                "42701 two columns are named \"area\"",
            ),
            (
                "SELECT * FROM houses WHERE false",
                "02000 the query returned no rows to evaluate on",
            ),
            (
                "DELETE FROM houses",
                "42P11 query must be a SELECT, not DELETE",
            ),
        ] {
            assert_outcome(
                &format!("SELECT * FROM ml_evaluate('m', $q${query}$q$)"),
                expected,
            );
        }
        assert_outcome(
            "SELECT * FROM ml_evaluate('m', NULL)",
            "22004 query must not be null",
        );
    }
}
