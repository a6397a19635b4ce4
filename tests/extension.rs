//! The extension itself: it installs into any schema, says what each function is, and leaves nothing behind.

use server::Server;

#[test]
fn the_functions_live_in_the_schema_that_was_asked_for() {
    let server = Server::start();
    let mut client = server.connect();
    client
        .batch_execute(
            "DROP EXTENSION tablenet; CREATE SCHEMA ml; CREATE EXTENSION tablenet SCHEMA ml",
        )
        .expect("installs again");
    let version: String = client
        .query_one("SELECT ml.ml_version()", &[])
        .expect("works")
        .get(0);
    assert_eq!(version, env!("CARGO_PKG_VERSION"));
    let installed = "SELECT extversion FROM pg_extension WHERE extname = 'tablenet'";
    let installed: String = client
        .query_one(installed, &[])
        .expect("is installed")
        .get(0);
    assert_eq!(installed, version);
}

#[test]
fn training_is_volatile_and_scoring_is_stable_and_parallel() {
    let server = Server::start();
    let mut client = server.connect();
    let functions = client
        .query(
            "SELECT p.proname::text, p.provolatile::text, p.proparallel::text, p.proisstrict, p.prosecdef,
                    has_function_privilege('pg_monitor', p.oid, 'EXECUTE'), obj_description(p.oid) IS NOT NULL,
                    p.prolang = (SELECT oid FROM pg_language WHERE lanname = 'sql'),
                    p.pronargs > 0 AND p.proargtypes[0] = 'tablenet.model'::regtype
               FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid
              WHERE d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
                AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'tablenet')
              ORDER BY 1",
            &[],
        )
        .expect("a catalog query");
    let mut names = Vec::new();
    for row in &functions {
        let name: String = row.get(0);
        let (volatile, parallel): (String, String) = (row.get(1), row.get(2));
        let (strict, definer, public): (bool, bool, bool) = (row.get(3), row.get(4), row.get(5));
        match name.as_str() {
            // ml_dense and its siblings, and what they call.
            _ if row.get(7) || ["layer", "sequential"].contains(&&*name) => {
                assert_eq!(
                    (&*volatile, &*parallel, strict),
                    ("i", "s", false),
                    "{name}"
                );
            }
            "ml_train" | "ml_partial_fit" | "ml_drop" => {
                assert_eq!((&*volatile, &*parallel), ("v", "u"), "{name}");
            }
            _ if name.starts_with("ml_predict") => {
                // A value is all that they look at, a name is looked up.
                let expected = if row.get(8) { "i" } else { "s" };
                assert_eq!(
                    (&*volatile, &*parallel, strict),
                    (expected, "s", false),
                    "{name}"
                );
            }
            "ml_model" => assert_eq!((&*volatile, &*parallel), ("s", "s"), "{name}"),
            // The type of models and its casts.
            "model" | "bytea" | "model_in" | "model_out" | "model_recv" | "model_send" => {
                assert_eq!((&*volatile, &*parallel, strict), ("i", "s", true), "{name}");
            }
            "train_agg_step" | "train_agg_end" => {
                assert_eq!((&*volatile, &*parallel), ("v", "u"), "{name}");
            }
            // In the schema of the extension: only the planner calls it.
            "predict_support" => {
                assert_eq!((&*volatile, &*parallel, strict), ("i", "s", true));
            }
            _ => assert!(name.starts_with("ml_"), "{name}"),
        }
        assert!(!definer, "{name} runs as its caller");
        assert!(
            public,
            "{name} is executable by PUBLIC: rights are per model"
        );
        names.push(name);
    }
    for name in [
        "ml_dense",
        "ml_drift",
        "ml_drop",
        "ml_evaluate",
        "ml_feature_info",
        "ml_history",
        "ml_partial_fit",
        "ml_predict",
        "ml_predict_class",
        "ml_predict_proba",
        "ml_predict_values",
        "ml_sequential",
        "ml_summary",
        "ml_train",
        "ml_transform",
        "ml_version",
    ] {
        assert!(names.iter().any(|known| known == name), "{name} is there");
    }
}

#[test]
fn dropping_it_leaves_nothing() {
    let server = Server::start();
    let mut client = server.connect();
    client
        .batch_execute("DROP EXTENSION tablenet")
        .expect("drops");
    let left = "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'tablenet'";
    assert_eq!(
        client
            .query_one(left, &[])
            .expect("counts")
            .get::<_, i64>(0),
        0
    );
    let schema = "SELECT count(*) FROM pg_namespace WHERE nspname = 'tablenet'";
    assert_eq!(
        client
            .query_one(schema, &[])
            .expect("counts")
            .get::<_, i64>(0),
        0
    );
    client
        .batch_execute("CREATE EXTENSION tablenet")
        .expect("installs again");
}

#[test]
fn a_hostile_schema_of_its_name_makes_the_installation_fail() {
    let server = Server::start();
    let mut client = server.connect();
    client
        .batch_execute("DROP EXTENSION tablenet; CREATE SCHEMA tablenet")
        .expect("a schema");
    let error = client
        .batch_execute("CREATE EXTENSION tablenet")
        .expect_err("refused");
    assert_eq!(
        error.code().map(|code| code.code()),
        Some("42P06"),
        "{error}"
    );
}
