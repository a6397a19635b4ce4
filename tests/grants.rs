//! ml_grant and ml_revoke: what they take, when it counts, and what becomes of the rights of roles that are dropped. And
//! who has no right on a model neither waits for it nor makes others wait.

use postgres::Client;
use server::Server;
use server::training::{create_houses, failure, number, refusal, run};

const PREDICT: &str = "SELECT ml_predict('prices', 80, 3)";
const TRAIN: &str = "SELECT ml_train('prices', 'SELECT area, rooms, price FROM houses LIMIT 100', 'price', epochs => 1)";

/// A server with the roles ann, who has the model prices in two versions, bob and eve.
fn server() -> Server {
    let server = Server::start();
    let mut root = server.connect();
    create_houses(&mut root);
    root.batch_execute(
        "CREATE ROLE ann LOGIN; CREATE ROLE bob LOGIN; CREATE ROLE eve LOGIN; GRANT SELECT ON houses TO PUBLIC",
    )
    .expect("creates the roles");
    let mut ann = server.connect_as("ann");
    ann.batch_execute(&format!("{TRAIN}; {TRAIN}"))
        .expect("trains");
    server
}

fn grants(client: &mut Client) -> String {
    let query = "SELECT COALESCE(string_agg(concat_ws(' ', model, grantee, privilege), ', ' ORDER BY model, grantee, privilege), '') FROM tablenet.grants";
    client.query_one(query, &[]).expect("a view").get(0)
}

#[test]
fn granting_again_and_revoking_nothing_is_fine() {
    let server = server();
    let mut ann = server.connect_as("ann");
    for _ in 0..2 {
        run(
            &mut ann,
            "SELECT ml_grant('prices', 'bob', 'predict'), ml_grant('prices', 'bob', 'own'), ml_grant('prices', 'public', 'predict')",
        );
        assert_eq!(
            grants(&mut ann),
            "prices bob own, prices bob predict, prices public predict"
        );
    }
    // One privilege taken leaves the others, also those it included.
    run(
        &mut ann,
        "SELECT ml_revoke('prices', 'bob', 'own'), ml_revoke('prices', 'bob', 'train')",
    );
    assert_eq!(
        grants(&mut ann),
        "prices bob predict, prices public predict"
    );
    for _ in 0..2 {
        run(
            &mut ann,
            "SELECT ml_revoke('prices', 'bob'), ml_revoke('prices', 'public', NULL), ml_revoke('prices', 'eve', 'predict')",
        );
        assert_eq!(grants(&mut ann), "");
    }
    run(
        &mut ann,
        "BEGIN; SELECT ml_grant('prices', 'bob', 'train'); ROLLBACK",
    );
    assert_eq!(refusal(&mut server.connect_as("bob"), PREDICT), "42704");
}

#[test]
fn names_are_taken_as_they_are_and_words_are_checked() {
    let server = server();
    let mut root = server.connect();
    let longest = "r".repeat(63);
    let odd = [
        "Bob",
        "a b",
        "x\"; DROP ROLE ann; --",
        "it's",
        "späte Rolle",
        "owner",
        &longest,
    ];
    for role in odd {
        run(
            &mut root,
            &format!("CREATE ROLE \"{}\"", role.replace('"', "\"\"")),
        );
    }
    let mut ann = server.connect_as("ann");
    for role in odd {
        let role = role.replace('\'', "''");
        run(
            &mut ann,
            &format!("SELECT ml_grant('prices', '{role}', 'predict')"),
        );
        let seen = format!("SELECT count(*)::float8 FROM tablenet.grants WHERE grantee = '{role}'");
        assert_eq!(number(&mut ann, &seen), 1.0, "{role}");
        run(&mut ann, &format!("SELECT ml_revoke('prices', '{role}')"));
        assert_eq!(number(&mut ann, &seen), 0.0, "{role}");
    }
    for (statement, code, message, hint) in [
        (
            "ml_grant('prices', 'nobody', 'predict')",
            "42704",
            "role \"nobody\" does not exist",
            None,
        ),
        (
            "ml_revoke('prices', 'nobody')",
            "42704",
            "role \"nobody\" does not exist",
            None,
        ),
        (
            "ml_grant('prices', 'PUBLIC', 'predict')",
            "42704",
            "role \"PUBLIC\" does not exist",
            None,
        ),
        (
            "ml_grant('prices', '\"bob\"', 'predict')",
            "42704",
            "role \"\"bob\"\" does not exist",
            None,
        ),
        (
            "ml_grant('prices', '', 'predict')",
            "42704",
            "role \"\" does not exist",
            None,
        ),
        (
            "ml_grant(NULL, 'bob', 'predict')",
            "22004",
            "model must not be null",
            None,
        ),
        (
            "ml_grant('prices', NULL, 'predict')",
            "22004",
            "role must not be null",
            None,
        ),
        (
            "ml_grant('prices', 'bob', NULL)",
            "22004",
            "privilege must not be null",
            None,
        ),
        (
            "ml_revoke('prices', NULL)",
            "22004",
            "role must not be null",
            None,
        ),
        (
            "ml_grant('prices', 'bob', 'trian')",
            "22023",
            "unknown privilege \"trian\"",
            Some("Did you mean \"train\"? Known privileges: predict, train, own."),
        ),
        (
            "ml_grant('prices', 'bob', 'SELECT')",
            "22023",
            "unknown privilege \"SELECT\"",
            Some("Known privileges: predict, train, own."),
        ),
        (
            "ml_revoke('prices', 'bob', 'predicts')",
            "22023",
            "unknown privilege \"predicts\"",
            Some("Did you mean \"predict\"? Known privileges: predict, train, own."),
        ),
        (
            "ml_grant('prices', 'public', 'own')",
            "22023",
            "privilege \"own\" cannot be granted to public",
            Some("Everybody could drop the model. Name a role."),
        ),
    ] {
        let error = failure(&mut ann, &format!("SELECT {statement}"));
        assert_eq!(
            (error.code().code(), error.message(), error.hint()),
            (code, message, hint),
            "{statement}"
        );
    }
}

