//! A site that lets only some roles make and change models: the statements that the install script carries.

use server::Server;
use server::training::{create_houses, number, refusal};

/// The statements of sql/rights.sql that are commented out, without the signs.
fn statements() -> String {
    let script = include_str!("../../sql/rights.sql");
    let lines = script.lines().filter_map(|line| line.strip_prefix("--   "));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_statements_for_a_role_of_trainers_work_as_they_stand() {
    let server = Server::start();
    let mut root = server.connect();
    create_houses(&mut root);
    root.batch_execute("CREATE ROLE trainers; CREATE ROLE tina LOGIN IN ROLE trainers; CREATE ROLE paul LOGIN; GRANT SELECT ON houses TO PUBLIC")
        .expect("prepares");
    let statements = statements();
    assert!(
        statements.starts_with("REVOKE EXECUTE") && statements.contains("GRANT EXECUTE"),
        "{statements}"
    );
    root.batch_execute(&statements)
        .unwrap_or_else(|error| panic!("{statements}: {error:?}"));

    let train = "SELECT ml_train('prices', 'SELECT area, rooms, price FROM houses LIMIT 100', 'price', epochs => 1)";
    let mut tina = server.connect_as("tina");
    tina.batch_execute(&format!(
        "{train}; SELECT ml_grant('prices', 'paul', 'own')"
    ))
    .expect("may train");
    let mut paul = server.connect_as("paul");
    number(&mut paul, "SELECT ml_predict('prices', 80, 3)");
    number(
        &mut paul,
        "SELECT count(*)::float8 FROM ml_evaluate('prices', 'TABLE houses')",
    );
    assert_eq!(refusal(&mut paul, train), "42501");
    assert_eq!(
        refusal(&mut paul, "SELECT ml_drop('prices')"),
        "42501",
        "although it is his"
    );

    // None is forgotten: what writes is closed, what reads is open.
    let reads = [
        "predict",
        "predict_class",
        "predict_proba",
        "predict_values",
        "model",
        "export",
        "export_sql",
        "evaluate",
        "transform",
        "drift",
        "history",
        "summary",
        "feature_info",
        "version",
    ];
    // The builders of layers, which are SQL, only write JSON.
    let query = "SELECT proname::text, has_function_privilege('paul', p.oid, 'EXECUTE'), has_function_privilege('tina', p.oid, 'EXECUTE'),
                        prolang = (SELECT oid FROM pg_language WHERE lanname = 'sql')
                   FROM pg_depend AS d JOIN pg_proc AS p ON p.oid = d.objid
                  WHERE d.classid = 'pg_proc'::regclass AND d.deptype = 'e' AND proname LIKE 'ml\\_%'
                    AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'tablenet')";
    for row in root.query(query, &[]).expect("a catalog query") {
        let name: &str = row.get(0);
        let open = row.get(3)
            || name
                .strip_prefix("ml_")
                .is_some_and(|word| reads.contains(&word));
        assert_eq!(
            (row.get::<_, bool>(1), row.get::<_, bool>(2)),
            (open, true),
            "{name}"
        );
    }
}
