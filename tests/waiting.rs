//! Trainings of one name run one after the other and none is lost; nothing else waits for a training, and what changes a
//! model meanwhile decides what becomes of it.

use postgres::Client;
use server::sessions::{
    GATE, Gate, NAME, ROW, price, session_as, train, train_on, two_versions, until_waiting,
};
use server::training::{number, refusal, run};
use server::{Process, Server};
use std::thread::{Scope, ScopedJoinHandle};

/// A server with two versions of the model m, the second deployed, and the roles alice and bob.
fn server() -> (Server, Client) {
    let (server, mut client) = two_versions(&[]);
    run(
        &mut client,
        "CREATE ROLE alice LOGIN; CREATE ROLE bob LOGIN; GRANT SELECT ON houses TO alice, bob",
    );
    (server, client)
}

/// SQLSTATE and message, or nothing.
type Outcome = Result<(), (String, String)>;

/// Runs `statement` in a session of its own.
fn start<'scope>(
    scope: &'scope Scope<'scope, '_>,
    server: &'scope Server,
    user: &'static str,
    statement: String,
) -> ScopedJoinHandle<'scope, Outcome> {
    scope.spawn(move || {
        session_as(server, user)
            .batch_execute(&statement)
            .map_err(|error| {
                let error = error.as_db_error().expect("an error of the server");
                (error.code().code().to_string(), error.message().to_string())
            })
    })
}

/// Starts a training of `model` as `user` and returns when it is in the middle of its query.
fn start_gated<'scope>(
    scope: &'scope Scope<'scope, '_>,
    server: &'scope Server,
    user: &'static str,
    model: &str,
    more: &str,
) -> ScopedJoinHandle<'scope, Outcome> {
    let started = start(scope, server, user, train_on(Gate::QUERY, model, more));
    until_waiting(server, GATE, 1);
    started
}

fn outcome(training: ScopedJoinHandle<'_, Outcome>) -> Outcome {
    training.join().expect("no panic")
}

fn refused(training: ScopedJoinHandle<'_, Outcome>) -> (String, String) {
    outcome(training).expect_err("is refused")
}

/// The versions of a model that there are, as text.
fn versions(client: &mut Client, model: &str) -> String {
    let query = "SELECT coalesce(string_agg(version::text, ' ' ORDER BY version), '') FROM tablenet.versions WHERE model = $1";
    client.query_one(query, &[&model]).expect("answers").get(0)
}

/// Whether a training began only after the one before had stored: their times in order of their numbers.
const DISJOINT: &str = "SELECT count(*)::float8 FROM (
    SELECT trained_at - make_interval(secs => seconds) AS began, lag(trained_at) OVER (ORDER BY version) AS before
      FROM tablenet.versions WHERE model = 'm') AS v WHERE began < before";

#[test]
fn for_the_training_before() {
    let (server, mut client) = server();
    std::thread::scope(|scope| {
        let gate = Gate::close(&server);
        let first = start_gated(scope, &server, "postgres", "m", ", seed => 2");
        let second = start(scope, &server, "postgres", train("m", ", seed => 3"));
        until_waiting(&server, NAME, 1);
        let third = "SELECT ml_partial_fit('m', 'SELECT * FROM houses')".to_string();
        let third = start(scope, &server, "postgres", third);
        until_waiting(&server, NAME, 2);
        // The first has its snapshot; the others begin after this.
        run(
            &mut client,
            "INSERT INTO houses SELECT * FROM houses LIMIT 500",
        );
        std::thread::sleep(std::time::Duration::from_millis(300));
        drop(gate);
        for training in [first, second, third] {
            outcome(training).expect("trains");
        }
    });
    assert_eq!(versions(&mut client, "m"), "1 2 3 4 5");
    assert_eq!(number(&mut client, DISJOINT), 0.0);
    let rows = |version| {
        format!(
            "SELECT rows::float8 FROM tablenet.versions WHERE model = 'm' AND version = {version}"
        )
    };
    assert_eq!(number(&mut client, &rows(3)), 2000.0);
    assert_eq!(
        number(&mut client, &rows(4)),
        2500.0,
        "committed while it waited"
    );
    let parent = "SELECT parent::float8 FROM tablenet.versions WHERE model = 'm' AND version = 5";
    assert_eq!(
        number(&mut client, parent),
        4.0,
        "it goes on from what the one before stored"
    );
}

