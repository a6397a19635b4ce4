//! The settings: each bounds what it says, up to the ceiling of a superuser, and says what follows.

use postgres::Client;
use server::Server;
use server::training::{create_houses, dense_layers, failure, number, refusal};

/// A training of `layers` with one more argument.
fn train(layers: &str, argument: &str) -> String {
    format!(
        "SELECT * FROM ml_train('m', 'SELECT area, rooms, price FROM houses', 'price', epochs => 1, layers => '{layers}'{argument})"
    )
}

fn shown(client: &mut Client, setting: &str) -> String {
    let row = client.query_one(&format!("SHOW tablenet.{setting}"), &[]);
    row.expect("shows").get(0)
}

/// A server with houses and the role ada, who may read them.
fn server_with_ada(settings: &[&str]) -> Server {
    let server = Server::with(settings);
    let mut client = server.connect();
    create_houses(&mut client);
    client
        .batch_execute("CREATE ROLE ada LOGIN; GRANT SELECT ON houses TO ada")
        .expect("creates the role");
    server
}

#[test]
fn a_training_that_does_not_fit_names_the_limit_that_binds() {
    let server = server_with_ada(&["tablenet.max_work_mem = '20MB'"]);
    let mut ada = server.connect_as("ada");
    let mut root = server.connect();
    // 8 MB of weights, and as much for gradients and moments each.
    let layers = dense_layers(&[1000, 2000]);
    for (settings, argument, limit, hint) in [
        (
            "SET maintenance_work_mem = '2MB'",
            "",
            "2048 kB",
            "Raise tablenet.work_mem (now maintenance_work_mem) or make",
        ),
        (
            "SET maintenance_work_mem = '1GB'",
            "",
            "20 MB",
            "Raise tablenet.max_work_mem (only a superuser can) or make",
        ),
        (
            "SET tablenet.work_mem = '3MB'",
            "",
            "3072 kB",
            "Raise tablenet.work_mem or make",
        ),
        (
            "SET tablenet.work_mem = '3MB'",
            ", max_memory => '16MB'",
            "16 MB",
            "Raise max_memory or make",
        ),
        (
            "SET tablenet.work_mem = '3GB'",
            "",
            "20 MB",
            "Raise tablenet.max_work_mem (only a superuser can) or make",
        ),
        (
            "",
            ", max_memory => '1TB'",
            "20 MB",
            "Raise tablenet.max_work_mem (only a superuser can) or make",
        ),
    ] {
        ada.batch_execute(&format!("SELECT ml_version(); {settings}"))
            .expect("sets");
        let error = failure(&mut ada, &train(&layers, argument));
        assert_eq!(error.code().code(), "53200", "{settings}{argument}");
        let message = error.message();
        assert!(
            message.ends_with(&format!("more than the limit of {limit}")),
            "{settings}{argument}: {message}"
        );
        assert!(
            error.hint().is_some_and(|text| text.starts_with(hint)),
            "{settings}{argument}: {:?}",
            error.hint()
        );
    }
    // The superuser raises the ceiling for one training.
    root.batch_execute("SET tablenet.max_work_mem = -1; SET tablenet.work_mem = '3MB'")
        .expect("sets");
    root.batch_execute(&train(&layers, ", max_memory => '200MB'"))
        .expect("fits");
}

/// Its state, of more than 40 kB, is read before anything else.
#[test]
fn a_training_that_goes_on_names_the_limit_that_binds() {
    let server = server_with_ada(&[]);
    let mut root = server.connect();
    root.batch_execute(&train(&dense_layers(&[128, 64]), ""))
        .expect("trains");
    let on = "SELECT ml_partial_fit('m', 'SELECT area, rooms, price FROM houses')";
    let warm = |argument: &str| {
        format!(
            "SELECT ml_train('m', 'SELECT area, rooms, price FROM houses', 'price', epochs => 2, warm_start => true{argument})"
        )
    };
    for (settings, statement, hint) in [
        ("work_mem = '40kB'", on.to_string(), "tablenet.work_mem"),
        (
            "max_work_mem = '40kB'",
            on.to_string(),
            "tablenet.max_work_mem (only a superuser can)",
        ),
        (
            "max_work_mem = '40kB'",
            warm(""),
            "tablenet.max_work_mem (only a superuser can)",
        ),
        (
            "work_mem = -1",
            warm(", max_memory => '40kB'"),
            "max_memory",
        ),
    ] {
        root.batch_execute(&format!("RESET ALL; SET tablenet.{settings}"))
            .expect("sets");
        let error = failure(&mut root, &statement);
        assert_eq!(error.code().code(), "53200", "{settings}");
        assert!(
            error
                .message()
                .starts_with("the training state of model \"m\" has ")
                && error.message().ends_with(", more than the limit of 40960"),
            "{settings}: {}",
            error.message()
        );
        assert_eq!(error.hint(), Some(&*format!("Raise {hint}.")), "{settings}");
    }
}

