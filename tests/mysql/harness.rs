//! The servers start, run the scripts, answer, and end with their test.

use mysql_server::{Flavour, Server, Value};

mysql_server::on_both_servers!(a_server_answers);

fn a_server_answers(flavour: Flavour) {
    let server = Server::shared(flavour);
    let mut client = server.connect();
    assert_eq!(
        client.text("SELECT ml_version()").as_deref(),
        Some(env!("CARGO_PKG_VERSION"))
    );
    let rows = client.prepared(
        "SELECT ?, ? + 0e0, CAST(? AS CHAR), ?, pi()",
        &[
            Value::Integer(-7),
            Value::Double(0.1),
            Value::text("größe 😀"),
            Value::Null,
        ],
    );
    let row = rows.expect("a query").remove(0);
    assert_eq!(row[0], Value::Integer(-7));
    assert_eq!(row[1], Value::Double(0.1));
    assert_eq!(row[2].string().as_deref(), Some("größe 😀"));
    assert_eq!(row[3], Value::Null);
    assert_eq!(row[4], Value::Double(std::f64::consts::PI));
    let refusal = client.refusal("SELECT * FROM nowhere");
    assert_eq!((refusal.code, refusal.state.as_str()), (1146, "42S02"));
    let long = client.text("SELECT length(repeat('x', 20000000)), repeat('x', 20000000)");
    assert_eq!(long.as_deref(), Some("20000000"));
}