#[test]
fn for_a_name_that_is_made() {
    let (server, mut client) = server();
    std::thread::scope(|scope| {
        let gate = Gate::close(&server);
        let first = start_gated(scope, &server, "alice", "new", "");
        let own = start(scope, &server, "alice", train("new", ""));
        until_waiting(&server, NAME, 1);
        let other = start(scope, &server, "bob", train("new", ""));
        let rename = "SELECT ml_rename('m', 'new')".to_string();
        let rename = start(scope, &server, "postgres", rename);
        until_waiting(&server, NAME, 3);
        drop(gate);
        outcome(first).expect("makes it");
        outcome(own).expect("adds to it");
        let taken = (
            "42710".to_string(),
            "model \"new\" already exists".to_string(),
        );
        assert_eq!(refused(other), taken);
        assert_eq!(refused(rename), taken);
    });
    assert_eq!(versions(&mut client, "new"), "1 2");
    assert_eq!(versions(&mut client, "m"), "1 2");

    // The training fails, so the name is free.
    std::thread::scope(|scope| {
        let gate = Gate::close(&server);
        let training = start_gated(scope, &server, "alice", "free", "");
        let rename = "SELECT ml_rename('m', 'free')".to_string();
        let rename = start(scope, &server, "postgres", rename);
        until_waiting(&server, NAME, 1);
        let cancel =
            format!("SELECT pg_cancel_backend(pid) FROM pg_locks WHERE {GATE} AND NOT granted");
        run(&mut client, &cancel);
        assert_eq!(refused(training).0, "57014");
        outcome(rename).expect("renames");
        drop(gate);
    });
    assert_eq!(versions(&mut client, "free"), "1 2");
}

#[test]
fn is_not_what_other_changes_do() {
    let (server, mut client) = server();
    let (first, second) = (price(&mut client, "m@1"), price(&mut client, "m@2"));
    std::thread::scope(|scope| {
        let gate = Gate::close(&server);
        let training = start_gated(scope, &server, "postgres", "m", ", deploy => 'never'");
        run(&mut client, "SET statement_timeout = '5s'");
        assert_eq!(price(&mut client, "m"), second);
        run(&mut client, "SELECT ml_deploy('m', 'previous')");
        assert_eq!(price(&mut client, "m"), first);
        for change in [
            "SELECT ml_grant('m', 'bob', 'predict')",
            "SELECT ml_revoke('m', 'bob')",
            "SELECT ml_drop('m', 2)",
            "SELECT ml_rename('m', 'x')",
            "SELECT ml_rename('x', 'y')",
            "SELECT * FROM ml_evaluate('y', 'SELECT * FROM houses')",
        ] {
            run(&mut client, change);
        }
        // Another name does not wait either.
        run(&mut client, &train("other", ""));
        drop(gate);
        outcome(training).expect("trains");
    });
    assert_eq!(
        versions(&mut client, "y"),
        "1 3",
        "the version follows the model to its new name"
    );
    assert_eq!(price(&mut client, "y"), first);
    assert_eq!(versions(&mut client, "m"), "");
    run(&mut client, &train("m", ""));
    assert_eq!(versions(&mut client, "m"), "1", "the old name is free");
}

#[test]
fn ends_with_the_name_that_the_model_has_by_then() {
    let (_server, mut client) = server();
    run(
        &mut client,
        "CREATE FUNCTION rename() RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM ml_rename('m', 'x'); RETURN 0; END $$",
    );
    let query = "SELECT area, rooms, price FROM houses WHERE (SELECT rename()) = 0";
    let answer = client
        .query_one(&train_on(query, "m", ""), &[])
        .expect("trains");
    let (model, version): (&str, i32) = (answer.get("model"), answer.get("version"));
    assert_eq!((model, version), ("x", 3));
    assert_eq!(versions(&mut client, "x"), "1 2 3");
}

