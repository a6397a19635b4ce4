//! deploy => 'if_better': a new version is put to use when it does better than the deployed one on the same rows.

use postgres::Client;
use server::Server;
use server::training::{create_houses, digest, number, refusal};
use std::thread;
use std::time::Duration;

const HOUSES: &str = "SELECT area, rooms, city, price FROM houses ORDER BY id";

fn houses() -> (Server, Client) {
    let server = Server::start();
    let mut client = server.connect();
    create_houses(&mut client);
    (server, client)
}

/// What became of a training.
#[derive(Debug, PartialEq)]
struct Outcome {
    version: i32,
    deployed: bool,
    val_loss: f64,
    /// The version it was compared with, and its loss.
    compared: Option<(i32, f64)>,
}

/// Runs a training of `model`; answers the row that was stored.
fn outcome(client: &mut Client, model: &str, statement: &str) -> Outcome {
    let trained = client
        .query_one(&format!("SELECT version, deployed FROM {statement}"), &[])
        .unwrap_or_else(|error| panic!("{statement}: {error:?}"));
    let (version, deployed): (i32, bool) = (trained.get(0), trained.get(1));
    let query =
        "SELECT val_loss, compared_version, compared_loss, deployed, octet_length(fingerprint)
                   FROM tablenet.versions WHERE model = $1 AND version = $2";
    let row = client
        .query_one(query, &[&model, &version])
        .expect("stored");
    assert_eq!(
        (row.get::<_, bool>(3), row.get::<_, i32>(4)),
        (deployed, 32)
    );
    let compared: (Option<i32>, Option<f64>) = (row.get(1), row.get(2));
    Outcome {
        version,
        deployed,
        val_loss: row.get(0),
        compared: compared.0.zip(compared.1),
    }
}

fn train(client: &mut Client, query: &str, target: &str, options: &str) -> Outcome {
    let statement =
        format!("ml_train('m', $q${query}$q$, '{target}', deploy => 'if_better'{options})");
    outcome(client, "m", &statement)
}

/// Asserts that a training was compared with `version`, which did there as in a training on the same rows before.
fn assert_compared(outcome: &Outcome, (version, before): (i32, f64)) {
    let (found, loss) = outcome.compared.expect("compared");
    assert_eq!(found, version, "{outcome:?}");
    // Two sums of f32 in another order.
    assert!(
        (loss - before).abs() < 1e-5 * before,
        "{before}: {outcome:?}"
    );
    assert_eq!(outcome.deployed, outcome.val_loss < loss, "{outcome:?}");
}

#[test]
fn the_better_one_is_deployed_and_the_worse_and_the_equal_one_are_not() {
    let (server, _first) = houses();
    let (mut client, told) = server.listen_as("postgres");
    let first = train(&mut client, HOUSES, "price", ", epochs => 8");
    assert_eq!(
        (first.version, first.deployed, first.compared),
        (1, true, None)
    );

    let worse = train(&mut client, HOUSES, "price", ", epochs => 1");
    assert_eq!((worse.version, worse.deployed), (2, false));
    // The same rows validate, so that the deployed version has again what it reached.
    assert_compared(&worse, (1, first.val_loss));
    assert!(worse.val_loss > first.val_loss);
    let expected = format!(
        "NOTICE: version 2 of model \"m\" was not deployed: val_loss {}, on the same rows version 1 has {}",
        worse.val_loss,
        worse.compared.map_or(0.0, |(_, loss)| loss)
    );
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [expected]);

    let equal = train(&mut client, HOUSES, "price", ", epochs => 8");
    assert_eq!(
        equal,
        Outcome {
            version: 3,
            deployed: false,
            val_loss: first.val_loss,
            compared: Some((1, first.val_loss))
        }
    );
    let before = digest(&mut client, "m");
    let better = train(&mut client, HOUSES, "price", ", epochs => 30");
    assert_eq!((better.version, better.deployed), (4, true));
    assert!(better.val_loss < first.val_loss);
    assert_ne!(digest(&mut client, "m"), before);

    // On other validation rows, and with another loss, the deployed version has another number than its own.
    let other = train(
        &mut client,
        HOUSES,
        "price",
        ", epochs => 2, seed => 9, loss => 'mae'",
    );
    let (version, loss) = other.compared.expect("compared");
    assert_eq!((version, other.deployed), (4, false));
    assert!(
        loss != better.val_loss && loss < other.val_loss,
        "{other:?}"
    );
    // A value counts only where it is asked for.
    let always = outcome(
        &mut client,
        "m",
        &format!("ml_train('m', '{HOUSES}', 'price', epochs => 1)"),
    );
    assert_eq!((always.deployed, always.compared), (true, None));
}

