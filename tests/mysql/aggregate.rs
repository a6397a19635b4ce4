//! `ml_train_agg`: a training in any SELECT, and what the functions beside it say of the model.

use mysql_server::engine::{Engine, MySql};
use mysql_server::samples::houses;
use mysql_server::{Flavour, Value};

mysql_server::on_both_servers!(
    names_come_from_the_columns,
    names_come_from_the_spec,
    each_group_has_its_own_model,
    a_spec_may_be_a_parameter,
    no_rows_are_an_error,
    a_training_follows_its_transaction,
    large_unsigned_numbers_keep_their_sign,
    texts_have_to_be_unicode,
    a_report_belongs_to_its_bytes,
    an_object_is_bound_by_name,
    a_null_model_answers_null,
    evaluations_agree,
);

const SPEC: &str = r#"{"epochs": 2}"#;

/// A session, and `houses` under this name.
fn session(flavour: Flavour, name: &'static str) -> MySql {
    let mut engine = MySql::shared(flavour);
    engine.load(&houses(name, 300));
    engine
}

/// The model of this query, as a user variable of the session.
fn train(engine: &mut MySql, call: &str, from: &str) {
    engine.run(&format!("SET @model = (SELECT {call} FROM {from})"));
}

fn json(engine: &mut MySql, query: &str) -> serde_json::Value {
    let text = engine.client().text(query).expect("no NULL");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn names(info: &serde_json::Value) -> Vec<&str> {
    let features = info["features"].as_array().expect("an array");
    let features = features
        .iter()
        .filter(|feature| feature["role"] == "feature");
    features
        .filter_map(|feature| feature["name"].as_str())
        .collect()
}

fn names_come_from_the_columns(flavour: Flavour) {
    let mut engine = session(flavour, "agg_columns");
    let call =
        format!("ml_train_agg('{SPEC}', h.price, h.area, rooms * 2 AS `twice the rooms`, city)");
    train(&mut engine, &call, "agg_columns h");
    let info = json(&mut engine, "SELECT ml_info(@model)");
    assert_eq!(names(&info), ["area", "twice the rooms", "city"]);
    assert_eq!(info["target"], "price");
    assert_eq!(info["task"], "regression");
    let summary = engine
        .client()
        .text("SELECT ml_summary(@model)")
        .expect("a text");
    assert!(
        summary.contains("dense") && summary.contains("params"),
        "{summary}"
    );
}

fn names_come_from_the_spec(flavour: Flavour) {
    let mut engine = session(flavour, "agg_spec");
    let spec =
        r#"{"epochs": 2, "target": "cost", "features": ["a", "b"], "types": {"b": "category"}}"#;
    train(
        &mut engine,
        &format!("ml_train_agg('{spec}', price, area, CAST(rooms AS CHAR))"),
        "agg_spec",
    );
    let info = json(&mut engine, "SELECT ml_info(@model)");
    assert_eq!(names(&info), ["a", "b"]);
    assert_eq!(info["target"], "cost");
    assert_eq!(info["features"][1]["type"], "category");
    for (spec, word) in [
        (r#"{"features": ["a"]}"#, "features"),
        (
            r#"{"features": ["a", "b"], "types": {"c": "category"}}"#,
            "c",
        ),
        (r#"{"features": ["a", "a"]}"#, "a"),
        (r#"{"epoch": 1}"#, "epochs"),
        (r#"{"epochs": 1, "epochs": 2}"#, "epochs"),
        (r#"{"epochs""#, "spec"),
        ("[]", "spec"),
    ] {
        let refusal = engine.client().refusal(&format!(
            "SELECT ml_train_agg('{spec}', price, area, rooms) FROM agg_spec"
        ));
        assert!(refusal.message.contains(word), "{spec}: {refusal}");
        assert_ne!(refusal.code, 1123, "{refusal}");
    }
}

fn each_group_has_its_own_model(flavour: Flavour) {
    let mut engine = session(flavour, "agg_groups");
    let call = format!("ml_train_agg('{SPEC}', price, area, rooms)");
    // In an order that has the rows of a group in that of their numbers too.
    engine.run("CREATE TABLE agg_sorted (PRIMARY KEY (city, id)) AS SELECT * FROM agg_groups");
    engine.run(&format!(
        "CREATE TABLE agg_models AS SELECT city, {call} AS model FROM agg_sorted GROUP BY city"
    ));
    assert_eq!(
        engine
            .client()
            .number("SELECT COUNT(DISTINCT ml_ref(model)) FROM agg_models"),
        3.0
    );
    let alike = format!(
        "SELECT COUNT(*) FROM agg_models m WHERE ml_ref(model) =
           CASE city WHEN 'Berlin' THEN (SELECT ml_ref({call}) FROM agg_sorted WHERE city = 'Berlin')
                     WHEN 'Jena' THEN (SELECT ml_ref({call}) FROM agg_sorted WHERE city = 'Jena')
                     ELSE (SELECT ml_ref({call}) FROM agg_sorted WHERE city = 'Köln') END"
    );
    assert_eq!(
        engine.client().number(&alike),
        3.0,
        "as if each had been trained alone"
    );
    let each = "SELECT COUNT(ml_predict(ml_ref(model), area, rooms)) FROM agg_groups JOIN agg_models USING (city)";
    assert_eq!(engine.client().number(each), 300.0);
}

fn a_spec_may_be_a_parameter(flavour: Flavour) {
    let mut engine = session(flavour, "agg_prepared");
    let query = "SELECT ml_ref(ml_train_agg(?, price, area, city)) FROM agg_prepared";
    let literal = query.replace('?', &format!("'{SPEC}'"));
    let expected = engine.client().text(&literal);
    assert!(
        expected
            .as_deref()
            .is_some_and(|text| text.starts_with("mlref:")),
        "{expected:?}"
    );
    let rows = engine.client().prepared(query, &[Value::text(SPEC)]);
    assert_eq!(
        rows.unwrap_or_else(|error| panic!("{error}"))[0][0].string(),
        expected
    );
    engine.run(&format!("SET @spec = '{SPEC}'"));
    let variable = engine.client().text(&query.replace('?', "@spec"));
    assert_eq!(variable, expected);
    let subquery = engine
        .client()
        .text(&query.replace('?', &format!("(SELECT '{SPEC}')")));
    assert_eq!(subquery, expected);
    let expected = engine
        .client()
        .text(&query.replace('?', "'{\"max_seconds\": 60}'"));
    for nothing in ["NULL", "''", "'{}'", "' '"] {
        assert_eq!(
            engine.client().text(&query.replace('?', nothing)),
            expected,
            "{nothing}"
        );
    }
}

fn no_rows_are_an_error(flavour: Flavour) {
    let mut engine = session(flavour, "agg_empty");
    for tail in ["WHERE area < 0", "WHERE FALSE", "LIMIT 0"] {
        let query = format!(
            "SELECT ml_train_agg('{SPEC}', price, area) FROM (SELECT * FROM agg_empty {tail}) e"
        );
        let refusal = engine.client().refusal(&query);
        assert_eq!(refusal.code, 1105, "{tail}: {refusal}");
        assert!(refusal.message.contains("no rows"), "{refusal}");
    }
    // No group, no model, no error.
    let rows = engine
        .client()
        .rows_of("SELECT ml_train_agg('{}', price, area) FROM agg_empty WHERE FALSE GROUP BY city");
    assert_eq!(rows.len(), 0);
}

fn a_training_follows_its_transaction(flavour: Flavour) {
    let mut engine = session(flavour, "agg_transaction");
    engine
        .run("CREATE TABLE agg_kept (id INT PRIMARY KEY, model LONGBLOB NOT NULL) ENGINE = InnoDB");
    let insert = format!(
        "INSERT INTO agg_kept SELECT 1, ml_train_agg('{SPEC}', price, area) FROM agg_transaction"
    );
    engine.run(&format!("START TRANSACTION; {insert}; ROLLBACK"));
    assert_eq!(engine.client().number("SELECT COUNT(*) FROM agg_kept"), 0.0);
    engine.run(&format!("START TRANSACTION; {insert}; COMMIT"));
    assert_eq!(
        engine
            .client()
            .number("SELECT COUNT(*) FROM agg_kept WHERE LENGTH(model) > 1000"),
        1.0
    );
}

/// As INT the largest BIGINT UNSIGNED would arrive as -1.
fn large_unsigned_numbers_keep_their_sign(flavour: Flavour) {
    let mut engine = MySql::shared(flavour);
    engine.run(
        "CREATE TABLE unsigned_numbers (id INT PRIMARY KEY, whole BIGINT UNSIGNED, floating DOUBLE, y DOUBLE);
         INSERT INTO unsigned_numbers VALUES (1, 0, 0, 1), (2, 5, 5, 2), (3, 18446744073709551615, 18446744073709551615, 3),
             (4, 9223372036854775808, 9223372036854775808, 4), (5, NULL, NULL, 5), (6, 7, 7, 6)",
    );
    let reference = |column: &str| {
        format!(
            r#"SELECT ml_ref(ml_train_agg('{{"epochs": 1, "validation_split": 0, "features": ["x"], "preprocess": {{"x": {{"scale": "none"}}}}}}',
                 y, {column})) FROM unsigned_numbers"#
        )
    };
    let whole = engine.client().text(&reference("whole"));
    assert_eq!(whole, engine.client().text(&reference("floating")));
    assert_ne!(
        whole,
        engine.client().text(&reference("CAST(whole AS SIGNED)"))
    );
}

fn texts_have_to_be_unicode(flavour: Flavour) {
    let mut engine = MySql::shared(flavour);
    engine.run(
        "CREATE TABLE latin (id INT PRIMARY KEY, city VARCHAR(20) CHARACTER SET latin1, y DOUBLE);
         INSERT INTO latin VALUES (1, 'Köln', 1), (2, 'Jena', 2), (3, 'Köln', 3), (4, 'Jena', 4), (5, 'Ulm', 5), (6, 'Ulm', 4)",
    );
    let converted = "SELECT ml_ref(ml_train_agg('{\"epochs\": 1, \"features\": [\"city\"]}', y, CONVERT(city USING utf8mb4))) FROM latin";
    let expected = engine.client().text(converted).expect("trains");
    let plain = engine
        .client()
        .query(&converted.replace("CONVERT(city USING utf8mb4)", "city"));
    // A server that converts for its functions gives the same model; one that cannot has to say so.
    match plain {
        Ok(rows) => assert_eq!(rows[0][0].as_deref(), Some(expected.as_bytes())),
        Err(refusal) => {
            assert!(refusal.message.contains("utf8mb4"), "{refusal}");
            assert!(refusal.message.contains("city"), "{refusal}");
        }
    }
    let query = engine.select(&["city", "y"], "latin");
    let trained = engine.train("latin", &query, "y", r#"{"epochs": 1}"#);
    trained.unwrap_or_else(|error| panic!("{error}"));
    let info = json(
        &mut engine,
        "SELECT ml_info(model) FROM tablenet.deployed WHERE name = 'latin'",
    );
    assert_eq!(names(&info), ["city"]);
    let stored = "SELECT ml_ref(model) FROM tablenet.deployed WHERE name = 'latin'";
    assert_eq!(engine.client().text(stored), Some(expected));
}

fn a_report_belongs_to_its_bytes(flavour: Flavour) {
    let mut engine = session(flavour, "agg_report");
    train(
        &mut engine,
        &format!("ml_train_agg('{SPEC}', price, area, rooms)"),
        "agg_report",
    );
    let report = json(&mut engine, "SELECT ml_report(@model)");
    assert_eq!(
        (&report["rows"], &report["epochs"]),
        (&300.into(), &2.into())
    );
    assert_eq!(
        report["history"]["epochs"].as_array().map(Vec::len),
        Some(2)
    );
    for key in [
        "training_rows",
        "validation_rows",
        "loss",
        "val_loss",
        "metrics",
        "settings",
        "notices",
        "seconds",
        "threads",
        "fingerprint",
    ] {
        assert!(!report[key].is_null(), "{key}: {report}");
    }
    let other = engine
        .client()
        .text("SELECT ml_report(CONCAT(@model, 'x'))");
    assert_eq!(other, None);
}

fn an_object_is_bound_by_name(flavour: Flavour) {
    let mut engine = session(flavour, "agg_object");
    train(
        &mut engine,
        &format!("ml_train_agg('{SPEC}', price, area, rooms, city)"),
        "agg_object",
    );
    engine.run("SET @ref = ml_ref(@model)");
    let different = "SELECT COUNT(*) FROM agg_object WHERE NOT
                       ml_predict(@ref, area, rooms, city)
                       <=> ml_predict(@ref, JSON_OBJECT('city', city, 'area', area, 'none of it', 1, 'rooms', rooms))";
    assert_eq!(engine.client().number(different), 0.0);
    let blob = "SELECT COUNT(*) FROM agg_object WHERE NOT ml_predict(@model, area, rooms, city) <=> ml_predict(@ref, area, rooms, city)";
    assert_eq!(engine.client().number(blob), 0.0);
    for object in [
        r#"{"area": 1, "rooms": 2}"#,
        r#"{"area": "x", "rooms": 2, "city": "Ulm"}"#,
        r#"{"area": 1"#,
    ] {
        let refusal = engine
            .client()
            .refusal(&format!("SELECT ml_predict(@ref, '{object}')"));
        assert!(
            refusal.code == 1105 || refusal.code == 1054,
            "{object}: {refusal}"
        );
    }
    let null = r#"SELECT ml_predict(@ref, '{"area": null, "rooms": null, "city": null}') <=> ml_predict(@ref, NULL, NULL, NULL)"#;
    assert_eq!(engine.client().number(null), 1.0);
}

fn a_null_model_answers_null(flavour: Flavour) {
    let mut engine = MySql::shared(flavour);
    for call in [
        "ml_ref(NULL)",
        "ml_info(NULL)",
        "ml_summary(NULL)",
        "ml_report(NULL)",
        "ml_predict(NULL, 1)",
        "ml_predict_class(NULL, 1)",
        "ml_predict_proba(NULL, 1)",
        "ml_predict_values(NULL, 1)",
        "ml_predict((SELECT ml_ref(model) FROM tablenet.deployed WHERE name = 'nobody'), 1)",
    ] {
        assert_eq!(
            engine.client().text(&format!("SELECT {call}")),
            None,
            "{call}"
        );
    }
}

fn evaluations_agree(flavour: Flavour) {
    let mut engine = session(flavour, "agg_evaluate");
    let query = engine.select(&["area", "rooms", "city", "price"], "agg_evaluate");
    engine
        .train("evaluated", &query, "price", r#"{"epochs": 3}"#)
        .unwrap_or_else(|error| panic!("{error}"));
    let rows = engine
        .evaluate("evaluated", &query)
        .unwrap_or_else(|error| panic!("{error}"));
    let call = format!(
        "SELECT ml_evaluate_agg({}, price, area, rooms, city) FROM agg_evaluate",
        engine.reference("evaluated")
    );
    let object = json(&mut engine, &call);
    let object = object.as_object().expect("an object");
    assert_eq!(object.len(), rows.len());
    for (metric, value) in rows {
        assert_eq!(object[&metric].as_f64(), Some(value), "{metric}");
    }
}
