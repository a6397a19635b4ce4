#[pgrx::pg_schema]
mod tests {
    use pgrx::prelude::*;

    use crate::in_backend::outcome::{assert_outcome, houses, outcome, text};

    const TRAIN: &str =
        "SELECT ml_train('m', 'SELECT area, rooms, price FROM houses', 'price', epochs => 1)";

    fn run(sql: &str) {
        Spi::run(sql).expect("runs");
    }

    /// `houses`, readable by all, and roles ann and bob.
    fn roles() {
        houses(60);
        run(
            "GRANT SELECT ON houses TO PUBLIC; CREATE ROLE ann; CREATE ROLE bob; CREATE ROLE team; GRANT team TO ann",
        );
    }

    #[pg_test]
    fn an_unknown_model_is_named() {
        for call in [
            "ml_drop('nope')",
            "ml_summary('nope')",
            "ml_history('nope')",
            "ml_evaluate('nope', 'SELECT 1')",
        ] {
            assert_outcome(
                &format!("SELECT {call}"),
                "42704 model \"nope\" does not exist",
            );
        }
        for call in [
            "ml_drop(NULL)",
            "ml_summary(NULL)",
            "ml_history(NULL)",
            "ml_evaluate(NULL, 'SELECT 1')",
        ] {
            assert_outcome(&format!("SELECT {call}"), "22004 model must not be null");
        }
    }

    #[pg_test]
    fn only_the_owner_uses_a_model() {
        roles();
        run("SET LOCAL ROLE ann");
        assert_outcome(TRAIN, "00000");
        assert_outcome("SELECT ml_summary('m')", "00000");
        assert_eq!(text("SELECT owner::text FROM tablenet.models"), "ann");
        run("SET LOCAL ROLE bob");
        assert_outcome(TRAIN, "42710 model \"m\" already exists");
        let missing = "42704 model \"m\" does not exist";
        for call in [
            "ml_drop('m')",
            "ml_summary('m')",
            "ml_history('m')",
            "ml_evaluate('m', 'TABLE houses')",
        ] {
            assert_outcome(&format!("SELECT {call}"), missing);
        }
        assert_eq!(text("SELECT count(*)::text FROM tablenet.models"), "0");
        run("RESET ROLE");
        assert_outcome("SELECT ml_summary('m')", "00000");
        run("GRANT ann TO bob; SET LOCAL ROLE bob");
        assert_outcome(TRAIN, "00000");
        assert_eq!(
            text("SELECT owner || ' ' || trained_by || ' ' || version FROM tablenet.models"),
            "ann bob 2"
        );
        assert_outcome("SELECT ml_drop('m')", "00000");
        assert_eq!(text("SELECT count(*)::text FROM tablenet.models"), "0");
    }

    #[pg_test]
    fn refused_before_a_row_is_read() {
        roles();
        assert_outcome(TRAIN, "00000");
        run("CREATE SEQUENCE counted; GRANT ALL ON counted TO PUBLIC; SET LOCAL ROLE bob");
        assert_outcome(
            "SELECT ml_train('m', 'SELECT nextval(''counted'') AS a, 1 AS b', 'b')",
            "42710 model \"m\" already exists",
        );
        run("RESET ROLE");
        assert_eq!(text("SELECT is_called::text FROM counted"), "false");
    }

    #[pg_test]
    fn nobody_touches_the_tables() {
        roles();
        assert_outcome(TRAIN, "00000");
        run("SET LOCAL ROLE bob");
        for table in [
            "stored_model",
            "stored_version",
            "stored_chunk",
            "stored_state",
            "stored_grant",
        ] {
            let denied = format!("42501 permission denied for table {table}");
            assert_outcome(&format!("SELECT * FROM tablenet.{table}"), &denied);
            assert_outcome(&format!("DELETE FROM tablenet.{table}"), &denied);
            assert_outcome(&format!("TRUNCATE tablenet.{table}"), &denied);
        }
        assert_outcome(
            "CREATE TABLE tablenet.mine ()",
            "42501 permission denied for schema tablenet",
        );
        assert!(
            outcome("DELETE FROM tablenet.models").starts_with("42501")
                || outcome("DELETE FROM tablenet.models").starts_with("55000")
        );
    }

    #[pg_test]
    fn the_query_has_the_rights_of_the_caller() {
        roles();
        run("REVOKE SELECT ON houses FROM PUBLIC; SET LOCAL ROLE ann");
        assert_outcome(TRAIN, "42501 permission denied for table houses");
        run(
            "RESET ROLE; GRANT SELECT ON houses TO ann; ALTER TABLE houses ENABLE ROW LEVEL SECURITY; CREATE POLICY few ON houses TO ann USING (id <= 40); SET LOCAL ROLE ann",
        );
        assert_eq!(
            text(
                "SELECT rows::text FROM ml_train('m', 'SELECT area, rooms, price FROM houses', 'price', epochs => 1)"
            ),
            "40"
        );
        let user = "SELECT i AS a, i::float8 AS y, current_user::text AS u FROM generate_series(1, 30) AS i";
        assert_outcome(
            &format!("SELECT ml_train('u', '{user}', 'y', epochs => 1)"),
            "00000",
        );
        run(
            "CREATE FUNCTION pg_temp.escape() RETURNS int LANGUAGE plpgsql AS $$ BEGIN DELETE FROM tablenet.stored_model; RETURN 1; END $$",
        );
        assert_outcome(
            "SELECT ml_train('x', 'SELECT pg_temp.escape() AS a, 1.0 AS y', 'y')",
            "42501 permission denied for table stored_model",
        );
    }