#[test]
fn a_version_that_has_become_wrong_is_replaced_though_its_number_is_lower() {
    let (_server, mut client) = houses();
    let old = train(&mut client, HOUSES, "price", ", epochs => 30");
    // Prices have doubled, and half of each is chance now.
    client
        .batch_execute(
            "SELECT setseed(0.25);
             CREATE TABLE later AS SELECT area, rooms, city, 2 * price * (0.5 + random()) AS price FROM houses",
        )
        .expect("creates the table");
    let new = train(&mut client, "TABLE later", "price", ", epochs => 20");
    assert!(new.deployed, "{new:?}");
    assert!(new.val_loss > 10.0 * old.val_loss, "{old:?} {new:?}");
    let (version, loss) = new.compared.expect("compared");
    assert!(version == 1 && loss > new.val_loss, "{new:?}");
    // Its loss is that of its predictions in the units of the new model.
    let query = "SELECT value FROM ml_evaluate('m@1', 'TABLE later') WHERE metric = 'mse'";
    let of_old = number(&mut client, query);
    let of_new = number(&mut client, &query.replace("m@1", "m@2"));
    let (by_loss, by_mse) = (loss / new.val_loss, of_old / of_new);
    assert!(
        (0.5..2.0).contains(&(by_loss / by_mse)),
        "{by_loss} {by_mse}"
    );
}

#[test]
fn without_validation_rows_there_is_nothing_to_compare() {
    let (_server, mut client) = houses();
    let statement = |options: &str| {
        format!(
            "SELECT ml_train('m', '{HOUSES}', 'price', epochs => 1, deploy => 'if_better'{options})"
        )
    };
    let none = ", validation_split => 0";
    // Also where there is no version to compare with.
    assert_eq!(refusal(&mut client, &statement(none)), "22023");
    let stored = "SELECT count(*)::float8 FROM tablenet.versions";
    assert_eq!(number(&mut client, stored), 0.0);
    train(&mut client, HOUSES, "price", ", epochs => 1");
    assert_eq!(refusal(&mut client, &statement(none)), "22023");
    let all_train =
        "SELECT ml_train('m', 'SELECT *, false AS held_out FROM houses', 'price', epochs => 1,
                                     split_column => 'held_out', deploy => 'if_better')";
    assert_eq!(refusal(&mut client, all_train), "22023");
    assert_eq!(number(&mut client, stored), 1.0);
    // Before a row is read: the query would take a minute.
    let slow = statement(none).replace("FROM houses", "FROM houses, pg_sleep(60)");
    client
        .batch_execute("SET statement_timeout = '20s'")
        .expect("set");
    assert_eq!(refusal(&mut client, &slow), "22023");
}

#[test]
fn columns_that_have_changed_are_an_error_that_loses_nothing() {
    let (_server, mut client) = houses();
    train(&mut client, HOUSES, "price", ", epochs => 3");
    let before = digest(&mut client, "m");
    for (query, target, message) in [
        (
            "SELECT area, city, price FROM houses",
            "price",
            "column \"rooms\" is missing",
        ),
        (
            "SELECT area, rooms::text, city, price FROM houses",
            "price",
            "column \"rooms\" must be a number, not text",
        ),
        (
            "SELECT area, rooms, city, price > 200000 AS dear FROM houses",
            "dear",
            "it predicts a number, but target \"dear\" is a boolean",
        ),
    ] {
        let statement = format!(
            "SELECT ml_train('m', '{query}', '{target}', epochs => 1, deploy => 'if_better')"
        );
        let error = client.batch_execute(&statement).expect_err("refused");
        let error = error.as_db_error().expect("an answer of the server");
        assert_eq!(error.code().code(), "22023");
        let expected = format!("the deployed version cannot be compared with a new one: {message}");
        assert_eq!(error.message(), expected);
        assert!(
            error
                .hint()
                .is_some_and(|hint| hint.contains("deploy => 'always'"))
        );
    }
    assert_eq!(digest(&mut client, "m"), before);
    let query = "SELECT count(*)::float8 FROM tablenet.versions";
    assert_eq!(number(&mut client, query), 1.0);
    // More columns, another order, or features that are left out: the deployed version finds its own.
    let more = "SELECT city, price, rooms, area, id FROM houses ORDER BY id";
    let more = train(
        &mut client,
        more,
        "price",
        ", epochs => 3, exclude => '{rooms}'",
    );
    assert!(
        more.compared.is_some_and(|(version, _)| version == 1),
        "{more:?}"
    );
    let always = "SELECT ml_train('m', 'SELECT area, price FROM houses', 'price', epochs => 1)";
    client.batch_execute(always).expect("trains");
}

#[test]
fn training_on_is_compared_too() {
    let (_server, mut client) = houses();
    let first = train(&mut client, HOUSES, "price", ", epochs => 5");
    let fit = |options: &str| {
        format!("ml_partial_fit('m', '{HOUSES}', 20, deploy => 'if_better'{options})")
    };
    let more = outcome(&mut client, "m", &fit(""));
    assert!(more.deployed && more.val_loss < first.val_loss, "{more:?}");
    assert_compared(&more, (1, first.val_loss));
    // On from the first version, with fewer epochs than the deployed one has.
    let fewer = fit("").replace("'m'", "'m@1'").replace("20", "1");
    let fewer = outcome(&mut client, "m", &fewer);
    assert_compared(&fewer, (2, more.val_loss));
    assert!(!fewer.deployed);
    let warm = train(
        &mut client,
        HOUSES,
        "price",
        ", epochs => 20, warm_start => true",
    );
    assert_compared(&warm, (2, more.val_loss));
}