#[test]
fn max_memory_is_read_as_settings_are() {
    let server = server_with_ada(&[]);
    let mut client = server.connect();
    let layers = dense_layers(&[8]);
    for given in ["20MB", "20480", "0.02GB", " 20480 kB "] {
        let given = format!(", max_memory => '{given}'");
        client
            .batch_execute(&train(&layers, &given))
            .expect("trains");
    }
    for (given, message, hint) in [
        (
            "lots",
            "invalid value for max_memory: \"lots\"",
            Some("It is a number with a unit, such as 256MB."),
        ),
        (
            "",
            "invalid value for max_memory: \"\"",
            Some("It is a number with a unit, such as 256MB."),
        ),
        (
            "2 parsec",
            "invalid value for max_memory: \"2 parsec\"",
            Some("Valid units for this parameter are \"B\", \"kB\", \"MB\", \"GB\", and \"TB\"."),
        ),
        (
            "9999999GB",
            "invalid value for max_memory: \"9999999GB\"",
            Some("Value exceeds integer range."),
        ),
        ("0", "max_memory must be at least 1kB, not 0", None),
        ("-1", "max_memory must be at least 1kB, not -1", None),
    ] {
        let argument = format!(", max_memory => '{given}'");
        let error = failure(&mut client, &train(&layers, &argument));
        assert_eq!(error.code().code(), "22023", "{given}");
        assert_eq!(error.message(), message);
        assert_eq!(error.hint(), hint, "{given}");
    }
}

#[test]
fn a_model_beyond_max_model_size_is_not_trained_but_predicts() {
    let server = server_with_ada(&[]);
    let mut root = server.connect();
    let layers = dense_layers(&[1000, 100]);
    root.batch_execute(&train(&layers, ", deploy => 'always'"))
        .expect("trains");
    let size = number(
        &mut root,
        "SELECT size::float8 FROM tablenet.versions WHERE model = 'm'",
    );
    root.batch_execute("GRANT SELECT ON houses TO PUBLIC; SET tablenet.max_model_size = '300kB'")
        .expect("sets");
    // Layers that are too large whatever the rows: the query is not even run.
    let unread =
        train(&layers, "").replace("SELECT area", "SELECT 1 / (rooms - rooms) AS no, area");
    let refused = failure(&mut root, &unread);
    assert_eq!(refused.code().code(), "54000");
    // At least 4 * (1000 * 1 + 1000 * 100 + 100 + 100 * 1 + 1) bytes.
    assert_eq!(
        refused.message(),
        "the model takes 396 kB, more than the limit of 300 kB"
    );
    assert_eq!(
        refused.hint(),
        Some(
            "Give it fewer or smaller layers, or ask a superuser to raise tablenet.max_model_size."
        )
    );
    // What is only known once the rows are: one input for each of 1,000 categories.
    let wide = format!(
        "SELECT * FROM ml_train('w', 'SELECT (id % 1000)::text AS city, price FROM houses', 'price', epochs => 100000,
             preprocess => '{{\"city\": {{\"encode\": \"one_hot\"}}}}', layers => '{}')",
        dense_layers(&[200])
    );
    let refused = failure(&mut root, &wide);
    assert_eq!(refused.code().code(), "54000", "{refused}");
    // One byte less than it takes: the header is counted, too.
    let most = (size as u64 - 1) / 1024;
    root.batch_execute(&format!("SET tablenet.max_model_size = {most}"))
        .expect("sets");
    let refused = refusal(&mut root, &train(&layers, ""));
    assert_eq!(refused, "54000");
    assert_eq!(
        refusal(
            &mut root,
            "SELECT ml_partial_fit('m', 'SELECT area, rooms, price FROM houses')"
        ),
        "54000"
    );
    number(&mut root, "SELECT ml_predict('m', 80, 3)");
    root.batch_execute(&format!("SET tablenet.max_model_size = {}", most + 1))
        .expect("sets");
    root.batch_execute(&train(&layers, "")).expect("fits");
}

#[test]
fn every_setting_says_who_may_set_it_and_what_follows() {
    let server = Server::start();
    let mut client = server.connect();
    client.batch_execute("SELECT ml_version()").expect("loads");
    let query = "SELECT name, context, short_desc, extra_desc FROM pg_settings WHERE name LIKE 'tablenet.%' ORDER BY name";
    let rows = client.query(query, &[]).expect("reads");
    let found: Vec<(&str, &str)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let expected = [
        ("tablenet.cache_size", "user"),
        ("tablenet.max_cache_size", "superuser"),
        ("tablenet.max_model_size", "superuser"),
        ("tablenet.max_threads", "superuser"),
        ("tablenet.max_work_mem", "superuser"),
        ("tablenet.progress", "user"),
        ("tablenet.simd", "internal"),
        ("tablenet.threads", "user"),
        ("tablenet.work_mem", "user"),
    ];
    assert_eq!(found, expected);
    let page = include_str!("../docs/operations.md");
    for row in &rows {
        let name: &str = row.get(0);
        for text in [row.get::<_, &str>(2), row.get(3)] {
            assert!(text.len() > 20 && text.ends_with('.'), "{name}: {text:?}");
        }
        assert!(
            page.contains(&format!("\n| `{name}` |")),
            "{name} is not in the table of docs/operations.md"
        );
    }
}

