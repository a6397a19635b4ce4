//! A change of a model belongs to its transaction: it rolls back, others see it at commit, a snapshot keeps what it saw.

use postgres::Client;
use server::Server;
use server::sessions::{NAME, price, session, session_as, train, two_versions, until_waiting};
use server::training::{refusal, run};

/// Everything that is stored, as one digest.
const STATE: &str = "SELECT coalesce(md5(string_agg(line, E'\\n' ORDER BY line)), '') FROM (
    SELECT m::text AS line FROM tablenet.stored_model m UNION ALL SELECT v::text FROM tablenet.stored_version v
     UNION ALL SELECT g::text FROM tablenet.stored_grant g
     UNION ALL SELECT concat_ws(' ', model_id, version, chunk, md5(bytes)) FROM tablenet.stored_chunk
     UNION ALL SELECT concat_ws(' ', 'state', model_id, version, chunk, md5(bytes)) FROM tablenet.stored_state) AS lines";

fn state(client: &mut Client) -> String {
    client.query_one(STATE, &[]).expect("answers").get(0)
}

/// A server with two versions of the model m, the second deployed, and a role `reader` that may predict with it.
fn server() -> (Server, Client) {
    let (server, mut client) = two_versions(&["max_prepared_transactions = 2"]);
    run(
        &mut client,
        "CREATE ROLE reader LOGIN; SELECT ml_grant('m', 'reader', 'predict')",
    );
    (server, client)
}

#[test]
fn every_change_rolls_back() {
    let (_server, mut client) = server();
    let before = (state(&mut client), price(&mut client, "m"));
    for change in [
        train("n", ""),
        train("m", ", seed => 2"),
        train("m", ", seed => 3, keep_versions => 1"),
        train("m", ", warm_start => true"),
        "SELECT ml_partial_fit('m@1', 'SELECT * FROM houses')".into(),
        "SELECT ml_deploy('m', 1)".into(),
        "SELECT ml_deploy('m', 'previous')".into(),
        "SELECT ml_rename('m', 'n')".into(),
        "SELECT ml_drop('m')".into(),
        "SELECT ml_drop('m', 1)".into(),
        "SELECT ml_grant('m', 'reader', 'train')".into(),
        "SELECT ml_revoke('m', 'reader')".into(),
    ] {
        run(&mut client, &format!("BEGIN; {change}"));
        assert_ne!(state(&mut client), before.0, "{change} changes something");
        run(&mut client, "ROLLBACK");
        assert_eq!(state(&mut client), before.0, "{change}");

        run(
            &mut client,
            &format!("BEGIN; SAVEPOINT s; {change}; ROLLBACK TO s"),
        );
        assert_eq!(price(&mut client, "m"), before.1, "{change}");
        run(&mut client, "COMMIT");
        assert_eq!(state(&mut client), before.0, "{change}, to a savepoint");

        // What PL/pgSQL does with an error that it catches.
        run(
            &mut client,
            &format!(
                "DO $do$ BEGIN EXECUTE $q${change}$q$; RAISE 'no'; EXCEPTION WHEN raise_exception THEN END $do$"
            ),
        );
        assert_eq!(state(&mut client), before.0, "{change}, by an exception");
        assert_eq!(price(&mut client, "m"), before.1, "{change}");
    }
}

#[test]
fn others_see_a_change_when_it_is_committed() {
    let (server, mut client) = server();
    let mut other = session_as(&server, "reader");
    let old = price(&mut other, "m");
    run(
        &mut client,
        &format!("BEGIN; {}", train("m", ", seed => 2")),
    );
    let new = price(&mut client, "m");
    assert_ne!(new, old, "its own transaction sees the new version");
    assert_eq!(price(&mut other, "m"), old);
    assert_eq!(
        refusal(&mut other, "SELECT ml_predict('m@3', 80, 3)"),
        "42704"
    );
    run(&mut client, "COMMIT");
    assert_eq!(price(&mut other, "m"), new);

    run(&mut client, "BEGIN; SELECT ml_deploy('m', 'previous')");
    assert_eq!(price(&mut other, "m"), new);
    run(&mut client, "COMMIT");
    assert_eq!(price(&mut other, "m"), old);

    run(&mut client, "BEGIN; SELECT ml_rename('m', 'n')");
    assert_eq!(price(&mut other, "m"), old);
    run(&mut client, "COMMIT");
    assert_eq!(
        refusal(&mut other, "SELECT ml_predict('m', 80, 3)"),
        "42704"
    );
    assert_eq!(price(&mut other, "n"), old);

    run(&mut client, "BEGIN; SELECT ml_revoke('n', 'reader')");
    assert_eq!(price(&mut other, "n"), old);
    run(&mut client, "COMMIT");
    assert_eq!(
        refusal(&mut other, "SELECT ml_predict('n', 80, 3)"),
        "42704"
    );

    run(&mut client, "SELECT ml_grant('n', 'reader', 'predict')");
    run(&mut client, "BEGIN; SELECT ml_drop('n')");
    assert_eq!(price(&mut other, "n"), old);
    run(&mut client, "COMMIT");
    assert_eq!(
        refusal(&mut other, "SELECT ml_predict('n', 80, 3)"),
        "42704"
    );
}