#[test]
fn a_grant_counts_from_the_next_statement_of_every_session() {
    let server = server();
    let (mut ann, mut bob) = (server.connect_as("ann"), server.connect_as("bob"));
    assert_eq!(refusal(&mut bob, PREDICT), "42704");
    run(&mut ann, "SELECT ml_grant('prices', 'bob', 'predict')");
    let prepared = bob.prepare(PREDICT).expect("prepares");
    let asked = |bob: &mut Client| {
        bob.query_one(&prepared, &[])
            .map(|row| row.get::<_, f64>(0))
    };
    let code = |error: postgres::Error| error.code().map(|code| code.code().to_owned());
    for _ in 0..8 {
        asked(&mut bob).expect("may predict");
    }
    run(&mut bob, "BEGIN");
    asked(&mut bob).expect("may predict");
    run(&mut ann, "SELECT ml_revoke('prices', 'bob')");
    let error =
        asked(&mut bob).expect_err("within a transaction, although it is cached and prepared");
    assert_eq!(code(error).as_deref(), Some("42704"));
    run(&mut bob, "ROLLBACK");

    // REPEATABLE READ sees grants as it sees all else: as they were when it began.
    run(&mut ann, "SELECT ml_grant('prices', 'bob', 'train')");
    run(&mut bob, "BEGIN ISOLATION LEVEL REPEATABLE READ");
    asked(&mut bob).expect("may predict");
    run(&mut ann, "SELECT ml_revoke('prices', 'bob')");
    asked(&mut bob).expect("as it was");
    // But nothing is changed with a right that is gone.
    assert_eq!(refusal(&mut bob, "SELECT ml_deploy('prices', 1)"), "42704");
    run(&mut bob, "ROLLBACK");
    assert_eq!(
        code(asked(&mut bob).expect_err("after it")).as_deref(),
        Some("42704")
    );
}

#[test]
fn what_a_dropped_role_had_becomes_nobodys() {
    let server = server();
    let (mut root, mut ann) = (server.connect(), server.connect_as("ann"));
    run(&mut root, "CREATE ROLE late");
    run(
        &mut ann,
        "SELECT ml_grant('prices', 'late', 'own'), ml_grant('prices', 'bob', 'predict')",
    );
    let oid: u32 = root
        .query_one("SELECT 'late'::regrole::oid", &[])
        .expect("a role")
        .get(0);
    run(&mut root, "DROP ROLE late");
    assert_eq!(grants(&mut ann), "prices bob predict");
    assert_eq!(grants(&mut root), "prices bob predict");
    let stored = "SELECT count(*)::float8 FROM tablenet.stored_grant";
    assert_eq!(number(&mut root, stored), 2.0);
    // The next change of the model's grants sweeps: another role of the same number gets nothing.
    run(&mut ann, "SELECT ml_revoke('prices', 'eve')");
    assert_eq!(number(&mut root, stored), 1.0);
    run(
        &mut root,
        &format!(
            "CREATE ROLE newcomer; UPDATE pg_authid SET oid = {oid} WHERE rolname = 'newcomer'"
        ),
    );
    let mut newcomer = server.connect();
    run(&mut newcomer, "SET ROLE newcomer");
    assert_eq!(refusal(&mut newcomer, PREDICT), "42704");
}

#[test]
fn a_role_that_is_younger_than_the_snapshot_keeps_what_it_was_granted() {
    let server = server();
    let (mut ann, mut root) = (server.connect_as("ann"), server.connect());
    run(
        &mut ann,
        "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM tablenet.grants",
    );
    run(&mut root, "CREATE ROLE young");
    run(
        &mut ann,
        "SELECT ml_grant('prices', 'young', 'predict'); SELECT ml_grant('prices', 'bob', 'predict'); COMMIT",
    );
    assert_eq!(grants(&mut ann), "prices bob predict, prices young predict");
}

