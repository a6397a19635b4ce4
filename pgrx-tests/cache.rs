#[pgrx::pg_schema]
mod tests {
    use pgrx::prelude::*;

    use crate::cache::Cache;
    use crate::in_backend::outcome::{assert_outcome, houses, text};
    use crate::in_backend::release::FORCE_PARALLEL;

    fn run(sql: &str) {
        Spi::run(sql).expect("runs");
    }

    /// Trains `model` on area alone; other seeds give other answers.
    fn train(model: &str, seed: i32) {
        run(&format!(
            "SELECT ml_train('{model}', 'SELECT area, price FROM houses', 'price', epochs => 1, seed => {seed})"
        ));
    }

    fn answer(model: &str) -> String {
        text(&format!("SELECT ml_predict('{model}', 70)::text"))
    }

    #[pg_test]
    fn a_statement_sees_the_version_of_its_snapshot() {
        houses(60);
        train("m", 1);
        let first = answer("m");
        train("m", 2);
        let second = answer("m");
        assert_ne!(first, second, "a retraining is seen at once");
        run("DO $$ BEGIN
                 PERFORM ml_train('m', 'SELECT area, price FROM houses', 'price', epochs => 1, seed => 3);
                 RAISE EXCEPTION 'undo';
             EXCEPTION WHEN raise_exception THEN NULL; END $$");
        assert_eq!(answer("m"), second, "a rollback is seen at once");
        train("m", 1);
        assert_eq!(answer("m"), first, "the same bytes, the same answer");
        run("SELECT ml_drop('m')");
        assert_outcome(
            "SELECT ml_predict('m', 70)",
            "42704 model \"m\" does not exist",
        );
    }

    #[pg_test]
    fn a_loop_in_plpgsql_sees_every_retraining_and_rollback() {
        houses(60);
        let answers: Vec<String> = (1..=3)
            .map(|seed| {
                train("m", seed);
                answer("m")
            })
            .collect();
        // RETURN is a simple expression: its state lives as long as the transaction, and all calls below share it.
        run("CREATE FUNCTION answer() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN ml_predict('m', 70); END $$;
             CREATE FUNCTION watch() RETURNS text LANGUAGE plpgsql AS $$
             DECLARE seen text[] := '{}'; train text := 'SELECT area, price FROM houses'; BEGIN
                 FOR i IN 1..3 LOOP
                     PERFORM ml_train('m', train, 'price', epochs => 1, seed => i);
                     seen := seen || answer();
                     BEGIN
                         PERFORM ml_train('m', train, 'price', epochs => 1, seed => i % 3 + 1);
                         seen := seen || answer();
                         RAISE EXCEPTION 'undo';
                     EXCEPTION WHEN raise_exception THEN seen := seen || answer();
                     END;
                 END LOOP;
                 RETURN array_to_string(seen, ' ');
             END $$");
        // A rollback does not undo what was assigned to a variable.
        let [one, two, three] = &answers[..] else {
            panic!("three answers")
        };
        assert_eq!(
            text("SELECT watch()"),
            format!("{one} {two} {one} {two} {three} {two} {three} {one} {three}")
        );
    }

    #[pg_test]
    fn an_open_cursor_keeps_its_version() {
        houses(60);
        train("m", 2);
        let second = answer("m");
        train("m", 1);
        let first = answer("m");
        assert_eq!(
            text("CREATE FUNCTION old_and_new() RETURNS text LANGUAGE plpgsql AS $$
                  DECLARE rows CURSOR FOR SELECT ml_predict('m', 70) FROM generate_series(1, 9);
                      before float8; new float8; after float8; BEGIN
                      OPEN rows; FETCH rows INTO before;
                      PERFORM ml_train('m', 'SELECT area, price FROM houses', 'price', epochs => 1, seed => 2);
                      new := ml_predict('m', 70); FETCH rows INTO after;
                      RETURN concat_ws(' ', before, new, after);
                  END $$; SELECT old_and_new()"),
            format!("{first} {second} {first}")
        );
    }

    #[pg_test]
    fn rights_are_asked_for_every_statement() {
        houses(60);
        train("m", 1);
        run("CREATE ROLE ann; CREATE ROLE bob; GRANT ann TO bob");
        assert_outcome("SELECT ml_predict('m', 70)", "00000");
        run("SET LOCAL ROLE ann");
        assert_outcome(
            "SELECT ml_predict('m', 70)",
            "42704 model \"m\" does not exist",
        );
        assert_outcome(
            "SELECT ml_predict_values('m', 70)",
            "42704 model \"m\" does not exist",
        );
        run("RESET ROLE; UPDATE tablenet.stored_model SET owner = 'ann'; SET LOCAL ROLE bob");
        assert_outcome("SELECT ml_predict('m', 70)", "00000");
        run("RESET ROLE; REVOKE ann FROM bob; SET LOCAL ROLE bob");
        assert_outcome(
            "SELECT ml_predict('m', 70)",
            "42704 model \"m\" does not exist",
        );
        // The state of a simple expression of PL/pgSQL lives on, the rights do not.
        run("RESET ROLE");
        run("DO $$ DECLARE answer float8; BEGIN
                 FOR i IN 1..2 LOOP
                     answer := ml_predict('m', 70);
                     PERFORM set_config('role', 'bob', true);
                 END LOOP;
                 RAISE 'not noticed';
             EXCEPTION WHEN undefined_object THEN NULL; END $$");
        // A function of the owner lends its rights for as long as it runs.
        run("RESET ROLE; CREATE FUNCTION lend() RETURNS float8 LANGUAGE plpgsql SECURITY DEFINER AS $$
                 DECLARE answer float8; BEGIN answer := ml_predict('m', 70); RETURN answer; END $$;
             SET LOCAL ROLE bob");
        assert_outcome("SELECT lend()", "00000");
        assert_outcome(
            "SELECT ml_predict('m', 70), lend()",
            "42704 model \"m\" does not exist",
        );
    }

    #[pg_test]
    fn the_cache_keeps_to_its_size() {
        houses(60);
        for seed in 1..=8 {
            train(&format!("m{seed}"), seed);
        }
        let answers = || {
            text(
                "SELECT string_agg(ml_predict('m' || 1 + i % 8, 70)::text, ' ' ORDER BY i) FROM generate_series(1, 100) AS i",
            )
        };
        Cache::session(|cache| cache.shrink(0));
        let expected = answers();
        let (all, bytes) = Cache::session(|cache| (cache.len(), cache.bytes()));
        assert_eq!(all, 8);
        let kilobytes = bytes / all * 3 / 1024;
        run(&format!("SET LOCAL tablenet.cache_size = '{kilobytes}kB'"));
        assert_eq!(answers(), expected);
        let (some, bytes) = Cache::session(|cache| (cache.len(), cache.bytes()));
        assert!(
            (1..=3).contains(&some) && bytes <= kilobytes * 1024,
            "{some} models, {bytes} bytes"
        );
        // A model that does not fit at all is used and not kept.
        run("SET LOCAL tablenet.cache_size = 0");
        assert_eq!(answers(), expected);
        assert_eq!(Cache::session(|cache| (cache.len(), cache.bytes())), (0, 0));
    }

    #[pg_test]
    fn damaged_bytes_are_refused() {
        houses(60);
        train("m", 1);
        for change in [
            "UPDATE tablenet.stored_chunk SET bytes = set_byte(bytes, 100, 255 - get_byte(bytes, 100))",
            "UPDATE tablenet.stored_chunk SET bytes = substr(bytes, 2)",
            "UPDATE tablenet.stored_chunk SET bytes = bytes || '\\x00'",
            "UPDATE tablenet.stored_chunk SET bytes = ''",
            "UPDATE tablenet.stored_chunk SET chunk = 1",
            "DELETE FROM tablenet.stored_chunk",
            "UPDATE tablenet.stored_version SET size = size - 1",
            "UPDATE tablenet.stored_version SET size = -1",
            "UPDATE tablenet.stored_version SET sha256 = sha256(sha256)",
            "UPDATE tablenet.stored_version SET sha256 = '\\x00'",
            "UPDATE tablenet.stored_version SET size = 0, sha256 = sha256('')",
            "UPDATE tablenet.stored_chunk SET bytes = 'not a model'; UPDATE tablenet.stored_version SET size = 11, sha256 = sha256('not a model')",
        ] {
            Cache::session(|cache| cache.shrink(0));
            run(&format!(
                "DO $do$ BEGIN
                     {change};
                     PERFORM ml_predict('m', 70);
                     RAISE 'not noticed';
                 EXCEPTION WHEN data_corrupted THEN NULL; END $do$"
            ));
        }
        assert_outcome("SELECT ml_predict('m', 70)", "00000");
    }

    #[pg_test]
    fn parallel_workers_score_too() {
        houses(120);
        train("m", 1);
        run(
            "SELECT ml_train('c', 'SELECT area, city, heating, class FROM houses', 'class', epochs => 1)",
        );
        let expected = text("SELECT sum(ml_predict('m', area))::text FROM houses");
        run(&format!("SET LOCAL {FORCE_PARALLEL} = on"));
        run("CREATE FUNCTION plan(statement text) RETURNS text LANGUAGE plpgsql AS $$
             DECLARE line text; lines text := ''; BEGIN
                 FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF) ' || statement LOOP lines := lines || line || E'\\n'; END LOOP;
                 RETURN lines;
             END $$");
        // In parallel mode no process may be given a transaction id, and nobody may write.
        for (statement, check) in [
            (
                "SELECT 1 / (sum(ml_predict('m', area))::text = '{expected}')::int FROM houses",
                true,
            ),
            (
                "SELECT 1 / (sum(ml_predict('m', h))::text = '{expected}')::int FROM houses AS h",
                true,
            ),
            (
                "SELECT ml_predict_class('c', h), ml_predict_proba('c', h), ml_predict_values('c', to_jsonb(h)) FROM houses AS h",
                false,
            ),
        ] {
            let statement = if check {
                statement.replace("{expected}", &expected)
            } else {
                statement.to_string()
            };
            let plan = text(&format!("SELECT plan($s${statement}$s$)"));
            assert!(plan.contains("Workers Launched: 1"), "{plan}");
        }
    }

    #[pg_test]
    fn scoring_needs_no_right_to_write() {
        houses(60);
        train("m", 1);
        let expected = answer("m");
        Cache::session(|cache| cache.shrink(0));
        run("SET LOCAL transaction_read_only = on");
        assert_eq!(answer("m"), expected);
    }

    #[pg_test]
    fn scoring_assigns_no_transaction_id() {
        houses(60);
        train("m", 1);
        Cache::session(|cache| cache.shrink(0));
        // The transaction of the test has one by now; a subtransaction gets its own with its first need.
        // SAFETY: begun and released as PL/pgSQL does it, with its caller's context and resource owner put back.
        let assigned = unsafe {
            let (context, owner) = (pg_sys::CurrentMemoryContext, pg_sys::CurrentResourceOwner);
            pg_sys::BeginInternalSubTransaction(std::ptr::null());
            pg_sys::MemoryContextSwitchTo(context);
            Spi::connect(|client| {
                client
                    .select("SELECT sum(ml_predict('m', h)) FROM houses AS h", None, &[])
                    .expect("runs")
                    .len()
            });
            let assigned = pg_sys::GetCurrentTransactionIdIfAny();
            pg_sys::ReleaseCurrentSubTransaction();
            pg_sys::MemoryContextSwitchTo(context);
            pg_sys::CurrentResourceOwner = owner;
            assigned
        };
        assert_eq!(assigned, pg_sys::InvalidTransactionId);
    }

    #[pg_test]
    fn a_statement_gives_back_what_it_took() {
        houses(60);
        train("m", 1);
        // Every execution makes a call site and gives it back; 20,000 of them show what one loses.
        let used = "SELECT sum(total_bytes)::text FROM pg_backend_memory_contexts";
        let spin = "DO $$ BEGIN FOR i IN 1..20000 LOOP EXECUTE 'SELECT ml_predict(''m'', 70)'; END LOOP; END $$";
        run(spin);
        let (before, resident) = (text(used), resident_kilobytes());
        run(spin);
        let number = |text: String| text.parse::<u64>().expect("a number");
        assert!(
            number(text(used)) <= number(before) + 8192,
            "memory contexts grow"
        );
        let grown = resident_kilobytes().saturating_sub(resident);
        assert!(grown < 512, "{grown} kB more");
    }

    fn resident_kilobytes() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").expect("readable");
        let line = status
            .lines()
            .find(|line| line.starts_with("RssAnon:"))
            .expect("a line");
        line.split_whitespace()
            .nth(1)
            .and_then(|number| number.parse().ok())
            .expect("a number")
    }
}