/// The version stays the same through a deploy, and readable when it is pruned, renamed, taken away and dropped.
#[test]
fn a_snapshot_keeps_its_version() {
    for level in ["REPEATABLE READ", "SERIALIZABLE"] {
        let (server, mut client) = server();
        let mut reader = session_as(&server, "reader");
        // Nothing is kept from statement to statement: the file itself has to be there.
        run(
            &mut reader,
            &format!("SET tablenet.cache_size = 0; BEGIN ISOLATION LEVEL {level} READ ONLY"),
        );
        let look = |reader: &mut Client| {
            let version: i32 = reader
                .query_one("SELECT version FROM tablenet.models WHERE model = 'm'", &[])
                .expect("the model is in sight")
                .get(0);
            let layers = reader
                .query("SELECT * FROM ml_summary('m')", &[])
                .expect("reads");
            (
                price(reader, "m"),
                price(reader, "m@1"),
                version,
                layers.len(),
            )
        };
        let seen = look(&mut reader);
        for change in [
            &*train("m", ", seed => 2, keep_versions => 1"),
            "SELECT ml_deploy('m', 3)",
            "VACUUM tablenet.stored_model, tablenet.stored_version, tablenet.stored_chunk",
            "SELECT ml_rename('m', 'n')",
            &*train("m", ", seed => 4"),
            "SELECT ml_revoke('n', 'reader')",
            "SELECT ml_drop('n')",
            "VACUUM tablenet.stored_model, tablenet.stored_version, tablenet.stored_chunk",
        ] {
            run(&mut client, change);
            assert_eq!(look(&mut reader), seen, "{level}, after {change}");
        }
        run(&mut reader, "COMMIT");
        assert_eq!(
            refusal(&mut reader, "SELECT ml_predict('m', 80, 3)"),
            "42704"
        );
    }
}

/// A change on the ground of what is no longer so is refused, as UPDATE refuses it.
#[test]
fn a_change_in_an_old_snapshot_is_a_serialization_failure() {
    let theirs = [
        "SELECT ml_drop('m', 1)",
        "SELECT ml_deploy('m', 1)",
        "SELECT ml_grant('m', 'reader', 'train')",
        "SELECT ml_revoke('m', 'reader')",
        "SELECT ml_rename('m', 'n')",
        "SELECT ml_drop('m')",
    ];
    let ours = [
        &*train("m", ", seed => 3"),
        "SELECT ml_partial_fit('m', 'SELECT * FROM houses')",
        "SELECT ml_deploy('m', 1)",
        "SELECT ml_rename('m', 'x')",
        "SELECT ml_drop('m')",
        "SELECT ml_grant('m', 'reader', 'own')",
    ];
    let (server, mut client) = server();
    let mut other = session(&server);
    for their in theirs {
        for our in ours {
            run(
                &mut client,
                &format!("BEGIN ISOLATION LEVEL REPEATABLE READ; {STATE}"),
            );
            let before = state(&mut other);
            run(&mut other, &format!("BEGIN; {their}; COMMIT"));
            let after = state(&mut other);
            let code = refusal(&mut client, our);
            run(&mut client, "ROLLBACK");
            // A training finds out when it stores: the model was dropped, in its snapshot it was not.
            assert_eq!(code, "40001", "{our} after {their}");
            assert_eq!(state(&mut other), after, "{our} after {their}");
            if after != before {
                restore(&mut other);
            }
        }
    }
    // A name that this snapshot does not see is taken all the same.
    run(
        &mut client,
        &format!("BEGIN ISOLATION LEVEL REPEATABLE READ; {STATE}"),
    );
    run(&mut other, &train("x", ""));
    assert_eq!(refusal(&mut client, "SELECT ml_rename('m', 'x')"), "42710");
    run(
        &mut client,
        &format!("ROLLBACK; BEGIN ISOLATION LEVEL REPEATABLE READ; {STATE}"),
    );
    run(&mut other, &train("y", ""));
    assert_eq!(refusal(&mut client, &train("y", "")), "40001");
}

/// Makes the model m of [`server`] again.
fn restore(client: &mut Client) {
    for name in ["m", "n"] {
        let _ = client.batch_execute(&format!("SELECT ml_drop('{name}')"));
    }
    run(client, &train("m", ""));
    run(client, &train("m", ", seed => 1"));
    run(client, "SELECT ml_grant('m', 'reader', 'predict')");
}

#[test]
fn a_prepared_transaction_keeps_its_training() {
    let (mut server, mut client) = server();
    let old = price(&mut client, "m");
    run(
        &mut client,
        &format!("BEGIN; {}", train("m", ", seed => 2")),
    );
    let new = price(&mut client, "m");
    run(&mut client, "PREPARE TRANSACTION 'training'");
    assert_eq!(price(&mut client, "m"), old);
    let blocked = format!("SET lock_timeout = '50ms'; {}", train("m", ""));
    assert_eq!(refusal(&mut client, &blocked), "55P03");

    // It outlives the server, and its lock on the name does, too.
    drop(client);
    server.restart(&[]);
    let mut client = session(&server);
    assert_eq!(refusal(&mut client, &blocked), "55P03");
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            run(
                &mut session(&server),
                &train("m", ", seed => 5, deploy => 'never'"),
            )
        });
        until_waiting(&server, NAME, 1);
        run(&mut client, "COMMIT PREPARED 'training'");
        waiting.join().expect("trains afterwards");
    });
    assert_eq!(price(&mut client, "m"), new);
    assert_ne!(price(&mut client, "m@4"), new);

    run(
        &mut client,
        "BEGIN; SELECT ml_deploy('m', 1); SELECT ml_grant('m', 'reader', 'own'); PREPARE TRANSACTION 'deploy'",
    );
    let mut other = session(&server);
    assert_eq!(price(&mut other, "m"), new);
    run(&mut client, "ROLLBACK PREPARED 'deploy'");
    assert_eq!(price(&mut other, "m"), new);
    run(
        &mut client,
        "BEGIN; SELECT ml_deploy('m', 1); PREPARE TRANSACTION 'deploy'",
    );
    run(&mut client, "COMMIT PREPARED 'deploy'");
    assert_eq!(price(&mut other, "m"), price(&mut client, "m@1"));
}