#[test]
fn a_model_of_a_dropped_owner_is_the_superusers_until_it_is_given_away() {
    let server = server();
    let mut root = server.connect();
    run(
        &mut root,
        "CREATE ROLE gone; CREATE ROLE colleague IN ROLE gone; SET ROLE gone;
         SELECT ml_train('left', 'SELECT area, rooms, price FROM houses LIMIT 100', 'price', epochs => 1); RESET ROLE; DROP ROLE gone",
    );
    let mut bob = server.connect_as("bob");
    for role in ["ann", "bob", "colleague"] {
        run(&mut root, &format!("SET ROLE {role}"));
        assert_eq!(
            refusal(&mut root, "SELECT ml_predict('left', 80, 3)"),
            "42704",
            "{role}"
        );
        run(&mut root, "RESET ROLE");
    }
    number(&mut root, "SELECT ml_predict('left', 80, 3)");
    // Another privilege than own makes nobody its owner.
    run(&mut root, "SELECT ml_grant('left', 'bob', 'train')");
    assert_eq!(refusal(&mut bob, "SELECT ml_drop('left')"), "42501");
    run(
        &mut root,
        "SELECT ml_grant(model, 'bob', 'own') FROM tablenet.models WHERE owner NOT IN (SELECT oid FROM pg_roles)",
    );
    let owner = "SELECT owner::text FROM tablenet.models WHERE model = 'left'";
    assert_eq!(
        bob.query_one(owner, &[]).expect("his").get::<_, &str>(0),
        "bob"
    );
    // From then on own is a grant like others.
    run(&mut bob, "SELECT ml_grant('left', 'eve', 'own')");
    assert_eq!(
        bob.query_one(owner, &[]).expect("his").get::<_, &str>(0),
        "bob"
    );
    run(&mut server.connect_as("eve"), "SELECT ml_drop('left')");
}

/// What bob and eve try in vain, and what they get: eve may predict.
const IN_VAIN: [(&str, &str, &str); 9] = [
    (TRAIN, "42710", "42501"),
    (
        "SELECT ml_partial_fit('prices', 'SELECT area, rooms, price FROM houses')",
        "42704",
        "42501",
    ),
    ("SELECT ml_deploy('prices', 1)", "42704", "42501"),
    ("SELECT ml_deploy('prices', 'best')", "42704", "42501"),
    ("SELECT ml_rename('prices', 'other')", "42704", "42501"),
    ("SELECT ml_drop('prices')", "42704", "42501"),
    ("SELECT ml_drop('prices', 1)", "42704", "42501"),
    ("SELECT ml_grant('prices', 'bob', 'own')", "42704", "42501"),
    ("SELECT ml_revoke('prices', 'eve')", "42704", "42501"),
];

#[test]
fn who_may_not_change_a_model_does_not_wait_for_it() {
    let server = server();
    let mut ann = server.connect_as("ann");
    run(&mut ann, "SELECT ml_grant('prices', 'eve', 'predict')");
    // A training, and a change, of a transaction that goes on.
    run(
        &mut ann,
        &format!("BEGIN; {TRAIN}; SELECT ml_deploy('prices', 1)"),
    );
    for (role, refused) in [("bob", 0), ("eve", 1)] {
        let mut client = server.connect_as(role);
        run(&mut client, "SET lock_timeout = '20s'");
        for (statement, bob, eve) in IN_VAIN {
            let expected = [bob, eve][refused];
            assert_eq!(
                refusal(&mut client, statement),
                expected,
                "{role}: {statement}"
            );
        }
        run(
            &mut client,
            &TRAIN.replace("'prices'", &format!("'of {role}'")),
        );
        let taken = format!("SELECT ml_rename('of {role}', 'prices')");
        assert_eq!(refusal(&mut client, &taken), "42710");
    }
    run(&mut ann, "COMMIT");
}

#[test]
fn who_is_refused_keeps_nobody_waiting() {
    let server = server();
    let (mut ann, mut bob) = (server.connect_as("ann"), server.connect_as("bob"));
    run(&mut ann, "SET lock_timeout = '20s'");
    run(&mut bob, &TRAIN.replace("'prices'", "'of bob'"));
    let mut statements: Vec<&str> = IN_VAIN.map(|(statement, ..)| statement).to_vec();
    statements.push("SELECT ml_rename('of bob', 'prices')");
    for statement in statements {
        // His transaction goes on after the savepoint, or waits for its end.
        run(&mut bob, "BEGIN; SAVEPOINT s");
        refusal(&mut bob, statement);
        run(&mut bob, "ROLLBACK TO s; SELECT 1");
        run(
            &mut ann,
            &format!("{TRAIN}; SELECT ml_deploy('prices', 'previous')"),
        );
        run(&mut bob, "ROLLBACK; BEGIN");
        refusal(&mut bob, statement);
        run(
            &mut ann,
            "SELECT ml_deploy('prices', 'previous'), ml_rename('prices', 'moved'), ml_rename('moved', 'prices')",
        );
        run(&mut bob, "ROLLBACK");
    }
}
