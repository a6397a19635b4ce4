//! Logical replication of the tables in which models are stored: the subscriber answers as the publisher does.

use postgres::Client;
use server::Server;
use server::sessions::{price, session, train, until};
use server::training::{create_houses, number, refusal, run, text};

/// The answer of a query as text.
/// What `tablenet` shows of the models, and the predictions of all their versions.
fn everything(client: &mut Client) -> Vec<String> {
    let mut all: Vec<String> = [
        "SELECT coalesce(string_agg(v::text, E'\\n' ORDER BY model, version), '') FROM tablenet.versions v",
        "SELECT coalesce(string_agg(m::text, E'\\n' ORDER BY model), '') FROM tablenet.models m",
        "SELECT coalesce(string_agg(g::text, E'\\n' ORDER BY model, grantee, privilege), '') FROM tablenet.grants g",
    ]
    .map(|query| text(client, query))
    .to_vec();
    let names = client
        .query(
            "SELECT model || '@' || version FROM tablenet.versions ORDER BY 1",
            &[],
        )
        .expect("answers");
    for name in names {
        let name: &str = name.get(0);
        all.push(text(
            client,
            &format!(
                "SELECT string_agg(ml_predict('{name}', h)::text, ' ' ORDER BY id) FROM houses h"
            ),
        ));
    }
    all
}

/// Waits until the subscriber has applied all that is committed.
fn catch_up(publisher: &mut Client) {
    let written = text(publisher, "SELECT pg_current_wal_flush_lsn()::text");
    until(
        publisher,
        &format!(
            "SELECT count(*) > 0 FROM pg_stat_replication WHERE application_name = 's' AND replay_lsn >= '{written}'::pg_lsn"
        ),
    );
}

#[test]
fn answers_as_the_publisher_does() {
    let publisher = Server::with(&["wal_level = logical"]);
    let subscriber = Server::with(&["wal_retrieve_retry_interval = '100ms'"]);
    let (mut here, mut there) = (session(&publisher), session(&subscriber));
    for client in [&mut here, &mut there] {
        create_houses(client);
        run(
            client,
            "CREATE ROLE anna LOGIN; CREATE ROLE bob LOGIN; GRANT SELECT ON houses TO anna",
        );
    }
    let mut anna = publisher.connect_as("anna");
    for seed in 0..10 {
        let owner = if seed % 2 == 0 { &mut anna } else { &mut here };
        run(
            owner,
            &train(&format!("m{seed}"), &format!(", seed => {seed}")),
        );
        run(
            owner,
            &train(
                &format!("m{seed}"),
                &format!(
                    ", seed => {seed}, layers => '[{{\"class_name\":\"Dense\",\"config\":{{\"units\":1}}}}]', deploy => 'never'"
                ),
            ),
        );
    }
    run(
        &mut anna,
        "SELECT ml_grant('m0', 'bob', 'train'); SELECT ml_grant('m2', 'public', 'predict')",
    );

    run(
        &mut here,
        "CREATE PUBLICATION models FOR TABLE tablenet.stored_model, tablenet.stored_version, tablenet.stored_chunk,
                                                tablenet.stored_state, tablenet.stored_grant",
    );
    let subscribe = format!(
        "CREATE SUBSCRIPTION s CONNECTION '{}' PUBLICATION models",
        publisher.conninfo()
    );
    run(&mut there, &subscribe);
    until(
        &mut there,
        "SELECT count(*) = 5 AND bool_and(srsubstate = 'r') FROM pg_subscription_rel",
    );
    catch_up(&mut here);
    let expected = everything(&mut here);
    assert_eq!(expected.len(), 3 + 20);
    assert_eq!(everything(&mut there), expected, "what was there before");
    // What the model was trained with is there, too: a session of bob's may train on, one of another role may not.
    let mut bob = subscriber.connect_as("bob");
    price(&mut bob, "m0");
    price(&mut bob, "m2");
    assert_eq!(refusal(&mut bob, "SELECT ml_predict('m1', 80, 3)"), "42704");

    for change in [
        &*train("m0", ", seed => 100"),
        "SELECT ml_partial_fit('m1', 'SELECT * FROM houses', 2)",
        "SELECT ml_deploy('m2', 2)",
        "SELECT ml_rename('m3', 'renamed')",
        "SELECT ml_drop('m4')",
        "SELECT ml_drop('m5', 2)",
        "SELECT ml_grant('m6', 'bob', 'predict')",
        "SELECT ml_revoke('m0', 'bob')",
        &*train("new", ""),
        &*train("m7", ", keep_versions => 1"),
        "BEGIN; SELECT ml_rename('m8', 'swap'); SELECT ml_rename('m9', 'm8'); SELECT ml_rename('swap', 'm9'); COMMIT",
    ] {
        run(&mut here, change);
        catch_up(&mut here);
        assert_eq!(everything(&mut there), everything(&mut here), "{change}");
    }
    assert_eq!(
        refusal(&mut bob, "SELECT ml_predict('m0', 80, 3)"),
        "42704",
        "although cached"
    );
    price(&mut bob, "m6");

    // A role that the subscriber lacks holds everything up until it is there.
    run(
        &mut here,
        "CREATE ROLE carol; SELECT ml_grant('m6', 'carol', 'own')",
    );
    let written = text(&mut here, "SELECT pg_current_wal_flush_lsn()::text");
    std::thread::sleep(std::time::Duration::from_millis(500));
    let applied = format!(
        "SELECT count(*)::float8 FROM pg_stat_replication WHERE application_name = 's' AND replay_lsn >= '{written}'::pg_lsn"
    );
    assert_eq!(number(&mut here, &applied), 0.0);
    run(&mut there, "CREATE ROLE carol");
    catch_up(&mut here);
    assert_eq!(everything(&mut there), everything(&mut here));

    // Models of its own get keys that the publisher does not come to.
    assert_eq!(
        refusal(&mut there, &train("own", "")),
        "23505",
        "the sequence is not replicated"
    );
    run(
        &mut there,
        "SELECT setval('tablenet.stored_model_model_id_seq', 1000000000000)",
    );
    run(&mut there, &train("own", ""));
    let own = price(&mut there, "own");
    run(&mut here, &train("another", ""));
    catch_up(&mut here);
    price(&mut there, "another");
    run(&mut there, "DROP SUBSCRIPTION s");
    run(&mut there, &train("m0", ", seed => 5"));
    assert_eq!(price(&mut there, "own"), own);
}
