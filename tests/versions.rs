//! Versions of a model: which there are, which is deployed, and how each is named.

use postgres::Client;
use server::Server;
use server::sessions::{price, session, train};
use server::training::{create_houses, number, refusal, run};

fn server() -> (Server, Client) {
    let server = Server::start();
    let mut client = session(&server);
    create_houses(&mut client);
    (server, client)
}

/// The versions of m, the deployed one in brackets.
fn versions(client: &mut Client) -> String {
    let query = "SELECT string_agg(CASE WHEN deployed THEN '[' || version || ']' ELSE version::text END, ' ' ORDER BY version)
                   FROM tablenet.versions WHERE model = 'm'";
    client.query_one(query, &[]).expect("answers").get(0)
}

fn deploy(client: &mut Client, version: &str) -> i32 {
    client
        .query_one(&format!("SELECT ml_deploy('m', {version})"), &[])
        .unwrap_or_else(|error| panic!("{version}: {error:?}"))
        .get(0)
}

#[test]
fn the_newest_stay_and_the_deployed_one() {
    let (_server, mut client) = server();
    for _ in 0..12 {
        run(&mut client, &train("m", ""));
    }
    assert_eq!(
        versions(&mut client),
        "3 4 5 6 7 8 9 10 11 [12]",
        "ten by default"
    );
    deploy(&mut client, "4");
    run(
        &mut client,
        &train("m", ", deploy => 'never', keep_versions => 3"),
    );
    assert_eq!(
        versions(&mut client),
        "[4] 11 12 13",
        "the deployed one is one more"
    );
    run(&mut client, &train("m", ", keep_versions => 3"));
    assert_eq!(
        versions(&mut client),
        "12 13 [14]",
        "the one deployed before is not"
    );
    run(&mut client, &train("m", ", keep_versions => 1"));
    assert_eq!(versions(&mut client), "[15]");
    run(
        &mut client,
        "SELECT ml_partial_fit('m', 'SELECT * FROM houses', keep_versions => 1, deploy => 'never')",
    );
    assert_eq!(versions(&mut client), "[15] 16");
    let parts = "SELECT count(*)::float8 FROM (
        SELECT model_id, version FROM tablenet.stored_chunk UNION SELECT model_id, version FROM tablenet.stored_state
        EXCEPT SELECT model_id, version FROM tablenet.stored_version) AS orphans";
    assert_eq!(
        number(&mut client, parts),
        0.0,
        "all parts of a version go with it"
    );
    for bad in ["0", "-1"] {
        let statement = train("m", &format!(", keep_versions => {bad}"));
        assert_eq!(refusal(&mut client, &statement), "22023");
    }
}

#[test]
fn a_number_is_never_used_again() {
    let (_server, mut client) = server();
    for _ in 0..3 {
        run(&mut client, &train("m", ", deploy => 'never'"));
    }
    run(&mut client, "SELECT ml_drop('m', 3); SELECT ml_drop('m@2')");
    run(&mut client, &train("m", ", deploy => 'never'"));
    assert_eq!(versions(&mut client), "1 4");
    run(&mut client, "SELECT ml_drop('m@1'); SELECT ml_drop('m@4')");
    assert_eq!(
        refusal(&mut client, "SELECT ml_predict('m', 80, 3)"),
        "55000"
    );
    run(&mut client, &train("m", ""));
    assert_eq!(
        versions(&mut client),
        "[5]",
        "also when no version was left"
    );
    assert_eq!(refusal(&mut client, "SELECT ml_drop('m', 5)"), "55006");
    assert_eq!(refusal(&mut client, "SELECT ml_drop('m', 4)"), "42704");
}

#[test]
fn one_is_deployed_by_its_number_or_a_word() {
    let (_server, mut client) = server();
    for epochs in [1, 30, 2] {
        run(
            &mut client,
            &format!(
                "SELECT ml_train('m', 'SELECT area, rooms, price FROM houses', 'price', validation_split => 0.2, epochs => {epochs})"
            ),
        );
    }
    // Without validation rows it is no candidate.
    run(
        &mut client,
        &train("m", ", validation_split => 0, seed => 3"),
    );
    let best = "SELECT version::float8 FROM tablenet.versions WHERE model = 'm' ORDER BY val_loss, version DESC LIMIT 1";
    assert_eq!(
        number(&mut client, best),
        2.0,
        "thirty epochs are better than two"
    );
    assert_eq!(versions(&mut client), "1 2 3 [4]");
    assert_eq!(deploy(&mut client, "'best'"), 2);
    assert_eq!(versions(&mut client), "1 [2] 3 4");
    assert_eq!(deploy(&mut client, "'previous'"), 4);
    assert_eq!(
        deploy(&mut client, "'previous'"),
        2,
        "the one before is previous now"
    );
    assert_eq!(deploy(&mut client, "2"), 2, "nothing changes");
    assert_eq!(deploy(&mut client, "'previous'"), 4);
    assert_eq!(deploy(&mut client, "'3'"), 3);
    let three = price(&mut client, "m");
    assert_eq!(three, price(&mut client, "m@3"));
    for (version, code) in [
        ("9", "42704"),
        ("'9'", "42704"),
        ("'0'", "22023"),
        ("'-1'", "22023"),
        ("'newest'", "22023"),
        ("NULL::int", "22004"),
        ("NULL::text", "22004"),
    ] {
        let statement = format!("SELECT ml_deploy('m', {version})");
        assert_eq!(refusal(&mut client, &statement), code, "{version}");
    }
    run(&mut client, "SELECT ml_drop('m', 4)");
    assert_eq!(
        refusal(&mut client, "SELECT ml_deploy('m', 'previous')"),
        "42704"
    );
    run(&mut client, &train("n", ", validation_split => 0"));
    assert_eq!(
        refusal(&mut client, "SELECT ml_deploy('n', 'previous')"),
        "42704"
    );
    assert_eq!(
        refusal(&mut client, "SELECT ml_deploy('n', 'best')"),
        "42704"
    );
}