#[test]
fn rows_in_a_temporary_file_and_of_a_validation_query_are_compared() {
    let (_server, mut client) = houses();
    client
        .batch_execute(
            "CREATE TABLE many AS SELECT h.* FROM houses h, generate_series(1, 50) AS i ORDER BY i, id;
             SET tablenet.work_mem = '4MB'",
        )
        .expect("creates the table");
    let many = "SELECT area, rooms, city, price FROM many";
    let options = ", epochs => 2, batch_size => 512, validation_split => 0.5";
    let first = train(&mut client, many, "price", options);
    let mut deployed = (first.version, first.val_loss);
    for threads in [1, 2] {
        let set = format!("SET tablenet.threads = {threads}");
        client.batch_execute(&set).expect("set");
        let again = train(&mut client, many, "price", options);
        assert_compared(&again, deployed);
        if again.deployed {
            deployed = (again.version, again.val_loss);
        }
    }
    let validated = ", epochs => 3, exclude => '{rooms}', validation_query => $v$SELECT price, city, rooms, area FROM houses$v$";
    let validated = train(&mut client, many, "price", validated);
    assert_eq!(
        validated.compared.map(|(version, _)| version),
        Some(deployed.0)
    );
    let missing = "SELECT ml_train('m', 'TABLE houses', 'price', exclude => '{id,rooms}', epochs => 1, deploy => 'if_better',
                                   validation_query => 'SELECT price, city, area FROM houses')";
    assert_eq!(refusal(&mut client, missing), "22023");
}

#[test]
fn a_label_that_the_deployed_version_does_not_know_counts_against_it() {
    let (server, _first) = houses();
    let (mut client, told) = server.listen_as("postgres");
    let classes = "SELECT area, rooms, CASE WHEN area > 110 THEN 'large' ELSE 'small' END AS class FROM houses";
    let first = train(&mut client, classes, "class", ", epochs => 10");
    assert!(first.deployed);
    let three = classes.replace("ELSE", "WHEN area > 70 THEN 'mid' ELSE");
    let second = train(&mut client, &three, "class", ", epochs => 10");
    assert!(second.deployed, "{second:?}");
    // A third of the rows is of the new label, each with -ln 1e-7.
    let (_, loss) = second.compared.expect("compared");
    assert!((4.0..9.0).contains(&loss), "{second:?}");
    // A version that refuses what it has not seen cannot stand in the way.
    let strict = ", epochs => 10, deploy => 'always', preprocess => $j${\"city\": {\"on_unseen\": \"error\"}}$j$";
    let few = "SELECT area, city, price FROM houses WHERE city <> 'Jena'";
    let statement = format!("SELECT ml_train('n', $q${few}$q$, 'price'{strict})");
    client.batch_execute(&statement).expect("trains");
    told.try_iter().for_each(drop);
    let all = "ml_train('n', 'SELECT area, city, price FROM houses', 'price', epochs => 1, deploy => 'if_better')";
    let third = outcome(&mut client, "n", all);
    assert_eq!(
        (third.deployed, third.compared),
        (true, Some((1, f64::INFINITY)))
    );
    let notices: Vec<String> = told.try_iter().collect();
    assert!(
        notices
            .iter()
            .any(|it| it.contains("cannot be scored on ") && it.contains("Jena")),
        "{notices:?}"
    );
}

#[test]
fn a_version_deployed_meanwhile_stays() {
    let (server, mut client) = houses();
    for epochs in [3, 5] {
        let options = format!(", epochs => {epochs}");
        train(&mut client, HOUSES, "price", &options);
    }
    client
        .batch_execute("SELECT pg_advisory_lock(7)")
        .expect("locked");
    let (mut trainer, told) = server.listen_as("postgres");
    let training = thread::spawn(move || {
        // The rows come when the lock is given back; the deployed version was looked up before.
        let held = "SELECT area, rooms, city, price FROM houses, (SELECT pg_advisory_lock(7)) AS held ORDER BY id";
        let outcome = train(&mut trainer, held, "price", ", epochs => 30");
        (outcome, told.try_iter().collect::<Vec<_>>())
    });
    let waits = "SELECT count(*)::float8 FROM pg_locks WHERE locktype = 'advisory' AND objid = 7 AND NOT granted";
    while number(&mut client, waits) == 0.0 {
        assert!(!training.is_finished(), "it does not wait");
        thread::sleep(Duration::from_millis(20));
    }
    client
        .batch_execute("SELECT ml_deploy('m', 1); SELECT pg_advisory_unlock(7)")
        .expect("deployed");
    let (outcome, notices) = training.join().expect("trained");
    assert!(!outcome.deployed && outcome.compared.is_some_and(|(version, _)| version == 2));
    assert_eq!(
        notices,
        [
            "NOTICE: version 3 of model \"m\" was not deployed: another version was deployed while it was trained"
        ]
    );
    let deployed = "SELECT version::float8 FROM tablenet.models WHERE model = 'm'";
    assert_eq!(number(&mut client, deployed), 1.0);
}
