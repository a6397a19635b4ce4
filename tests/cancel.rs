//! A cancel at any moment of a training returns at once and leaves nothing behind.

use postgres::Client;
use server::training::{create_wide, dense_layers, digest, number};
use server::{Process, Server};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What a loaded test machine may take; the goal, and what is printed, is 100 ms.
const PATIENCE: Duration = Duration::from_secs(1);

/// The tests here measure times: one after the other.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `train` on `client`, whose backend `observer` cancels after `wait`: the outcome, and the time from asking for
/// the cancel until the client had it.
fn cancelled_after(
    wait: Duration,
    observer: &mut Client,
    backend: &Process,
    client: &mut Client,
    train: &str,
) -> (Result<(), postgres::Error>, Duration) {
    std::thread::scope(|scope| {
        let cancel = scope.spawn(|| {
            std::thread::sleep(wait);
            let asked = Instant::now();
            observer
                .execute("SELECT pg_cancel_backend($1)", &[&backend.0])
                .expect("may cancel");
            asked
        });
        let result = client.batch_execute(train);
        let returned = Instant::now();
        let asked = cancel.join().expect("no panic");
        (result, returned.saturating_duration_since(asked))
    })
}

/// Starts `train` (of a model `m`) at `moments` different moments of its run of `whole`, cancels it there, and checks
/// that nothing is left. Then lets it run: the bytes have to be `expected`. Returns the longest wait.
fn cancel_everywhere(
    server: &Server,
    client: &mut Client,
    train: &str,
    whole: Duration,
    moments: u32,
    expected: &[u8],
) -> Duration {
    let backend = Process::backend(client);
    let mut observer = server.connect();
    let threads = backend.threads();
    let mut longest = Duration::ZERO;
    let mut cancelled = 0;
    for moment in 0..moments {
        // Spread over the whole run, and not at round fractions of it.
        let wait = whole.mul_f64((f64::from(moment) + 0.37) / f64::from(moments));
        let (result, latency) = cancelled_after(wait, &mut observer, &backend, client, train);
        match result {
            // It was done before the cancel came; a cancel that comes while the session is idle does nothing.
            Ok(()) => {
                let _ = client.batch_execute("SELECT 1");
                client.batch_execute("SELECT ml_drop('m')").expect("drops");
            }
            Err(error) => {
                assert_eq!(
                    error.code().map(|code| code.code()),
                    Some("57014"),
                    "after {wait:?}: {error}"
                );
                cancelled += 1;
                longest = longest.max(latency);
            }
        }
        let rows = "SELECT ((SELECT count(*) FROM tablenet.stored_model) + (SELECT count(*) FROM tablenet.stored_version)
                    + (SELECT count(*) FROM tablenet.stored_chunk))::float8";
        assert_eq!(number(client, rows), 0.0, "no row is left after {wait:?}");
        assert!(
            server.temporary_files().is_empty(),
            "no temporary file is left after {wait:?}"
        );
        assert_eq!(
            backend.threads(),
            threads,
            "no thread is left after {wait:?}"
        );
    }
    client
        .batch_execute(train)
        .expect("trains after all the cancels");
    assert_eq!(
        digest(client, "m"),
        expected,
        "the session trains as an undisturbed one"
    );
    println!(
        "cancelled {cancelled} of {moments} times over {whole:.1?}: at most {longest:.1?} until it returned"
    );
    assert!(
        cancelled * 2 >= moments,
        "only {cancelled} of {moments} came in time"
    );
    assert!(longest < PATIENCE, "{longest:?}");
    longest
}

/// Trains once, undisturbed, in a session of its own; drops the model again.
fn undisturbed(server: &Server, settings: &str, train: &str) -> (Duration, Vec<u8>) {
    let mut client = server.connect();
    client.batch_execute(settings).expect("sets");
    let start = Instant::now();
    client.batch_execute(train).expect("trains");
    let whole = start.elapsed();
    let expected = digest(&mut client, "m");
    client.batch_execute("SELECT ml_drop('m')").expect("drops");
    (whole, expected)
}

#[test]
fn anywhere_in_a_training_in_memory() {
    let _alone = alone();
    let server = Server::start();
    let mut client = server.connect();
    create_wide(&mut client, 30_000);
    let train = "SELECT * FROM ml_train('m', 'SELECT * FROM wide', 'y', epochs => 10)";
    let (whole, expected) = undisturbed(&server, "", train);
    cancel_everywhere(&server, &mut client, train, whole, 30, &expected);
}

#[test]
fn anywhere_in_a_training_from_a_temporary_file_with_threads() {
    let _alone = alone();
    let server = Server::start();
    let mut client = server.connect();
    create_wide(&mut client, 100_000);
    let settings = "SET tablenet.work_mem = '16MB'; SET tablenet.threads = 2";
    let train =
        "SELECT * FROM ml_train('m', 'SELECT * FROM wide', 'y', epochs => 2, batch_size => 512)";
    let (whole, expected) = undisturbed(&server, settings, train);
    client.batch_execute(settings).expect("sets");
    cancel_everywhere(&server, &mut client, train, whole, 20, &expected);
}

/// 2048 x 3 at a batch of 65,536: one step of it takes seconds.
#[test]
fn inside_one_huge_step() {
    let _alone = alone();
    let server = Server::start();
    let mut client = server.connect();
    create_wide(&mut client, 70_000);
    let layers = dense_layers(&[2048, 2048, 2048]);
    let rows = |rows: u32| {
        format!(
            "SELECT * FROM ml_train('m', 'SELECT * FROM wide LIMIT {rows}', 'y', epochs => 1, batch_size => 65536, layers => '{layers}')"
        )
    };
    client
        .batch_execute("SET tablenet.work_mem = '4GB'")
        .expect("sets");
    let (train, short) = (rows(70_000), rows(500));
    let (_, expected) = undisturbed(&server, "SET tablenet.work_mem = '4GB'", &short);
    // The long run is never let through: it takes minutes. Its first seconds are what the cancels meet.
    let mut observer = server.connect();
    let backend = Process::backend(&mut client);
    let mut longest = Duration::ZERO;
    for moment in 0..8 {
        let wait = Duration::from_millis(200 + 730 * moment);
        let (result, latency) = cancelled_after(wait, &mut observer, &backend, &mut client, &train);
        let error = result.expect_err("is cancelled");
        assert_eq!(
            error.code().map(|code| code.code()),
            Some("57014"),
            "after {wait:?}: {error}"
        );
        longest = longest.max(latency);
    }
    println!(
        "cancelled a step of 2048 x 3 at a batch of 65,536 8 times: at most {longest:.1?} until it returned"
    );
    assert!(longest < PATIENCE, "{longest:?}");
    assert!(server.temporary_files().is_empty());
    client
        .batch_execute(&short)
        .expect("trains after all the cancels");
    assert_eq!(digest(&mut client, "m"), expected);
}

/// A model of 8.5 million parameters on a few rows: initialising and storing it is most of the run.
#[test]
fn while_a_large_model_is_stored() {
    let _alone = alone();
    let server = Server::start();
    let mut client = server.connect();
    create_wide(&mut client, 100);
    let layers = dense_layers(&[2048, 2048, 2048]);
    let settings = "SET tablenet.work_mem = '4GB'";
    let train = format!(
        "SELECT * FROM ml_train('m', 'SELECT * FROM wide', 'y', epochs => 1, layers => '{layers}')"
    );
    let (whole, expected) = undisturbed(&server, settings, &train);
    client.batch_execute(settings).expect("sets");
    cancel_everywhere(&server, &mut client, &train, whole, 20, &expected);
}
