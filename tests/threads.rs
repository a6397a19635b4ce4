//! How many threads a training has, and that they are gone when it returns; scoring never starts any.

use postgres::Client;
use server::training::{create_wide, dense_layers, refusal};
use server::{Process, Server};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Large enough for any library that starts threads by size to start them.
const TRAIN: &str =
    "SELECT * FROM ml_train('m', 'SELECT * FROM wide', 'y', epochs => 3, batch_size => 4096)";

/// The most threads the backend had while `statement` ran.
fn most_threads(client: &mut Client, statement: &str) -> usize {
    let backend = Process::backend(client);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut most = 0;
            while !done.load(Ordering::Relaxed) {
                most = most.max(backend.threads());
                std::thread::sleep(Duration::from_millis(1));
            }
            most
        });
        let result = client.batch_execute(statement);
        done.store(true, Ordering::Relaxed);
        result.expect("works");
        watch.join().expect("no panic")
    })
}

/// The threads of a training in a transaction that begins with `settings`; nothing of them is left.
fn trained(client: &mut Client, settings: &str) -> usize {
    let most = most_threads(client, &format!("BEGIN; {settings}; {TRAIN}; COMMIT"));
    let left = Process::backend(client).threads();
    assert_eq!(left, 1, "they are joined before the call returns");
    most
}

#[test]
fn a_training_has_as_many_threads_as_it_may_have() {
    let server = Server::with(&["max_parallel_maintenance_workers = 2"]);
    let mut client = server.connect();
    create_wide(&mut client, 20_000);
    // The server has the affinity and the control group of this process.
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);

    assert_eq!(trained(&mut client, ""), cpus.min(3));
    for (settings, expected) in [
        ("SET LOCAL max_parallel_maintenance_workers = 0", 1),
        (
            "SET LOCAL max_parallel_maintenance_workers = 1",
            cpus.min(2),
        ),
        ("SET LOCAL tablenet.threads = 1", 1),
        // A number that was asked for may exceed the CPUs.
        ("SET LOCAL tablenet.threads = 5", 5),
        (
            "SET LOCAL tablenet.threads = 5; SET LOCAL max_parallel_maintenance_workers = 0",
            5,
        ),
        (
            "SET LOCAL tablenet.threads = 5; SET LOCAL tablenet.max_threads = 2",
            2,
        ),
        ("SET LOCAL tablenet.max_threads = 1", 1),
        ("SET LOCAL tablenet.max_threads = 1000", cpus.min(3)),
    ] {
        assert_eq!(trained(&mut client, settings), expected, "{settings}");
    }

    let score = "SET tablenet.threads = 4; SET max_parallel_workers_per_gather = 0; SELECT sum(ml_predict('m', w)) FROM wide w";
    assert_eq!(most_threads(&mut client, score), 1, "scoring starts none");
}

#[test]
fn a_session_that_ends_while_it_reads_takes_its_threads_along() {
    let server = Server::start();
    let mut other = server.connect();
    for (end, code) in [
        ("pg_terminate_backend", "57P01"),
        ("pg_cancel_backend", "57014"),
    ] {
        let mut client = server.connect();
        let backend = Process::backend(&mut client);
        let train = "SET tablenet.threads = 4;
            SELECT * FROM ml_train('m', 'SELECT i AS x, i + 1 AS y FROM generate_series(1, 1000000000) AS i', 'y')";
        std::thread::scope(|scope| {
            let training = scope.spawn(|| client.batch_execute(train));
            while backend.threads() < 4 {
                std::thread::sleep(Duration::from_millis(5));
            }
            std::thread::sleep(Duration::from_millis(200));
            let pid = backend.0;
            other
                .batch_execute(&format!("SELECT {end}({pid})"))
                .expect("sends");
            let outcome = training.join().expect("no panic");
            assert!(outcome.is_err(), "{end}: {outcome:?}");
            // Of a session that ends at once the client may see nothing but the end.
            assert!(server.has_logged(code), "{end}: {outcome:?}");
        });
        while backend.threads() > 1 {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    // A crash of the one would have ended the other.
    other.batch_execute("SELECT 1").expect("is alive");
}

#[test]
fn memory_for_fewer_threads_is_told_to_who_asked_for_them() {
    let server = Server::start();
    create_wide(&mut server.connect(), 2_000);
    let (mut client, messages) = server.listen_as("postgres");
    let layers = dense_layers(&[256, 256]);
    let train = format!(
        "SELECT * FROM ml_train('m', 'SELECT * FROM wide', 'y', epochs => 1, batch_size => 256, layers => '{layers}')"
    );
    // The model alone needs 2.3 MB.
    client
        .batch_execute("SET tablenet.work_mem = '3MB'; SET max_parallel_maintenance_workers = 7")
        .expect("sets");
    let mut told = |settings: &str| {
        client
            .batch_execute(&format!("{settings}; {train}"))
            .expect("trains");
        let all: Vec<String> = messages.try_iter().collect();
        all.into_iter().find(|message| message.contains("threads"))
    };
    assert_eq!(told("SET tablenet.threads = -1"), None);
    let asked = told("SET tablenet.threads = 8").expect("a notice");
    assert!(
        asked.starts_with("NOTICE: memory suffices for ") && asked.contains(" of 8 threads"),
        "{asked}"
    );
    assert_eq!(told("SET tablenet.work_mem = '600MB'"), None);
}

#[test]
fn only_a_superuser_changes_the_most_threads() {
    let server = Server::start();
    let mut client = server.connect();
    client
        .batch_execute("CREATE ROLE ada LOGIN; SELECT ml_version()")
        .expect("creates");
    let mut ada = server.connect_as("ada");
    ada.batch_execute("SELECT ml_version(); SET tablenet.threads = 3")
        .expect("sets");
    assert_eq!(refusal(&mut ada, "SET tablenet.max_threads = 4"), "42501");
    // Before the library is loaded the setting is a placeholder; loading it takes back what ada may not set.
    let mut ada = server.connect_as("ada");
    ada.batch_execute(
        "SET client_min_messages = error; SET tablenet.max_threads = 4; SELECT ml_version()",
    )
    .expect("a placeholder");
    let shown: String = ada
        .query_one("SHOW tablenet.max_threads", &[])
        .expect("shows")
        .get(0);
    assert_eq!(shown, "-1");
}
