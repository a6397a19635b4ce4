//! A model from its first training to its end.

use mysql_server::engine::Engine;
use mysql_server::samples::houses;

mysql_server::on_every_engine!(a_name_means_its_latest_version, a_dropped_model_is_gone);

fn a_name_means_its_latest_version(engine: &mut dyn Engine) {
    let table = houses("houses_versions", 200);
    engine.load(&table);
    let features = table.features("price");
    let mut seen = Vec::new();
    for version in 1..=3 {
        let spec = format!(r#"{{"epochs": 1, "seed": {version}}}"#);
        let trained = engine
            .train_on("versions", &table, "price", &spec)
            .expect("trains");
        assert_eq!((trained.version, trained.deployed), (version, true));
        let predicted = engine
            .predict("versions", &features, table.name)
            .expect("predicts");
        assert!(
            !seen.contains(&predicted),
            "version {version} answers for itself"
        );
        seen.push(predicted);
    }
}

fn a_dropped_model_is_gone(engine: &mut dyn Engine) {
    let table = houses("houses_dropped", 100);
    engine.load(&table);
    let query = engine.select(&table.names(), table.name);
    engine
        .train_on("dropped", &table, "price", r#"{"epochs": 1}"#)
        .expect("trains");
    engine.drop_model("dropped");
    let refusal = engine.evaluate("dropped", &query).expect_err("is gone");
    assert!(refusal.message.contains("\"dropped\""), "{refusal}");
    let again = engine.train_on("dropped", &table, "price", r#"{"epochs": 1}"#);
    assert_eq!(again.expect("trains").version, 1);
}