#[test]
fn for_a_drop_that_is_not_committed() {
    let (server, mut client) = server();
    let dropped = (
        "42704".to_string(),
        "model \"m\" was dropped while it was trained".to_string(),
    );
    std::thread::scope(|scope| {
        let gate = Gate::close(&server);
        let training = start_gated(scope, &server, "postgres", "m", "");
        run(&mut client, "BEGIN; SELECT ml_drop('m')");
        drop(gate);
        until_waiting(&server, ROW, 1);
        run(&mut client, "ROLLBACK");
        outcome(training).expect("the drop was taken back");
    });
    assert_eq!(versions(&mut client, "m"), "1 2 3");
    std::thread::scope(|scope| {
        let gate = Gate::close(&server);
        let training = start_gated(scope, &server, "postgres", "m", "");
        let waiting = start(scope, &server, "postgres", train("m", ""));
        until_waiting(&server, NAME, 1);
        run(&mut client, "SELECT ml_drop('m')");
        drop(gate);
        assert_eq!(refused(training), dropped);
        outcome(waiting).expect("makes it anew");
    });
    assert_eq!(versions(&mut client, "m"), "1");
    let orphans = "SELECT count(*)::float8 FROM tablenet.stored_version WHERE model_id NOT IN (SELECT model_id FROM tablenet.stored_model)";
    assert_eq!(number(&mut client, orphans), 0.0);
}

#[test]
fn does_not_keep_a_right_that_is_taken_meanwhile() {
    let (server, mut client) = server();
    for (left, code, message) in [
        ("", "42704", "model \"m\" does not exist"),
        (
            "SELECT ml_grant('m', 'bob', 'predict')",
            "42501",
            "permission denied for model \"m\"",
        ),
    ] {
        run(&mut client, "SELECT ml_grant('m', 'bob', 'train')");
        std::thread::scope(|scope| {
            let gate = Gate::close(&server);
            let training = start_gated(scope, &server, "bob", "m", "");
            let waiting = start(scope, &server, "bob", train("m", ""));
            until_waiting(&server, NAME, 1);
            run(
                &mut client,
                &format!("SELECT ml_revoke('m', 'bob'); {left}"),
            );
            drop(gate);
            assert_eq!(refused(training), (code.to_string(), message.to_string()));
            let waiting = refused(waiting).0;
            assert_eq!(waiting, if left.is_empty() { "42710" } else { "42501" });
        });
        assert_eq!(versions(&mut client, "m"), "1 2", "nothing is stored");
    }
}

#[test]
fn ends_with_a_timeout_or_a_cancel() {
    let (server, mut client) = server();
    let again = train("m", "");
    std::thread::scope(|scope| {
        let gate = Gate::close(&server);
        let training = start_gated(scope, &server, "postgres", "m", "");
        run(&mut client, "SET lock_timeout = '50ms'");
        assert_eq!(refusal(&mut client, &again), "55P03");
        let taken = refusal(&mut client, "SELECT ml_rename('m', 'm')");
        assert_eq!(taken, "42710", "refused without a wait");
        run(
            &mut client,
            "SET lock_timeout = 0; SET statement_timeout = '50ms'",
        );
        assert_eq!(refusal(&mut client, &again), "57014");
        run(&mut client, "SET statement_timeout = '60s'");
        let backend = Process::backend(&mut client);
        let again = &again;
        let cancelled = scope.spawn(move || {
            let code = refusal(&mut client, again);
            (code, client)
        });
        until_waiting(&server, NAME, 1);
        let mut observer = server.connect();
        observer
            .execute("SELECT pg_cancel_backend($1)", &[&backend.0])
            .expect("cancels");
        let (code, mut client) = cancelled.join().expect("no panic");
        assert_eq!(code, "57014");
        drop(gate);
        outcome(training).expect("was not disturbed");
        run(&mut client, &train("m", ""));
        assert_eq!(versions(&mut client, "m"), "1 2 3 4");
    });
}

