//! The scripts can run again at any time, and removing leaves nothing.

use mysql_server::engine::{Engine, MySql};
use mysql_server::samples::houses;
use mysql_server::{Connection, Flavour, Server};
use std::sync::Arc;

mysql_server::on_both_servers!(
    installing_again_keeps_models_and_grants,
    removing_leaves_nothing,
    a_dump_carries_the_models
);

fn installing_again_keeps_models_and_grants(flavour: Flavour) {
    let server = Arc::new(Server::start(flavour));
    let mut engine = MySql::of(server.clone());
    let table = houses("houses", 60);
    engine.load(&table);
    engine
        .train_on("kept", &table, "price", r#"{"epochs": 1}"#)
        .unwrap_or_else(|error| panic!("{error}"));
    engine.run("CREATE USER ben@localhost; CALL ml_grant('kept', 'ben', 'predict')");
    let before = engine.model("kept");
    let grants = engine.client().rows_of("SELECT * FROM tablenet.my_grants");
    for _ in 0..2 {
        server.script("", "install.sql");
        server.script("test", "procedures.sql");
    }
    assert_eq!(engine.model("kept"), before);
    assert_eq!(
        engine.client().rows_of("SELECT * FROM tablenet.my_grants"),
        grants
    );
    let again = engine.train_on("kept", &table, "price", r#"{"epochs": 1}"#);
    assert_eq!(again.unwrap_or_else(|error| panic!("{error}")).version, 2);
    let mode = "SELECT @@GLOBAL.sql_mode = @@SESSION.sql_mode";
    assert_eq!(server.connect().number(mode), 1.0);
}

fn removing_leaves_nothing(flavour: Flavour) {
    let server = Server::start(flavour);
    let mut client = server.connect();
    let left = [
        "SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = 'tablenet'",
        "SELECT COUNT(*) FROM mysql.func",
        "SELECT COUNT(*) FROM mysql.user WHERE user LIKE 'tablenet%'",
        "SELECT COUNT(*) FROM information_schema.routines WHERE routine_schema = 'tablenet'",
    ];
    for query in left {
        assert!(client.number(query) > 0.0, "{query}");
    }
    server.script("test", "uninstall.sql");
    for query in left {
        assert_eq!(client.number(query), 0.0, "{query}");
    }
    let refusal = client.refusal("SELECT ml_version()");
    assert_eq!(refusal.code, 1305, "{refusal}");
    server.script("", "install.sql");
    server.script("test", "procedures.sql");
    assert!(client.text("SELECT ml_version()").is_some());
}

/// The rows of a table as an INSERT, as a dump with hexadecimal bytes has it.
fn dumped(client: &mut Connection, table: &str) -> String {
    let columns = format!(
        "SELECT column_name FROM information_schema.columns
          WHERE table_schema = 'tablenet' AND table_name = '{table}' ORDER BY ordinal_position"
    );
    let columns: Vec<String> = client
        .rows_of(&columns)
        .iter()
        .map(|row| String::from_utf8_lossy(row[0].as_deref().expect("a name")).into_owned())
        .collect();
    let expressions: Vec<String> = columns
        .iter()
        .map(|column| match column.as_str() {
            "model" => "CONCAT('X''', HEX(`model`), '''')".to_owned(),
            other => format!("QUOTE(`{other}`)"),
        })
        .collect();
    let values = format!("SELECT {} FROM tablenet.{table}", expressions.join(", "));
    let rows: Vec<String> = client
        .rows_of(&values)
        .iter()
        .map(|row| {
            let values = row
                .iter()
                .map(|value| String::from_utf8_lossy(value.as_deref().expect("quoted")));
            format!("({})", values.collect::<Vec<_>>().join(", "))
        })
        .collect();
    let columns = columns.join("`, `");
    format!(
        "INSERT INTO {table} (`{columns}`) VALUES {};\n",
        rows.join(",\n")
    )
}

/// Rows of three tables are all there is to a model.
fn a_dump_carries_the_models(flavour: Flavour) {
    let first = Arc::new(Server::start(flavour));
    let mut engine = MySql::of(first);
    let table = houses("houses", 60);
    engine.load(&table);
    let trained = engine.train_on("moved", &table, "price", r#"{"epochs": 1}"#);
    trained.unwrap_or_else(|error| panic!("{error}"));
    engine.run("CREATE USER ben@localhost; CALL ml_grant('moved', 'ben', 'train')");
    let features = table.features("price");
    let expected = engine
        .predict("moved", &features, "houses")
        .expect("predicts");
    // QUOTE() escapes with backslashes.
    engine.run("SET sql_mode = ''");
    let dump = ["names", "models", "grants"].map(|table| dumped(engine.client(), table));

    let second = Arc::new(Server::start(flavour));
    let (succeeded, output) = second.command_line("tablenet", dump.concat().as_bytes());
    assert!(succeeded, "{output}");
    let mut engine = MySql::of(second);
    engine.load(&table);
    let found = engine
        .predict("moved", &features, "houses")
        .expect("predicts");
    assert_eq!(found, expected);
    let again = engine.train_on("moved", &table, "price", r#"{"epochs": 1}"#);
    assert_eq!(again.unwrap_or_else(|error| panic!("{error}")).version, 2);
}
