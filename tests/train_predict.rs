//! From a query to a model to predictions: what a user does first.

use postgres::Client;
use server::Server;
use server::training::{create_houses, number, refusal};

fn houses() -> (Server, Client) {
    let server = Server::start();
    let mut client = server.connect();
    create_houses(&mut client);
    (server, client)
}

#[test]
fn a_regression_answers_in_the_targets_own_units() {
    let (_server, mut client) = houses();
    let row = client
        .query_one(
            "SELECT model, version, rows, epochs, loss, val_loss, metrics::text, seconds, deployed
               FROM ml_train('prices', 'SELECT area, rooms, city, price FROM houses WHERE id <= 1800', 'price', epochs => 40)",
            &[],
        )
        .expect("trains");
    assert_eq!(
        (
            row.get::<_, &str>(0),
            row.get::<_, i32>(1),
            row.get::<_, i64>(2)
        ),
        ("prices", 1, 1800)
    );
    assert_eq!(row.get::<_, i32>(3), 40);
    assert!(
        row.get::<_, f64>(4) < 0.05,
        "the loss is of the standardised target: {}",
        row.get::<_, f64>(4)
    );
    assert!(
        row.get::<_, Option<f64>>(5).is_some(),
        "a tenth of the rows validates by default"
    );
    assert!(row.get::<_, bool>(8), "it is in use at once");

    let r2 = "SELECT value FROM ml_evaluate('prices', 'SELECT * FROM houses WHERE id > 1800') WHERE metric = 'r2'";
    assert!(number(&mut client, r2) > 0.98);
    let off = "SELECT max(abs(ml_predict('prices', h) - price)) FROM houses h WHERE id > 1800";
    assert!(number(&mut client, off) < 40_000.0);
}

#[test]
fn every_form_of_a_row_gives_the_same_prediction() {
    let (_server, mut client) = houses();
    client
        .batch_execute("SELECT * FROM ml_train('prices', 'SELECT area, rooms, city, price FROM houses', 'price', epochs => 2)")
        .expect("trains");
    let whole = number(
        &mut client,
        "SELECT ml_predict('prices', h) FROM houses h WHERE id = 7",
    );
    for form in [
        "ml_predict('prices', area, rooms, city)",
        "ml_predict('prices', to_jsonb(h))",
        "ml_predict('prices', jsonb_build_object('city', city, 'rooms', rooms, 'area', area))",
        "ml_predict('prices', ROW(area, rooms, city))",
        "(ml_predict_values('prices', h))[1]::float8",
    ] {
        let value = number(
            &mut client,
            &format!("SELECT {form} FROM houses h WHERE id = 7"),
        );
        let tolerance = if form.contains("values") { 0.05 } else { 0.0 };
        assert!(
            (value - whole).abs() <= tolerance,
            "{form}: {value}, not {whole}"
        );
    }
    let literals = number(
        &mut client,
        "SELECT ml_predict('prices', '80.5', 3, 'Jena')",
    );
    assert_eq!(
        literals,
        number(
            &mut client,
            "SELECT ml_predict('prices', 80.5, 3::bigint, 'Jena'::varchar)"
        )
    );
    let bound = client.query_one(
        "SELECT ml_predict('prices', $1::float8, $2::int, $3::text)",
        &[&80.5_f64, &3_i32, &"Jena"],
    );
    assert_eq!(bound.expect("predicts").get::<_, f64>(0), literals);

    number(
        &mut client,
        "SELECT ml_predict('prices', NULL::float8, NULL::int, 'nowhere')",
    );
    let nothing = client
        .query_one("SELECT ml_predict(NULL, h) FROM houses h LIMIT 1", &[])
        .expect("answers");
    assert_eq!(nothing.get::<_, Option<f64>>(0), None);

    assert_eq!(
        refusal(&mut client, "SELECT ml_predict('prices', 80.5, 3)"),
        "22000"
    );
    assert_eq!(
        refusal(
            &mut client,
            "SELECT ml_predict('prices', h) FROM (SELECT area, rooms FROM houses) h"
        ),
        "42703"
    );
    assert_eq!(
        refusal(
            &mut client,
            "SELECT ml_predict('prices', 'large'::text, 3, 'Jena')"
        ),
        "42804"
    );
    assert_eq!(
        refusal(&mut client, "SELECT ml_predict('price', h) FROM houses h"),
        "42704"
    );
}

#[test]
fn a_classification_answers_with_labels_and_probabilities() {
    let (_server, mut client) = houses();
    client
        .batch_execute(
            "SELECT * FROM ml_train('city', 'SELECT area, rooms, price, city FROM houses', 'city', epochs => 60, batch_size => 16);
             SELECT * FROM ml_train('dear', 'SELECT area, rooms, city, price > 120000 AS dear FROM houses', 'dear', epochs => 20)",
        )
        .expect("trains");
    let right = "SELECT avg((ml_predict_class('city', h) = city)::int)::float8 FROM houses h";
    assert!(number(&mut client, right) > 0.9);
    let sum = "SELECT min((SELECT sum(p::float8) FROM jsonb_each_text(ml_predict_proba('city', h)) AS e(label, p))) FROM houses h";
    assert!((number(&mut client, sum) - 1.0).abs() < 1e-5);
    assert_eq!(
        refusal(&mut client, "SELECT ml_predict('city', h) FROM houses h"),
        "42809"
    );

    let right =
        "SELECT avg(((ml_predict('dear', h) > 0.5) = (price > 120000))::int)::float8 FROM houses h";
    assert!(
        number(&mut client, right) > 0.95,
        "ml_predict is the probability of true"
    );
}

