//! A training that is killed, runs out of time or loses its client ends at once and leaves nothing behind.

use mysql_server::training::{create_wide, digest, train_wide};
use mysql_server::{Connection, DATABASE, Flavour, Refusal, Server};
use std::io::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

mysql_server::on_both_servers!(
    while_rows_are_read,
    while_rows_go_to_a_temporary_file,
    while_epochs_run,
    while_epochs_run_from_a_temporary_file,
    inside_one_huge_step,
    by_a_time_limit,
    when_the_client_is_lost,
    the_process_list_shows_the_epoch,
);

/// What a loaded test machine may take; the goal, and what is printed, is 100 ms.
const PATIENCE: Duration = Duration::from_secs(1);

/// The tests here measure times: one after the other.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A server with the table `wide`.
struct Place {
    server: Server,
    observer: Connection,
    /// KiB that may stay of one training.
    kept: u64,
    _alone: MutexGuard<'static, ()>,
}

impl Place {
    /// A server whose trainings may take `work_mem`, and `wide` of so many rows.
    fn with(flavour: Flavour, work_mem: &str, rows: u32) -> Place {
        let alone = alone();
        let environment = [
            ("TABLENET_WORK_MEM", work_mem),
            ("TABLENET_TOTAL_WORK_MEM", "16G"),
            ("TABLENET_THREADS", "2"),
            // The C library gives back what is freed, so that what stays is ours: with its own bounds, which move with what is
            // freed, each of the threads of a training may keep up to 64 MB for the next one.
            ("MALLOC_MMAP_THRESHOLD_", "1048576"),
            ("MALLOC_TRIM_THRESHOLD_", "1048576"),
        ];
        let server = Server::with(flavour, &environment, &["--thread-cache-size=0"]);
        let mut observer = server.connect();
        create_wide(&mut observer, "wide", rows);
        Place {
            server,
            observer,
            kept: 64 << 10,
            _alone: alone,
        }
    }

    /// Starts `statement` in sessions of its own and kills it at several moments; the longest wait for its end.
    fn kill_everywhere(&mut self, statement: &str, moments: u32, step: Duration, train: &str) {
        let expected = digest(&mut self.observer, train, "wide WHERE id <= 300");
        let undisturbed = self.server.process().resident();
        let mut longest = Duration::ZERO;
        for moment in 0..moments {
            for whole_session in [false, true] {
                let wait = step.mul_f64(f64::from(moment) + 0.37);
                let (refusal, latency) = self.killed(statement, wait, whole_session);
                if whole_session {
                    // Either the message got through, or the connection was closed.
                    assert!(
                        [0, 1317, 2013, 1927, 1053].contains(&refusal.code),
                        "after {wait:?}: {refusal}"
                    );
                } else {
                    assert_eq!(
                        (refusal.code, refusal.state.as_str()),
                        (1317, "70100"),
                        "after {wait:?}: {refusal}"
                    );
                }
                longest = longest.max(latency);
            }
        }
        println!(
            "{}: killed {} times within {:.1?}: at most {longest:.1?} until it returned",
            self.server.flavour().name(),
            2 * moments,
            step * moments
        );
        assert!(longest < PATIENCE, "{longest:?}");
        self.nothing_is_left(undisturbed);
        assert_eq!(
            digest(&mut self.observer, train, "wide WHERE id <= 300"),
            expected
        );
    }