    #[pg_test]
    fn the_user_comes_back_after_an_error() {
        roles();
        run("SET LOCAL ROLE ann");
        assert_outcome(TRAIN, "00000");
        assert_outcome(
            "SELECT ml_drop('nope')",
            "42704 model \"nope\" does not exist",
        );
        assert_outcome(
            "SELECT ml_train('n', 'SELECT 1 / 0 AS a, 1 AS b', 'b')",
            "22012 division by zero",
        );
        assert_eq!(text("SELECT current_user::text"), "ann");
        assert_outcome(
            "DELETE FROM tablenet.stored_model",
            "42501 permission denied for table stored_model",
        );
    }

    #[pg_test]
    fn damaged_bytes_are_found() {
        houses(60);
        assert_outcome(TRAIN, "00000");
        let damaged = "XX001 model \"m\" is damaged";
        let undo = |change: &str| {
            let statement = format!("DO $$ BEGIN {change}; PERFORM * FROM ml_summary('m'); END $$");
            assert_outcome(&statement, damaged);
        };
        undo(
            "UPDATE tablenet.stored_chunk SET bytes = set_byte(bytes, 100, 255 - get_byte(bytes, 100))",
        );
        undo("UPDATE tablenet.stored_chunk SET bytes = substr(bytes, 2)");
        undo("UPDATE tablenet.stored_chunk SET bytes = ''");
        undo("UPDATE tablenet.stored_chunk SET bytes = bytes || bytes");
        undo("DELETE FROM tablenet.stored_chunk");
        undo("UPDATE tablenet.stored_version SET sha256 = '\\x00'");
        undo("UPDATE tablenet.stored_version SET size = -1");
        // Nothing is reserved for a size that the pieces do not have, and no limit is named.
        undo("UPDATE tablenet.stored_version SET size = 9223372036854775807");
        undo("UPDATE tablenet.stored_version SET size = size + 2097152");
        assert_outcome("SELECT ml_summary('m')", "00000");
    }

    #[pg_test]
    fn a_damaged_model_can_be_trained_again_and_dropped() {
        houses(60);
        assert_outcome(TRAIN, "00000");
        let damage = "UPDATE tablenet.stored_version SET sha256 = '', size = -1";
        Spi::run(damage).expect("the catalog is a table");
        assert_outcome(TRAIN, "00000");
        assert_outcome("SELECT ml_summary('m')", "00000");
        Spi::run(damage).expect("the catalog is a table");
        assert_outcome("SELECT ml_drop('m')", "00000");
        assert_outcome("SELECT ml_drop('m')", "42704 model \"m\" does not exist");
    }

    #[pg_test]
    fn a_model_larger_than_one_piece_is_cut_and_put_together() {
        houses(60);
        run(
            r#"SELECT ml_train('m', 'SELECT area, rooms, price FROM houses', 'price', epochs => 1,
               layers => '[{"class_name": "Dense", "config": {"units": 600}}, {"class_name": "Dense", "config": {"units": 700}}, {"class_name": "Dense", "config": {"units": 1}}]')"#,
        );
        let pieces = "SELECT concat_ws(' ', count(*), max(octet_length(bytes)), sum(octet_length(bytes)) = (SELECT size FROM tablenet.models)) FROM tablenet.stored_chunk";
        assert_eq!(text(pieces), "2 1048576 t");
        assert_eq!(
            text("SELECT sum(parameters)::text FROM ml_summary('m')"),
            text("SELECT parameters::text FROM tablenet.models")
        );
    }

    #[pg_test]
    fn dropping_leaves_nothing() {
        houses(60);
        assert_outcome(TRAIN, "00000");
        assert_outcome("SELECT ml_drop('m')", "00000");
        assert_outcome("SELECT ml_drop('m')", "42704 model \"m\" does not exist");
        assert_eq!(
            text(
                "SELECT concat_ws(' ', (SELECT count(*) FROM tablenet.stored_model), (SELECT count(*) FROM tablenet.stored_version), (SELECT count(*) FROM tablenet.stored_chunk))"
            ),
            "0 0 0"
        );
    }

    #[pg_test]
    fn a_read_only_transaction_is_respected() {
        houses(60);
        assert_outcome(TRAIN, "00000");
        assert_outcome(
            "DO $$ BEGIN SET LOCAL transaction_read_only = on; PERFORM ml_train('m', 'TABLE houses', 'price'); END $$",
            "25006 cannot execute ml_train() in a read-only transaction",
        );
        assert_outcome(
            "DO $$ BEGIN SET LOCAL transaction_read_only = on; PERFORM ml_drop('m'); END $$",
            "25006 cannot execute ml_drop() in a read-only transaction",
        );
        assert_outcome(
            "DO $$ BEGIN SET LOCAL transaction_read_only = on; PERFORM ml_summary('m'); PERFORM ml_history('m'); PERFORM ml_evaluate('m', 'TABLE houses'); END $$",
            "00000",
        );
    }
}
