//! How far a training is: other sessions see it, those that may, and only while it runs.

use postgres::Client;
use server::training::{create_houses, create_wide, dense_layers, number, refusal};
use server::{Process, Server};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// A row of tablenet.progress.
#[derive(Debug, Clone, PartialEq)]
struct Row {
    user: String,
    model: Option<String>,
    phase: String,
    rows: i64,
    epoch: Option<i32>,
    epochs: Option<i32>,
    loss: Option<f64>,
    val_loss: Option<f64>,
}

fn progress(client: &mut Client) -> Vec<Row> {
    let query = "SELECT usename::text, model, phase, rows, epoch, epochs, loss, val_loss, pid, started FROM tablenet.progress
                  WHERE started <= now() AND pid <> pg_backend_pid()";
    let rows = client.query(query, &[]).expect("reads");
    rows.iter()
        .map(|row| Row {
            user: row.get(0),
            model: row.get(1),
            phase: row.get(2),
            rows: row.get(3),
            epoch: row.get(4),
            epochs: row.get(5),
            loss: row.get(6),
            val_loss: row.get(7),
        })
        .collect()
}

/// Waits for a row that fits.
fn wait_for(client: &mut Client, fits: impl Fn(&Row) -> bool) -> Row {
    let patience = Instant::now();
    loop {
        let rows = progress(client);
        if let Some(row) = rows.iter().find(|row| fits(row)) {
            return row.clone();
        }
        assert!(patience.elapsed() < Duration::from_secs(60), "{rows:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// What the session's entry shows now.
fn query_of(client: &mut Client, pid: i32) -> String {
    let query = "SELECT query FROM pg_stat_activity WHERE pid = $1";
    client.query_one(query, &[&pid]).expect("is there").get(0)
}

/// A server with houses and the roles ada, who may read them, watcher and stranger.
fn server_with_roles() -> Server {
    let server = Server::start();
    let mut client = server.connect();
    create_houses(&mut client);
    client
        .batch_execute(
            "CREATE ROLE ada LOGIN; CREATE ROLE stranger LOGIN; CREATE ROLE watcher LOGIN IN ROLE pg_read_all_stats;
             CREATE ROLE colleague LOGIN IN ROLE ada; GRANT SELECT ON houses TO ada",
        )
        .expect("creates the roles");
    server
}

#[test]
fn a_training_is_seen_by_who_may_see_its_query_until_it_ends() {
    let server = server_with_roles();
    let mut watchers: Vec<Client> = ["watcher", "colleague", "postgres", "ada"]
        .map(|user| server.connect_as(user))
        .into();
    let mut stranger = server.connect_as("stranger");
    let name = r#"it's "5: */ model", loss 3"#;
    let train = format!(
        "SELECT * FROM ml_train('{}', 'SELECT area, rooms, price FROM houses', 'price', epochs => 100000)",
        name.replace('\'', "''")
    );
    for end in ["pg_cancel_backend", "pg_terminate_backend"] {
        let mut client = server.connect_as("ada");
        let pid = Process::backend(&mut client).0;
        std::thread::scope(|scope| {
            let training = scope.spawn(|| client.batch_execute(&train).expect_err("is ended"));
            let seen = wait_for(&mut watchers[0], |row| {
                row.epoch.is_some_and(|epoch| epoch > 2) && row.loss.is_some()
            });
            assert_eq!(seen.user, "ada");
            assert_eq!(seen.model.as_deref(), Some(name));
            assert_eq!((seen.phase.as_str(), seen.rows), ("training", 2000));
            assert_eq!(seen.epochs, Some(100_000));
            assert!(seen.loss.is_some_and(|loss| loss > 0.0 && loss < 10.0));
            assert!(seen.val_loss.is_some_and(|loss| loss > 0.0 && loss < 10.0));
            for watcher in &mut watchers {
                let later = wait_for(watcher, |row| row.epoch > seen.epoch);
                assert_eq!(later.model, seen.model);
                let query = query_of(watcher, pid);
                assert!(
                    query.starts_with("/* tablenet: training, 2000 rows, epoch "),
                    "{query}"
                );
                assert!(query.ends_with(&train), "{query}");
            }
            assert_eq!(progress(&mut stranger), []);
            assert_eq!(query_of(&mut stranger, pid), "<insufficient privilege>");
            let name = "SELECT count(*)::float8 FROM pg_stat_activity AS a WHERE a::text LIKE '%model%' AND pid <> pg_backend_pid()";
            assert_eq!(
                number(&mut stranger, name),
                0.0,
                "nothing else tells the name"
            );
            watchers[2]
                .batch_execute(&format!("SELECT {end}({pid})"))
                .expect("sends");
            training.join().expect("no panic");
        });
        assert_eq!(progress(&mut watchers[0]), []);
        if end == "pg_cancel_backend" {
            assert_eq!(query_of(&mut watchers[0], pid), train);
        }
    }
}

#[test]
fn reading_and_waiting_are_seen_and_any_end_gives_the_query_back() {
    let server = server_with_roles();
    let mut root = server.connect();
    let mut watcher = server.connect_as("watcher");
    let mut client = server.connect_as("ada");
    let pid = Process::backend(&mut client).0;
    // The 1,000th row is one that cannot be divided by.
    let slow = "SELECT * FROM ml_train('m', 'SELECT area, 1 / (1000 - id) AS x, id AS y
        FROM houses, LATERAL (SELECT pg_sleep(0.002 + 0 * id)) AS s', 'y', epochs => 1)";
    std::thread::scope(|scope| {
        let training = scope.spawn(|| refusal(&mut client, slow));
        let first = wait_for(&mut watcher, |row| row.phase == "reading" && row.rows > 0);
        assert_eq!((first.epoch, first.loss), (None, None));
        // Another training of the name waits for it.
        let mut other = server.connect_as("ada");
        let waiting = scope.spawn(move || {
            let train = "SELECT * FROM ml_train('m', 'SELECT area, rooms, price FROM houses', 'price', epochs => 1)";
            other.batch_execute(train).expect("trains");
        });
        let row = wait_for(&mut watcher, |row| row.phase == "waiting");
        assert_eq!((row.rows, row.model.as_deref()), (0, Some("m")));
        wait_for(&mut watcher, |row| {
            row.phase == "reading" && row.rows > first.rows
        });
        assert_eq!(training.join().expect("no panic"), "22012");
        waiting.join().expect("no panic");
    });
    assert_eq!(query_of(&mut watcher, pid), slow);
    assert_eq!(progress(&mut watcher), []);

    // A training within a training: the outer one goes on being shown.
    root.batch_execute(
        "CREATE FUNCTION inner_training() RETURNS float8 LANGUAGE plpgsql AS $$
         DECLARE before text; after text;
         BEGIN
             SELECT query INTO before FROM pg_stat_activity WHERE pid = pg_backend_pid();
             PERFORM ml_train('inner', 'SELECT area, price FROM houses', 'price', epochs => 1);
             PERFORM pg_stat_clear_snapshot();
             SELECT query INTO after FROM pg_stat_activity WHERE pid = pg_backend_pid();
             IF before NOT LIKE '/* tablenet: reading, % rows, model \"outer\" */ SELECT%' OR before <> after THEN
                 RAISE 'before % and after %', before, after;
             END IF;
             RETURN 1;
         END $$",
    )
    .expect("creates");
    root.batch_execute(
        "SELECT * FROM ml_train('outer', 'SELECT area, (SELECT inner_training()) AS one, price FROM houses LIMIT 50', 'price', epochs => 1)",
    )
    .expect("trains");
    let after = "SELECT query FROM pg_stat_activity WHERE pid = pg_backend_pid()";
    let row = root.query_one(after, &[]).expect("answers");
    assert_eq!(row.get::<_, &str>(0), after);
}

#[test]
fn what_others_write_is_no_row_and_no_error() {
    let server = server_with_roles();
    let mut root = server.connect();
    let mut stranger = server.connect_as("stranger");
    for (text, rows) in [
        (
            "/* tablenet: training, 99999999999999999999 rows, model \"x\"",
            0,
        ),
        ("/* tablenet: dancing, 9 rows, model \"x\"", 0),
        (
            "/* tablenet: training, 999999999999999999 rows, epoch 999999999 of 9, loss 1e99, val_loss 5, model \"x\"",
            1,
        ),
        (
            "/* tablenet: training, 9 rows, epoch 9999999999999 of 1, loss 1.2.3e456, model \"x",
            1,
        ),
    ] {
        let (sender, receiver) = mpsc::channel();
        std::thread::scope(|scope| {
            let stranger = &mut stranger;
            scope.spawn(move || {
                sender.send(()).expect("is there");
                stranger
                    .batch_execute(&format!("{text} */ SELECT pg_sleep(0.5)"))
                    .ok();
            });
            receiver.recv().expect("runs");
            std::thread::sleep(Duration::from_millis(200));
            assert_eq!(progress(&mut root).len(), rows, "{text}");
        });
    }
}

#[test]
fn the_setting_says_who_is_told() {
    let server = server_with_roles();
    let mut watcher = server.connect_as("watcher");
    let (mut client, messages) = server.listen_as("ada");
    let train = "SELECT * FROM ml_train('m', 'SELECT area, rooms, price FROM houses', 'price', epochs => 3)";
    for (setting, severity) in [
        ("off", None),
        ("activity", None),
        ("notice", Some("NOTICE")),
    ] {
        client
            .batch_execute(&format!("SET tablenet.progress = {setting}; {train}"))
            .expect("trains");
        let told: Vec<String> = messages.try_iter().collect();
        match severity {
            None => assert_eq!(told, [""; 0], "{setting}"),
            Some(severity) => {
                assert_eq!(told.len(), 3, "{told:?}");
                for (index, told) in told.iter().enumerate() {
                    let begin = format!("{severity}: epoch {}: loss ", index + 1);
                    assert!(told.starts_with(&begin), "{told}");
                    assert!(told.contains(", val_loss "), "{told}");
                }
            }
        }
    }
    // Nothing is shown where nothing is to be, be it that the server tracks nothing.
    for settings in ["SET tablenet.progress = off", "RESET tablenet.progress"] {
        if settings.starts_with("RESET") {
            server
                .connect()
                .batch_execute("ALTER ROLE ada SET track_activities = off")
                .expect("sets");
            client = server.connect_as("ada");
            client.batch_execute("SELECT ml_version()").expect("loads");
        }
        client.batch_execute(settings).expect("sets");
        let long = train.replace("=> 3", "=> 100000, max_seconds => 1");
        std::thread::scope(|scope| {
            let training = scope.spawn(|| client.batch_execute(&long).expect("trains"));
            while !training.is_finished() {
                assert_eq!(progress(&mut watcher), [], "{settings}");
                std::thread::sleep(Duration::from_millis(20));
            }
        });
    }
}

#[test]
fn short_room_for_a_query_cuts_the_name_alone() {
    let server = Server::with(&["track_activity_query_size = 100"]);
    let mut client = server.connect();
    create_houses(&mut client);
    let mut watcher = server.connect();
    let name = "x".repeat(63);
    let train = format!(
        "SELECT * FROM ml_train('{name}', 'SELECT area, rooms, price FROM houses', 'price', epochs => 100000, max_seconds => 20)"
    );
    std::thread::scope(|scope| {
        let pid = Process::backend(&mut client).0;
        let training = scope.spawn(|| refusal(&mut client, &train));
        let row = wait_for(&mut watcher, |row| row.val_loss.is_some());
        assert!(row.model.is_some_and(|model| name.starts_with(&model)));
        watcher
            .batch_execute(&format!("SELECT pg_cancel_backend({pid})"))
            .expect("sends");
        assert_eq!(training.join().expect("no panic"), "57014");
    });
}

/// Prints what it costs to be seen. Many short epochs are the worst case.
#[test]
fn being_seen_costs_nothing() {
    let server = Server::start();
    let mut client = server.connect();
    create_wide(&mut client, 200);
    let train = format!(
        "SELECT seconds FROM ml_train('m', 'SELECT * FROM wide', 'y', epochs => 4000, batch_size => 64, layers => '{}')",
        dense_layers(&[4])
    );
    let mut best = [f64::MAX; 2];
    for _ in 0..8 {
        for (best, setting) in best.iter_mut().zip(["off", "activity"]) {
            client
                .batch_execute(&format!(
                    "SET tablenet.progress = {setting}; SET tablenet.threads = 1"
                ))
                .expect("sets");
            *best = best.min(number(&mut client, &train));
        }
    }
    let ratio = best[1] / best[0];
    println!(
        "4,000 epochs of 200 rows: {:.3} s unseen, {:.3} s seen, ratio {ratio:.3}",
        best[0], best[1]
    );
    assert!(ratio < 1.5, "{ratio}");
}