#[test]
fn ceilings_are_for_superusers() {
    let server = server_with_ada(&[]);
    let mut root = server.connect();
    let mut ada = server.connect_as("ada");
    ada.batch_execute("SELECT ml_version()").expect("loads");
    for (setting, value) in [
        ("max_work_mem", "'1GB'"),
        ("max_threads", "2"),
        ("max_cache_size", "'1GB'"),
        ("max_model_size", "'1GB'"),
    ] {
        for statement in [
            format!("SET tablenet.{setting} = {value}"),
            format!("SET LOCAL tablenet.{setting} = {value}"),
            format!("ALTER ROLE ada SET tablenet.{setting} = {value}"),
            format!("SELECT set_config('tablenet.{setting}', '1', false)"),
        ] {
            assert_eq!(refusal(&mut ada, &statement), "42501", "{statement}");
        }
    }
    // Where the library is not loaded, PostgreSQL does not know yet what anybody may set.
    let mut unloaded = server.connect_as("ada");
    let alter = "ALTER ROLE ada SET tablenet.max_work_mem = '1GB'";
    assert_eq!(refusal(&mut unloaded, alter), "42501");
    // What a superuser gives to a role or a database holds, and what is granted may be set.
    root.batch_execute(
        "ALTER ROLE ada SET tablenet.max_work_mem = '11MB'; ALTER DATABASE postgres SET tablenet.max_threads = 3;
         GRANT SET ON PARAMETER tablenet.max_cache_size TO ada",
    )
    .expect("sets");
    let mut ada = server.connect_as("ada");
    ada.batch_execute("SELECT ml_version()").expect("loads");
    assert_eq!(shown(&mut ada, "max_work_mem"), "11MB");
    assert_eq!(shown(&mut ada, "max_threads"), "3");
    ada.batch_execute("SET tablenet.max_cache_size = '1MB'")
        .expect("was granted");
    ada.batch_execute("BEGIN; SET LOCAL tablenet.work_mem = '5MB'; COMMIT")
        .expect("sets");
    assert_eq!(shown(&mut ada, "work_mem"), "-1");
}

#[test]
fn what_was_set_before_the_library_is_loaded_is_checked_then() {
    let server = server_with_ada(&[]);
    let (mut ada, messages) = server.listen_as("ada");
    ada.batch_execute(
        "SET tablenet.work_mem = '7MB'; SET tablenet.cache_size = 'lots'; SET tablenet.progress = loud;
         SET tablenet.max_work_mem = '9MB'; SET tablenet.thread = 3",
    )
    .expect("are placeholders");
    ada.batch_execute("SELECT ml_version()").expect("loads");
    let told: Vec<String> = messages.try_iter().collect();
    for part in [
        "WARNING: invalid value for parameter \"tablenet.cache_size\": \"lots\"",
        "WARNING: invalid value for parameter \"tablenet.progress\": \"loud\"",
        "WARNING: permission denied to set parameter \"tablenet.max_work_mem\"",
        "WARNING: invalid configuration parameter name \"tablenet.thread\", removing it",
    ] {
        assert!(told.iter().any(|told| told == part), "{part}: {told:?}");
    }
    for (setting, value) in [
        ("work_mem", "7MB"),
        ("cache_size", "64MB"),
        ("progress", "activity"),
        ("max_work_mem", "-1"),
    ] {
        assert_eq!(shown(&mut ada, setting), value, "{setting}");
    }
}

#[test]
fn parallel_workers_have_the_settings_of_their_session() {
    let server = server_with_ada(&[]);
    let mut client = server.connect();
    let workers = "CREATE FUNCTION here() RETURNS text LANGUAGE sql VOLATILE PARALLEL SAFE AS
            $$SELECT current_setting('tablenet.cache_size') || ' ' || current_setting('tablenet.max_cache_size')$$;
         CREATE TABLE many AS SELECT i FROM generate_series(1, 100000) AS i; ANALYZE many;
         SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
         SET parallel_leader_participation = off;
         SELECT ml_version(); SET tablenet.cache_size = '3MB'; SET tablenet.max_cache_size = '2MB'";
    client.batch_execute(workers).expect("sets");
    let query = "SELECT here(), count(*) FROM many GROUP BY 1";
    let plan = client
        .query(&format!("EXPLAIN {query}"), &[])
        .expect("plans");
    assert!(
        plan.iter()
            .any(|row| row.get::<_, &str>(0).contains("Workers Planned")),
        "{plan:?}"
    );
    let row = client.query_one(query, &[]).expect("answers");
    assert_eq!(row.get::<_, &str>(0), "3MB 2MB");
}