    /// The refusal of a statement that is killed after `wait`, and how long the server took to end it.
    fn killed(
        &mut self,
        statement: &str,
        wait: Duration,
        whole_session: bool,
    ) -> (Refusal, Duration) {
        let mut client = self.server.connect();
        let id = client.id();
        client.send(statement);
        std::thread::sleep(wait);
        let patience = Instant::now();
        while self.server.process().threads_named("tablenet") == 0 {
            assert!(
                patience.elapsed() < Duration::from_secs(10),
                "a training is under way after {wait:?}"
            );
        }
        let asked = Instant::now();
        let what = if whole_session { "CONNECTION" } else { "QUERY" };
        self.observer.run(&format!("KILL {what} {id}"));
        let refusal = client.receive().expect_err("is killed");
        if whole_session {
            // The client hears of it before the training ends.
            while self.server.process().threads_named("tablenet") > 0 {
                assert!(
                    asked.elapsed() < Duration::from_secs(60),
                    "the training goes on"
                );
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        let latency = asked.elapsed();
        if !whole_session {
            assert_eq!(client.number("SELECT 1"), 1.0, "the session goes on");
        }
        (refusal, latency)
    }

    /// Waits until files and threads are gone and memory, of which there were `before` kB, is back.
    fn nothing_is_left(&mut self, before: u64) {
        let process = self.server.process();
        let patience = Instant::now();
        loop {
            let (files, threads, now) = (
                self.server.spill_files(),
                process.threads_named("tablenet"),
                process.resident(),
            );
            if files.is_empty() && threads == 0 && now < before + self.kept {
                println!("resident {before} kB before, {now} kB after");
                return;
            }
            assert!(
                patience.elapsed() < Duration::from_secs(10),
                "{files:?}, {threads} threads, {before} kB before, {now} kB now"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

const SHORT: &str = r#"{"epochs": 2}"#;
/// Never done in time.
const ENDLESS: &str = r#"{"epochs": 100000, "batch_size": 512}"#;

/// `wide` with itself: billions of rows.
const MANY_ROWS: &str = "(SELECT w.* FROM wide w CROSS JOIN wide AS more) AS rows_of_it";

fn while_rows_are_read(flavour: Flavour) {
    let mut place = Place::with(flavour, "64M", 20_000);
    let reading = format!("SELECT LENGTH({}) FROM {MANY_ROWS}", train_wide(SHORT));
    place.kill_everywhere(&reading, 6, Duration::from_millis(60), &train_wide(SHORT));
}

fn while_rows_go_to_a_temporary_file(flavour: Flavour) {
    let mut place = Place::with(flavour, "3M", 20_000);
    let reading = format!("SELECT LENGTH({}) FROM {MANY_ROWS}", train_wide(SHORT));
    place.kill_everywhere(&reading, 6, Duration::from_millis(130), &train_wide(SHORT));
}

fn while_epochs_run(flavour: Flavour) {
    let mut place = Place::with(flavour, "64M", 20_000);
    let training = format!("SELECT LENGTH({}) FROM wide", train_wide(ENDLESS));
    place.kill_everywhere(&training, 8, Duration::from_millis(170), &train_wide(SHORT));
}

fn while_epochs_run_from_a_temporary_file(flavour: Flavour) {
    let mut place = Place::with(flavour, "3M", 60_000);
    // Many epochs would need their memory of history.
    let spec = r#"{"epochs": 2000, "batch_size": 100}"#;
    let training = format!("SELECT LENGTH({}) FROM wide", train_wide(spec));
    place.kill_everywhere(&training, 6, Duration::from_millis(270), &train_wide(SHORT));
}

/// 2048 x 3 at a batch of 65,536: one step of it takes seconds.
fn inside_one_huge_step(flavour: Flavour) {
    let mut place = Place::with(flavour, "4G", 70_000);
    // Of more than 3 GB. Debian's MySQL has its memory from tcmalloc, which keeps 187 MB of them, of two trainings as of twelve.
    place.kept = match flavour {
        Flavour::MariaDb => 128 << 10,
        Flavour::MySql => 256 << 10,
    };
    let layer = r#"{"class_name": "Dense", "config": {"units": 2048, "activation": "relu"}}"#;
    let end = r#"{"class_name": "Dense", "config": {"units": 1}}"#;
    let spec = format!(
        r#"{{"epochs": 1, "batch_size": 65536, "layers": [{layer}, {layer}, {layer}, {end}]}}"#
    );
    let training = format!("SELECT LENGTH({}) FROM wide", train_wide(&spec));
    place.kill_everywhere(&training, 3, Duration::from_millis(730), &train_wide(SHORT));
}

fn by_a_time_limit(flavour: Flavour) {
    let mut place = Place::with(flavour, "64M", 20_000);
    let undisturbed = place.server.process().resident();
    for (from, spec) in [("wide", ENDLESS), (MANY_ROWS, SHORT)] {
        let select = format!("LENGTH({}) FROM {from}", train_wide(spec));
        let statement = match flavour {
            Flavour::MariaDb => {
                format!("SET STATEMENT max_statement_time = 0.4 FOR SELECT {select}")
            }
            Flavour::MySql => format!("SELECT /*+ MAX_EXECUTION_TIME(400) */ {select}"),
        };
        let mut client = place.server.connect();
        let start = Instant::now();
        let refusal = client.refusal(&statement);
        let late = start.elapsed().saturating_sub(Duration::from_millis(400));
        println!("{}: {late:.1?} after the limit: {refusal}", flavour.name());
        // Ours, or the server's own word for its limit.
        assert!([1317, 1969, 3024].contains(&refusal.code), "{refusal}");
        assert!(late < PATIENCE, "{late:?}");
        assert_eq!(client.number("SELECT 1"), 1.0);
    }
    place.nothing_is_left(undisturbed);
}

/// The servers do not look for a client while a statement runs: it ends as if nothing had happened.
fn when_the_client_is_lost(flavour: Flavour) {
    let mut place = Place::with(flavour, "3M", 30_000);
    let expected = digest(&mut place.observer, &train_wide(SHORT), "wide");
    let undisturbed = place.server.process().resident();
    for moment in 0..4 {
        let mut client = place.server.client(DATABASE);
        let statement = format!("SELECT {} FROM wide;\n", train_wide(SHORT));
        let mut input = client.stdin.take().expect("is piped");
        input
            .write_all(statement.as_bytes())
            .expect("the client reads");
        std::thread::sleep(Duration::from_millis(90 * moment));
        client.kill().expect("runs");
        client.wait().expect("ends");
    }
    let running =
        "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE 'SELECT ml\\_train%'";
    let patience = Instant::now();
    while place.observer.number(running) > 0.0 {
        assert!(
            patience.elapsed() < Duration::from_secs(60),
            "the trainings go on"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    place.nothing_is_left(undisturbed);
    assert_eq!(
        digest(&mut place.observer, &train_wide(SHORT), "wide"),
        expected
    );
}

fn the_process_list_shows_the_epoch(flavour: Flavour) {
    let mut place = Place::with(flavour, "64M", 20_000);
    let mut client = place.server.connect();
    let id = client.id();
    client.send(&format!("SELECT LENGTH({}) FROM wide", train_wide(ENDLESS)));
    let state = format!("SELECT state FROM information_schema.processlist WHERE id = {id}");
    let patience = Instant::now();
    let mut seen = Vec::new();
    // "ml_train: epoch 3 of 100000", and later another one.
    while seen.len() < 2 {
        let now = place.observer.text(&state).unwrap_or_default();
        if now.contains("epoch") && !seen.contains(&now) {
            seen.push(now);
        }
        assert!(patience.elapsed() < Duration::from_secs(30), "{seen:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
    println!("{}: {seen:?}", flavour.name());
    assert!(seen[0].contains("100000"), "{seen:?}");
    place.observer.run(&format!("KILL QUERY {id}"));
    assert_eq!(client.receive().expect_err("is killed").code, 1317);
    let after = place.observer.text(&state).unwrap_or_default();
    assert!(!after.contains("epoch"), "{after}");
}
