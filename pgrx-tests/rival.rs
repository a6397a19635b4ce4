#[pgrx::pg_schema]
mod tests {
    use pgrx::prelude::*;

    use crate::in_backend::outcome::{assert_outcome, houses, outcome, text};

    const TRAIN: &str = "SELECT ml_train('rivals', 'SELECT area, rooms, price FROM houses', 'price', deploy => 'if_better', epochs => ";

    fn compared() -> String {
        text(
            "SELECT string_agg(concat_ws(' ', version, deployed, compared_version, abs(compared_loss / (SELECT val_loss FROM tablenet.versions WHERE version = 1) - 1) < 1e-5), ', ' ORDER BY version)
               FROM tablenet.versions WHERE model = 'rivals'",
        )
    }

    #[pg_test]
    fn a_version_of_this_transaction_is_compared() {
        houses(400);
        assert_outcome(&format!("{TRAIN} 6)"), "00000");
        assert_outcome(&format!("{TRAIN} 1)"), "00000");
        assert_eq!(compared(), "1 t, 2 f 1 t");
        // Also where the session has not kept it ready.
        Spi::run("SET LOCAL tablenet.cache_size = 0").expect("set");
        assert_outcome(&format!("{TRAIN} 1)"), "00000");
        assert_eq!(compared(), "1 t, 2 f 1 t, 3 f 1 t");
    }

    #[pg_test]
    fn without_a_deployed_version_the_first_one_is() {
        houses(400);
        let never = TRAIN.replace("if_better", "never");
        assert_outcome(&format!("{never} 6)"), "00000");
        assert_outcome(&format!("{TRAIN} 1)"), "00000");
        assert_eq!(compared(), "1 f, 2 t");
    }

    #[pg_test]
    fn a_damaged_version_cannot_be_compared_but_replaced() {
        houses(400);
        assert_outcome(&format!("{TRAIN} 6)"), "00000");
        Spi::run(
            "SET LOCAL tablenet.cache_size = 0; UPDATE tablenet.stored_chunk SET bytes = '\\x00'",
        )
        .expect("damaged");
        let damaged = outcome(&format!("{TRAIN} 1)"));
        assert!(damaged.starts_with("XX001 "), "{damaged}");
        let always = TRAIN.replace("if_better", "always");
        assert_outcome(&format!("{always} 1)"), "00000");
        assert_eq!(compared(), "1 f, 2 t");
    }

    #[pg_test]
    fn no_validation_rows_are_refused_before_the_query_runs() {
        houses(40);
        let message = "22023 deploy => 'if_better' needs validation rows";
        let none = format!("{TRAIN} 1, validation_split => 0)");
        // The query would fail.
        let none = none.replace("area, rooms", "area / (id - id) AS rooms");
        assert_outcome(&none, message);
    }
}
