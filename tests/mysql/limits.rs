//! Limits are the administrator's: in the server's environment or a file, and never the caller's.

use mysql_server::training::{create_wide, train_wide};
use mysql_server::{Connection, Flavour, Refusal, Server};
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

mysql_server::on_both_servers!(
    memory_of_one_training_is_bounded,
    memory_of_all_trainings_is_bounded,
    the_size_of_a_model_is_bounded,
    the_time_of_a_training_is_bounded,
    a_wrong_line_fails_every_call,
);

fn server(flavour: Flavour, environment: &[(&str, &str)], rows: u32) -> (Server, Connection) {
    let server = Server::with(flavour, environment, &[]);
    let mut client = server.connect();
    create_wide(&mut client, "wide", rows);
    (server, client)
}

fn refused(client: &mut Connection, spec: &str) -> Refusal {
    client.refusal(&format!("SELECT LENGTH({}) FROM wide", train_wide(spec)))
}

fn layers(units: u32) -> String {
    format!(
        r#"{{"epochs": 1, "layers": [{{"class_name": "Dense", "config": {{"units": {units}, "activation": "relu"}}}},
            {{"class_name": "Dense", "config": {{"units": {units}, "activation": "relu"}}}},
            {{"class_name": "Dense", "config": {{"units": 1}}}}]}}"#
    )
}

/// 1,000,000 rows of 116 bytes in 4 MB: they go to a file, and the server's peak says so.
fn memory_of_one_training_is_bounded(flavour: Flavour) {
    let (server, mut client) = server(flavour, &[("TABLENET_WORK_MEM", "4M")], 20_000);
    let five = "SELECT 1 AS x UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5";
    let many = format!(
        "(SELECT wide.* FROM wide, ({five}) a, ({five}) b, (SELECT 1 UNION SELECT 2) c) AS many"
    );
    let train = format!(
        "SELECT LENGTH({}) FROM {many}",
        train_wide(r#"{"epochs": 1, "batch_size": 1000}"#)
    );
    // What runs for the first time maps code and fills caches.
    client.run(&train.replace(&many, "wide"));
    let process = server.process();
    process.forget_peak();
    let before = process.resident();
    client.run(&train);
    let peak = process.peak_resident();
    println!(
        "{}: resident {before} kB before a training in 4 MB, at most {peak} kB in it",
        flavour.name()
    );
    assert!(
        peak < before + (36 << 10),
        "{before} kB before, {peak} kB in it"
    );
    let refusal = refused(&mut client, &layers(1024));
    assert_eq!(
        (refusal.code, refusal.state.as_str()),
        (1038, "HY001"),
        "{refusal}"
    );
    assert!(refusal.message.contains("work_mem"), "{refusal}");
    client.run(&format!(
        "SELECT LENGTH({}) FROM wide",
        train_wide(&layers(16))
    ));
}

fn memory_of_all_trainings_is_bounded(flavour: Flavour) {
    let limits = [
        ("TABLENET_WORK_MEM", "16M"),
        ("TABLENET_TOTAL_WORK_MEM", "24M"),
    ];
    let (server, mut client) = server(flavour, &limits, 20_000);
    let endless = format!(
        "SELECT LENGTH({}) FROM wide",
        train_wide(r#"{"epochs": 5000, "batch_size": 64}"#)
    );
    let mut first = server.connect();
    first.send(&endless);
    let state = format!(
        "SELECT state FROM information_schema.processlist WHERE id = {}",
        first.id()
    );
    let patience = Instant::now();
    while !client.text(&state).unwrap_or_default().contains("epoch") {
        assert!(
            patience.elapsed() < Duration::from_secs(30),
            "the first training starts"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    let refusal = refused(&mut client, r#"{"epochs": 1}"#);
    assert_eq!(refusal.code, 1038, "{refusal}");
    assert!(refusal.message.contains("total_work_mem"), "{refusal}");
    client.run(&format!("KILL QUERY {}", first.id()));
    assert_eq!(first.receive().expect_err("is killed").code, 1317);
    client.run(&format!(
        "SELECT LENGTH({}) FROM wide",
        train_wide(r#"{"epochs": 1}"#)
    ));
}

fn the_size_of_a_model_is_bounded(flavour: Flavour) {
    let (_server, mut client) = server(flavour, &[("TABLENET_MAX_MODEL_SIZE", "100K")], 500);
    let refusal = refused(&mut client, &layers(256));
    assert!([1105, 1038].contains(&refusal.code), "{refusal}");
    assert!(refusal.message.contains("max_model_size"), "{refusal}");
    client.run(&format!(
        "SELECT LENGTH({}) FROM wide",
        train_wide(&layers(64))
    ));
    let refusal = client.refusal("SELECT ml_info(REPEAT('x', 200000))");
    assert_eq!(refusal.code, 1105, "{refusal}");
}

fn the_time_of_a_training_is_bounded(flavour: Flavour) {
    let (_server, mut client) = server(flavour, &[("TABLENET_MAX_SECONDS", "0.5")], 20_000);
    let start = Instant::now();
    let refusal = refused(&mut client, r#"{"epochs": 100000}"#);
    let taken = start.elapsed();
    assert!(refusal.message.contains("max_seconds"), "{refusal}");
    assert!(
        taken > Duration::from_millis(450) && taken < Duration::from_secs(3),
        "{taken:?}"
    );
    // What the caller asks for ends in time and keeps the model.
    client.run(&format!(
        "SELECT LENGTH({}) FROM wide",
        train_wide(r#"{"epochs": 100000, "max_seconds": 0.1}"#)
    ));
}

fn a_wrong_line_fails_every_call(flavour: Flavour) {
    let directory =
        PathBuf::from(std::env::var("TABLENET_SERVERS").expect("scripts/test mysql sets it"));
    let file = directory.join(format!(
        "limits-{}-{}.cnf",
        flavour.name(),
        std::process::id()
    ));
    fs::write(&file, "# limits\nwork_mem = 16M\nwork_memory = 16M\n")
        .expect("the directory is ours");
    let path = file.display().to_string();
    {
        let server = Server::with(flavour, &[("TABLENET_CONFIG", &path)], &[]);
        let mut client = server.connect();
        client.run("CREATE TABLE t AS SELECT 1 AS x, 2 AS y");
        for statement in [
            "SELECT ml_train_agg('{}', y, x) FROM t",
            "SELECT ml_ref('x')",
            "SELECT ml_predict('x', 1)",
            "SELECT ml_info('x')",
        ] {
            let refusal = client.refusal(statement);
            assert_eq!(refusal.code, 1105, "{refusal}");
            for word in [path.as_str(), "line 3", "work_memory"] {
                assert!(
                    refusal.message.contains(word),
                    "{statement}: no {word} in {refusal}"
                );
            }
        }
    }
    fs::remove_file(&file).expect("the directory is ours");
}