#[test]
fn a_model_follows_its_transaction() {
    let (server, mut client) = houses();
    let train = "SELECT * FROM ml_train('prices', 'SELECT area, rooms, price FROM houses', 'price', epochs => 1, seed => ";
    client
        .batch_execute(&format!("BEGIN; {train} 1); ROLLBACK"))
        .expect("trains");
    assert_eq!(
        refusal(&mut client, "SELECT ml_predict('prices', 80, 3)"),
        "42704"
    );

    client
        .batch_execute(&format!("{train} 1)"))
        .expect("trains");
    let mut reader = server.connect();
    reader
        .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        .expect("begins");
    let before = number(&mut reader, "SELECT ml_predict('prices', 80, 3)");
    client
        .batch_execute(&format!("{train} 2)"))
        .expect("trains again");
    let after = number(&mut client, "SELECT ml_predict('prices', 80, 3)");
    assert_ne!(before, after);
    assert_eq!(
        number(&mut reader, "SELECT ml_predict('prices', 80, 3)"),
        before,
        "the snapshot decides"
    );
    reader.batch_execute("COMMIT").expect("ends");
    assert_eq!(
        number(&mut reader, "SELECT ml_predict('prices', 80, 3)"),
        after
    );

    client
        .batch_execute("SELECT ml_drop('prices')")
        .expect("drops");
    assert_eq!(
        refusal(&mut reader, "SELECT ml_predict('prices', 80, 3)"),
        "42704"
    );
}

#[test]
fn history_summary_and_settings_are_kept() {
    let (_server, mut client) = houses();
    client
        .batch_execute(
            "SELECT * FROM ml_train('prices', 'SELECT area, rooms, price FROM houses', 'price', epochs => 3,
                 layers => '[{\"class_name\":\"Dense\",\"config\":{\"units\":8,\"activation\":\"relu\"}},
                             {\"class_name\":\"Dense\",\"config\":{\"units\":1}}]',
                 optimizer => 'sgd', metrics => '{mae}')",
        )
        .expect("trains");
    assert_eq!(
        number(
            &mut client,
            "SELECT count(*)::float8 FROM ml_history('prices')"
        ),
        3.0
    );
    // 2 numbers in: (2 + 1) * 8 + (8 + 1) * 1
    assert_eq!(
        number(
            &mut client,
            "SELECT sum(parameters)::float8 FROM ml_summary('prices')"
        ),
        33.0
    );
    let settings = "SELECT settings->>'batch_size', settings->>'optimizer', settings->>'seed' FROM tablenet.models WHERE model = 'prices'";
    let row = client.query_one(settings, &[]).expect("is listed");
    assert_eq!(
        row.get::<_, Option<&str>>(0),
        Some("32"),
        "the default that was used is shown"
    );
    assert!(
        row.get::<_, Option<&str>>(1)
            .is_some_and(|optimizer| optimizer.to_lowercase().contains("sgd"))
    );
    assert_eq!(row.get::<_, Option<&str>>(2), Some("0"));
}

#[test]
fn a_training_can_be_followed_epoch_by_epoch() {
    let (server, _client) = houses();
    let (mut client, messages) = server.listen_as("postgres");
    let train = "SELECT * FROM ml_train('m', 'SELECT area, rooms, price FROM houses', 'price', epochs => 3)";
    client.batch_execute(train).expect("trains");
    assert_eq!(messages.try_iter().count(), 0, "quiet unless asked");
    client
        .batch_execute(&format!("SET client_min_messages = debug1; {train}"))
        .expect("trains");
    let epochs: Vec<String> = messages
        .try_iter()
        .filter(|message| message.starts_with("DEBUG: epoch "))
        .collect();
    assert_eq!(epochs.len(), 3, "{epochs:?}");
    for (epoch, line) in (1..).zip(&epochs) {
        assert!(
            line.starts_with(&format!("DEBUG: epoch {epoch}: loss ")),
            "{line}"
        );
        assert!(
            line.contains(", val_loss ") && line.contains(", val_mae "),
            "{line}"
        );
    }
}

#[test]
fn columns_that_are_no_features_are_listed_once() {
    let (server, mut client) = houses();
    client
        .batch_execute("SELECT * FROM ml_train('prices', 'SELECT area, rooms, city, price FROM houses', 'price', epochs => 1)")
        .expect("trains");
    let (mut told, messages) = server.listen_as("postgres");
    let listed = "DEBUG: columns that are no features of model \"prices\": id, price";
    for from in ["houses", "(SELECT * FROM houses OFFSET 0) AS houses"] {
        let query = format!("SELECT sum(ml_predict('prices', houses)) FROM {from}");
        told.batch_execute(&format!("RESET client_min_messages; {query}"))
            .expect("predicts");
        assert_eq!(messages.try_recv().ok(), None, "{from}");
        told.batch_execute(&format!("SET client_min_messages = debug1; {query}"))
            .expect("predicts");
        let found: Vec<String> = messages.try_iter().collect();
        assert_eq!(found, [listed], "{from}");
    }
}