/// A transaction that has changed a model and trains it then would wait for a training that waits for it. It is told so at
/// once; the training, which may have run for hours, goes on.
#[test]
fn in_a_circle_is_refused() {
    let (server, mut client) = server();
    std::thread::scope(|scope| {
        let gate = Gate::close(&server);
        let training = start_gated(scope, &server, "postgres", "m", "");
        run(&mut client, "SET deadlock_timeout = '50s'");
        for change in [
            "SELECT ml_deploy('m', 1)",
            "SELECT ml_grant('m', 'bob', 'train')",
            "SAVEPOINT s; SELECT ml_drop('m', 1)",
            "SAVEPOINT s; SELECT ml_deploy('m', 1); RELEASE s",
            "DO $$ BEGIN PERFORM ml_deploy('m', 1); EXCEPTION WHEN division_by_zero THEN NULL; END $$",
        ] {
            run(&mut client, &format!("BEGIN; {change}"));
            assert_eq!(refusal(&mut client, &train("m", "")), "40P01", "{change}");
            run(&mut client, "ROLLBACK");
        }
        // What a savepoint has taken back is no change: this waits.
        run(
            &mut client,
            "BEGIN; SAVEPOINT s; SELECT ml_deploy('m', 1); ROLLBACK TO s; SET lock_timeout = '50ms'",
        );
        assert_eq!(refusal(&mut client, &train("m", "")), "55P03");
        run(&mut client, "ROLLBACK");
        drop(gate);
        outcome(training).expect("is not the one to be ended");
    });
    // The other order is fine.
    run(
        &mut client,
        &format!(
            "BEGIN; {}; SELECT ml_deploy('m', 'previous'); {}; COMMIT",
            train("m", ""),
            train("m", "")
        ),
    );
    assert_eq!(versions(&mut client, "m"), "1 2 3 4 5");
}

/// Two models change names in one transaction, while both are trained and a deploy waits.
#[test]
fn for_a_swap_of_names() {
    let (server, mut client) = server();
    run(&mut client, &train("a", ", seed => 7"));
    run(&mut client, &train("b", ", seed => 8"));
    let (a, b) = (price(&mut client, "a"), price(&mut client, "b"));
    std::thread::scope(|scope| {
        let gate = Gate::close(&server);
        let never = ", seed => 9, deploy => 'never'";
        let training = start_gated(scope, &server, "postgres", "a", never);
        run(
            &mut client,
            "BEGIN; SELECT ml_rename('a', 'swap'), ml_rename('b', 'a'), ml_rename('swap', 'b')",
        );
        let deploy = "SELECT ml_deploy('a', 1)".to_string();
        let deploy = start(scope, &server, "postgres", deploy);
        until_waiting(&server, ROW, 1);
        drop(gate);
        until_waiting(&server, ROW, 2);
        run(&mut client, "COMMIT");
        outcome(deploy).expect("finds the model that has the name now");
        outcome(training).expect("stores into the model that it began with");
    });
    assert_eq!((price(&mut client, "a"), price(&mut client, "b")), (b, a));
    assert_eq!(
        (&*versions(&mut client, "a"), &*versions(&mut client, "b")),
        ("1", "1 2")
    );

    // A name that this transaction itself has freed is free.
    std::thread::scope(|scope| {
        let gate = Gate::close(&server);
        let training = start_gated(scope, &server, "postgres", "m", "");
        run(
            &mut client,
            &format!(
                "BEGIN; SELECT ml_rename('m', 'old'); {}; COMMIT",
                train("m", "")
            ),
        );
        drop(gate);
        outcome(training).expect("stores into the model that it began with");
    });
    assert_eq!(
        (&*versions(&mut client, "m"), &*versions(&mut client, "old")),
        ("1", "1 2 3")
    );
}