#[test]
fn none_is_deployed_before_somebody_says_so() {
    let (_server, mut client) = server();
    run(&mut client, &train("m", ", deploy => 'never'"));
    assert_eq!(versions(&mut client), "1");
    for statement in [
        "SELECT ml_predict('m', 80, 3)",
        "SELECT ml_summary('m')",
        "SELECT ml_evaluate('m', 'SELECT * FROM houses')",
        "SELECT ml_partial_fit('m', 'SELECT * FROM houses')",
    ] {
        assert_eq!(refusal(&mut client, statement), "55000", "{statement}");
    }
    let row = "SELECT count(*)::float8 FROM tablenet.models WHERE model = 'm' AND version IS NULL";
    assert_eq!(number(&mut client, row), 1.0);
    let answer = price(&mut client, "m@1");
    deploy(&mut client, "1");
    assert_eq!(price(&mut client, "m"), answer);
}

#[test]
fn each_is_named_in_every_function() {
    let (_server, mut client) = server();
    for seed in 1..=2 {
        let query = "SELECT area, rooms, rooms > 3 AS large FROM houses";
        let layers = format!(
            r#"[{{"class_name":"Dense","config":{{"units":{seed}}}}},{{"class_name":"Dense","config":{{"units":1}}}}]"#
        );
        run(
            &mut client,
            &format!(
                "SELECT ml_train('m', '{query}', 'large', layers => '{layers}', epochs => {seed}, seed => {seed})"
            ),
        );
    }
    let mut answers = |model: &str| -> Vec<String> {
        [
            "SELECT ml_predict('$', 80, 3)::text",
            "SELECT ml_predict_proba('$', 80, 3)::text",
            "SELECT ml_predict_values('$', 80, 3)::text",
            "SELECT string_agg(e::text, ';') FROM ml_evaluate('$', 'SELECT *, rooms > 3 AS large FROM houses') e",
            "SELECT string_agg(s::text, ';') FROM ml_summary('$') s",
            "SELECT string_agg(h::text, ';') FROM ml_history('$') h",
        ]
        .map(|query| client.query_one(&query.replace('$', model), &[]).expect(query).get(0))
        .to_vec()
    };
    let (first, second, deployed) = (answers("m@1"), answers("m@2"), answers("m"));
    assert_eq!(second, deployed);
    for (first, second) in first.iter().zip(&second) {
        assert_ne!(first, second);
    }
    // These are the same for both, and there.
    for query in [
        "SELECT count(*)::float8 FROM ml_feature_info('m@1')",
        "SELECT count(*)::float8 FROM ml_transform('m@1', 'SELECT * FROM houses')",
        "SELECT count(*)::float8 FROM ml_drift('m@1', 'SELECT * FROM houses')",
    ] {
        assert!(number(&mut client, query) >= 2.0, "{query}");
    }
    let class = client
        .query_one("SELECT ml_predict_class('m@1', 80, 3)", &[])
        .expect("answers");
    assert!(["true", "false"].contains(&class.get(0)));
    // What goes on from version 1 has its layers.
    run(
        &mut client,
        "SELECT ml_partial_fit('m@1', 'SELECT *, rooms > 3 AS large FROM houses')",
    );
    let same = "SELECT ((SELECT parameters FROM tablenet.versions WHERE version = 3) = (SELECT parameters FROM tablenet.versions WHERE version = 1))::int::float8";
    assert_eq!(number(&mut client, same), 1.0);
    let parent = "SELECT parent::float8 FROM tablenet.versions WHERE version = 3";
    assert_eq!(number(&mut client, parent), 1.0);

    for (name, code) in [
        ("m@9", "42704"),
        ("m@", "22023"),
        ("m@x", "22023"),
        ("m@0", "22023"),
        ("x@1", "42704"),
    ] {
        let statement = format!("SELECT ml_predict('{name}', 80, 3)");
        assert_eq!(refusal(&mut client, &statement), code, "{name}");
    }
    for statement in [train("m@3", ""), "SELECT ml_rename('m', 'n@1')".into()] {
        assert_eq!(refusal(&mut client, &statement), "22023", "{statement}");
    }
}
