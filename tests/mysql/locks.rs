//! What fails or only looks something up locks nothing: in an open transaction it would make the trainings of others wait.

use mysql_server::engine::{Engine, MySql};
use mysql_server::samples::houses;
use mysql_server::{Connection, Flavour, Server};
use std::sync::Arc;

mysql_server::on_both_servers!(a_stranger_keeps_nobody_from_storing);

fn train(client: &mut Connection, name: &str) {
    client.run(&format!(
        r#"CALL ml_train('{name}', 'SELECT area, price FROM houses', 'price', '{{"epochs": 1}}')"#
    ));
}

fn a_stranger_keeps_nobody_from_storing(flavour: Flavour) {
    let server = Arc::new(Server::start(flavour));
    MySql::of(server.clone()).load(&houses("houses", 60));
    let default = match flavour {
        Flavour::MariaDb => "FOR",
        Flavour::MySql => "TO",
    };
    let mut root = server.connect();
    for user in ["ada", "ben"] {
        root.run(&format!(
            "CREATE USER '{user}'@'localhost';
             GRANT tablenet_user TO '{user}'@'localhost';
             SET DEFAULT ROLE tablenet_user {default} '{user}'@'localhost';
             GRANT SELECT, UPDATE, CREATE VIEW, DROP, EXECUTE ON test.* TO '{user}'@'localhost'"
        ));
    }
    let mut ada = server.connect_as("ada").expect("may connect");
    let mut ben = server.connect_as("ben").expect("may connect");
    ada.run("SET innodb_lock_wait_timeout = 1");
    ben.run("SET autocommit = 0");
    train(&mut ada, "mine");
    for (statement, expected) in [
        ("CALL ml_drop('mine')", "does not exist"),
        ("CALL ml_deploy('mine', '1')", "does not exist"),
        ("CALL ml_grant('mine', 'ben', 'train')", "does not exist"),
        ("CALL ml_revoke('mine', 'ada', 'train')", "does not exist"),
        ("CALL ml_history('mine')", "does not exist"),
        (
            "CALL ml_predict_into('houses', NULL, 'price', 'mine')",
            "does not exist",
        ),
        (
            "CALL tablenet.store('mine', NULL, NULL, NULL, 'always', 1, NULL, @version)",
            "belongs to another user",
        ),
        // The name that ada is about to use, and its neighbour.
        ("CALL ml_drop('other')", "does not exist"),
        ("CALL ml_drop('others')", "does not exist"),
    ] {
        let refusal = ben.refusal(statement);
        assert!(refusal.message.contains(expected), "{statement}: {refusal}");
        train(&mut ada, "mine");
        train(&mut ada, "other");
        ada.run("CALL ml_grant('mine', 'eve', 'predict')");
        ada.run("CALL ml_drop('other')");
        ben.run("ROLLBACK");
    }
    train(&mut ben, "bens");
    let refusal = ben.refusal("CALL ml_revoke('bens', 'eve', 'predict')");
    assert!(refusal.message.contains("has no such right"), "{refusal}");
    ada.run("CALL ml_grant('mine', 'zoe', 'predict')");
}
