//! Training goes on: five epochs and five more are ten, to the last byte, and what the training learned of the columns stays.

use postgres::Client;
use server::Server;
use server::training::{create_houses, digest, number, refusal, run};
use std::thread;
use std::time::Duration;

const QUERY: &str = "SELECT area, rooms, city, price FROM houses ORDER BY id";

fn houses() -> (Server, Client) {
    let server = Server::start();
    let mut client = server.connect();
    create_houses(&mut client);
    (server, client)
}

fn train(client: &mut Client, model: &str, epochs: u32, options: &str) {
    run(
        client,
        &format!(
            "SELECT * FROM ml_train('{model}', '{QUERY}', 'price', epochs => {epochs}{options})"
        ),
    );
}

#[test]
fn five_epochs_and_five_more_are_ten() {
    let (_server, mut client) = houses();
    for options in [
        "",
        ", validation_split => 0, optimizer => '{\"sgd\": {\"learning_rate\": 0.01, \"momentum\": 0.9}}', seed => 5",
        ", batch_size => 300, optimizer => 'rmsprop', shuffle => false",
        ", layers => '[{\"class_name\": \"Dense\", \"config\": {\"units\": 16, \"activation\": \"relu\"}},
                       {\"class_name\": \"Dropout\", \"config\": {\"rate\": 0.2}},
                       {\"class_name\": \"Dense\", \"config\": {\"units\": 1}}]'",
    ] {
        train(&mut client, "ten", 10, options);
        let ten = digest(&mut client, "ten");
        train(&mut client, "five", 5, options);
        assert_ne!(digest(&mut client, "five"), ten, "{options}");
        run(
            &mut client,
            &format!("SELECT * FROM ml_partial_fit('five', '{QUERY}', 5)"),
        );
        assert_eq!(digest(&mut client, "five"), ten, "{options}");

        train(&mut client, "warm", 5, options);
        train(&mut client, "warm", 5, &format!("{options}, warm_start => true"));
        assert_eq!(digest(&mut client, "warm"), ten, "warm_start {options}");
    }
    // Epoch by epoch, in another session, and with columns in another order.
    train(&mut client, "ten", 10, "");
    let ten = digest(&mut client, "ten");
    train(&mut client, "one", 7, "");
    run(
        &mut client,
        "SELECT * FROM ml_partial_fit('one', 'SELECT price, city, area, id, rooms FROM houses ORDER BY id')",
    );
    let mut other = _server.connect();
    for _ in 0..2 {
        run(
            &mut other,
            &format!("SELECT * FROM ml_partial_fit('one', '{QUERY}')"),
        );
    }
    assert_eq!(digest(&mut client, "one"), ten);
}

#[test]
fn a_warm_start_without_a_model_is_a_cold_one() {
    let (_server, mut client) = houses();
    train(&mut client, "cold", 2, "");
    train(&mut client, "warm", 2, ", warm_start => true");
    assert_eq!(digest(&mut client, "warm"), digest(&mut client, "cold"));
}

#[test]
fn the_answer_and_the_catalog_tell_of_the_new_version() {
    let (_server, mut client) = houses();
    train(&mut client, "m", 3, "");
    let row = client
        .query_one(
            "SELECT model, version, rows, epochs, deployed FROM ml_partial_fit('m', 'SELECT * FROM houses WHERE id <= 1000', 2)",
            &[],
        )
        .expect("continues");
    assert_eq!(
        (
            row.get::<_, &str>(0),
            row.get::<_, i32>(1),
            row.get::<_, i64>(2),
            row.get::<_, bool>(4)
        ),
        ("m", 2, 1000, true)
    );
    assert_eq!(row.get::<_, i32>(3), 2, "epochs of this training");
    let states = "SELECT count(DISTINCT (model_id, version))::float8 FROM tablenet.stored_state";
    assert_eq!(number(&mut client, states), 2.0, "one for each version");
    run(&mut client, "SELECT ml_drop('m')");
    assert_eq!(number(&mut client, states), 0.0);
}

#[test]
fn what_was_learned_of_the_columns_stays() {
    let (_server, mut client) = houses();
    train(&mut client, "m", 2, "");
    let learned = "SELECT md5(string_agg(f::text, ';'))::text FROM ml_feature_info('m') AS f WHERE role = 'feature'";
    let learned =
        |client: &mut Client| -> String { client.query_one(learned, &[]).expect("tells").get(0) };
    let before = learned(&mut client);
    // A new city and areas beyond all that were seen.
    run(
        &mut client,
        "INSERT INTO houses SELECT 3000 + i, 5000, 3, 'Lübeck', 100000 FROM generate_series(1, 200) AS i;
         SELECT * FROM ml_partial_fit('m', 'TABLE houses', 2)",
    );
    assert_eq!(learned(&mut client), before);
    let unseen = "SELECT ml_predict('m', 80, 3, 'Lübeck') - ml_predict('m', 80, 3, 'nowhere')";
    assert_eq!(
        number(&mut client, unseen),
        0.0,
        "a new category goes where unseen ones go"
    );
}

#[test]
fn what_does_not_fit_is_refused() {
    let (server, mut client) = houses();
    train(&mut client, "m", 1, "");
    for (statement, expected) in [
        ("SELECT ml_partial_fit('nobody', 'TABLE houses')", "42704"),
        (
            "SELECT ml_partial_fit('m', 'SELECT area, rooms, price FROM houses')",
            "42703",
        ),
        (
            "SELECT ml_partial_fit('m', 'SELECT area, rooms, city FROM houses')",
            "42703",
        ),
        (
            "SELECT ml_partial_fit('m', 'SELECT area::text, rooms, city, price FROM houses')",
            "42804",
        ),
        ("SELECT ml_partial_fit('m', 'TABLE houses', 0)", "22023"),
        ("SELECT ml_partial_fit('m', 'TABLE houses', NULL)", "22004"),
        (
            "SELECT ml_partial_fit('m', 'SELECT * FROM houses LIMIT 0')",
            "02000",
        ),
        (
            "SELECT ml_train('m', 'TABLE houses', 'price', warm_start => true, optimizer => 'sgd')",
            "22023",
        ),
        (
            "SELECT ml_train('m', 'TABLE houses', 'price', warm_start => true, loss => 'mae')",
            "22023",
        ),
        (
            "SELECT ml_train('m', 'TABLE houses', 'area', warm_start => true)",
            "22023",
        ),
        (
            "BEGIN READ ONLY; SELECT ml_partial_fit('m', 'TABLE houses')",
            "25006",
        ),
    ] {
        assert_eq!(refusal(&mut client, statement), expected, "{statement}");
        run(&mut client, "ROLLBACK");
    }
    run(
        &mut client,
        "CREATE ROLE stranger LOGIN; GRANT SELECT ON houses TO stranger",
    );
    let mut stranger = server.connect_as("stranger");
    assert_eq!(
        refusal(&mut stranger, "SELECT ml_partial_fit('m', 'TABLE houses')"),
        "42704"
    );
    for damage in [
        "UPDATE tablenet.stored_version SET state_size = 9223372036854775807",
        "UPDATE tablenet.stored_version SET state_size = 1e12::bigint",
        "UPDATE tablenet.stored_state SET bytes = set_byte(bytes, 200, 255 - get_byte(bytes, 200))",
    ] {
        run(&mut client, &format!("BEGIN; {damage}"));
        assert_eq!(
            refusal(&mut client, "SELECT ml_partial_fit('m', 'TABLE houses')"),
            "XX001",
            "{damage}"
        );
        run(&mut client, "ROLLBACK");
    }
    run(
        &mut client,
        "UPDATE tablenet.stored_version SET size = 9223372036854775807",
    );
    assert_eq!(
        refusal(
            &mut server.connect(),
            "SET tablenet.cache_size = 0; SELECT ml_predict('m', 80, 3, 'Jena')"
        ),
        "XX001"
    );
    run(
        &mut client,
        "UPDATE tablenet.stored_version SET size = (SELECT sum(octet_length(bytes)) FROM tablenet.stored_chunk c
          WHERE c.model_id = stored_version.model_id AND c.version = stored_version.version)",
    );
    number(&mut client, "SELECT ml_predict('m', 80, 3, 'Jena')");
}

#[test]
fn nobodys_epochs_are_lost() {
    let (server, mut client) = houses();
    train(&mut client, "m", 1, "");
    let mut slow = server.connect();
    let first = thread::spawn(move || {
        run(
            &mut slow,
            "SELECT ml_partial_fit('m', 'SELECT h.* FROM houses h, (SELECT pg_sleep(2)) AS s')",
        );
    });
    thread::sleep(Duration::from_millis(500));
    // Waits for the other, and goes on from its version.
    run(&mut client, "SELECT ml_partial_fit('m', 'TABLE houses')");
    first.join().expect("trains");
    let parents = "SELECT string_agg(version || ' from ' || coalesce(parent::text, 'nothing'), ', ' ORDER BY version)
                     FROM tablenet.versions";
    let parents: String = client.query_one(parents, &[]).expect("tells").get(0);
    assert_eq!(parents, "1 from nothing, 2 from 1, 3 from 2");
}

#[test]
fn new_rows_may_be_few_and_columns_are_named() {
    let (_server, mut client) = houses();
    train(
        &mut client,
        "m",
        2,
        ", callbacks => '{\"EarlyStopping\": {\"monitor\": \"val_loss\"}}'",
    );
    for rows in [1, 2] {
        let rows =
            format!("SELECT * FROM ml_partial_fit('m', 'SELECT * FROM houses LIMIT {rows}')");
        run(&mut client, &rows);
    }
    let excluded = "SELECT jsonb_array_length(settings->'exclude')::float8 FROM tablenet.models";
    assert_eq!(
        number(&mut client, excluded),
        0.0,
        "id was only passed over"
    );
    let other = "SELECT area AS areas, price FROM houses";
    let statement = format!("SELECT * FROM ml_partial_fit('m', '{other}')");
    assert_eq!(refusal(&mut client, &statement), "42703");
}
