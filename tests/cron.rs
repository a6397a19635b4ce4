//! Trainings by the clock, with the real pg_cron: what docs/nightly.md says, and what happens when jobs meet, fail or may not.
//! scripts/test leaves them out where PostgreSQL has no pg_cron, and says so.

use postgres::Client;
use server::Server;
use server::page::blocks;
use server::training::{create_houses, number, run};
use std::time::{Duration, Instant};

const PAGE: &str = include_str!("../docs/nightly.md");

/// Runs a block, whose jobs come every minute.
fn run_block(client: &mut Client, block: &str) {
    let mut often = block.to_string();
    for schedule in ["0 3 * * *", "*/15 * * * *", "0 6 * * *"] {
        often = often.replace(schedule, "* * * * *");
    }
    assert!(
        !block.contains("cron.schedule") || often != block,
        "{block}"
    );
    run(client, &often);
}

/// Schedules a job for every minute.
fn schedule(client: &mut Client, job: &str, command: &str) {
    let schedule = "SELECT cron.schedule($1, '* * * * *', $2)";
    client
        .query_one(schedule, &[&job, &command])
        .expect("schedules");
}

/// Waits until each job has ended so many runs.
fn wait_for_runs(root: &mut Client, runs: i64) {
    let waiting = "SELECT j.jobname, count(d.runid) FILTER (WHERE d.status IN ('succeeded', 'failed')),
                          string_agg(d.status || ': ' || coalesce(d.return_message, ''), ' | ')
                     FROM cron.job AS j LEFT JOIN cron.job_run_details AS d USING (jobid)
                    GROUP BY 1 HAVING count(d.runid) FILTER (WHERE d.status IN ('succeeded', 'failed')) < $1";
    let patience = Instant::now();
    loop {
        let rows = root.query(waiting, &[&runs]).expect("reads");
        if rows.is_empty() {
            return;
        }
        assert!(patience.elapsed() < Duration::from_secs(240), "{rows:?}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Status and message of every run of a job, as the owner of the job sees them.
fn runs(client: &mut Client, job: &str) -> Vec<(String, String)> {
    let query = "SELECT d.status, coalesce(d.return_message, '') FROM cron.job_run_details AS d JOIN cron.job AS j USING (jobid)
                  WHERE j.jobname = $1 AND d.status IN ('succeeded', 'failed')";
    let rows = client.query(query, &[&job]).expect("reads");
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

fn assert_runs(client: &mut Client, job: &str, status: &str, message: &str) {
    let runs = runs(client, job);
    assert!(!runs.is_empty(), "{job}");
    for (found, said) in runs {
        assert_eq!(found, status, "{job}: {said}");
        assert!(said.contains(message), "{job}: {said}");
    }
}

const QUERY: &str = "SELECT area, rooms, price FROM houses";

#[test]
fn pg_cron_trains_as_the_page_says_and_jobs_that_meet_or_fail_harm_nothing() {
    let server = Server::with(&[
        "shared_preload_libraries = 'pg_cron'",
        "cron.database_name = 'postgres'",
        "cron.use_background_workers = on",
        "cron.max_running_jobs = 16",
        "max_worker_processes = 32",
        "max_connections = 40",
    ]);
    let mut root = server.connect();
    create_houses(&mut root);
    let blocks = blocks(PAGE);
    let (first, rest) = blocks.split_first().expect("the page has SQL");
    assert!(first.starts_with("-- as a superuser"), "{first}");
    run_block(&mut root, first);
    // As the page says, except for the superuser nobody has more than the rights it gives.
    let mut nightly = server.connect_as("nightly");
    for block in rest {
        run_block(&mut nightly, block);
    }
    // Other rows than those that `price` has learned from.
    root.batch_execute(
        "INSERT INTO houses SELECT id + 2000, area * 5, rooms, 'Ulm', price * 5 FROM houses WHERE id <= 1000;
         CREATE ROLE stranger LOGIN; CREATE ROLE hurried LOGIN; ALTER ROLE hurried SET statement_timeout = '2s';
         GRANT USAGE ON SCHEMA cron TO stranger, hurried; GRANT SELECT ON houses TO stranger, hurried",
    )
    .expect("prepares");
    let train = |name: &str, query: &str, rest: &str| {
        format!("SELECT * FROM ml_train('{name}', '{query}', 'price'{rest})")
    };
    nightly
        .batch_execute(&train("steady", QUERY, ", epochs => 1"))
        .expect("trains");

    let long = ", epochs => 100000, max_seconds => 3";
    for job in ["one", "two"] {
        schedule(&mut nightly, job, &train("shared", QUERY, long));
    }
    let lost = "SELECT area, rooms FROM houses";
    schedule(&mut nightly, "lost target", &train("steady", lost, ""));
    let misspelt = "SELECT area, room, price FROM houses";
    schedule(&mut nightly, "lost column", &train("steady", misspelt, ""));
    let nothing = ", deploy => 'if_better', validation_split => 0";
    schedule(
        &mut nightly,
        "nothing held out",
        &train("steady", QUERY, nothing),
    );
    let mut stranger = server.connect_as("stranger");
    schedule(&mut stranger, "foreign", &train("steady", QUERY, ""));
    let mut hurried = server.connect_as("hurried");
    let endless = train("endless", QUERY, ", epochs => 100000");
    schedule(&mut hurried, "endless", &endless);

    wait_for_runs(&mut root, 1);
    for job in [
        "retrain price",
        "train price_now on",
        "watch price",
        "one",
        "two",
    ] {
        assert_runs(&mut nightly, job, "succeeded", "");
    }
    assert_runs(
        &mut nightly,
        "lost target",
        "failed",
        "ERROR: target \"price\" is not a column of the query",
    );
    assert_runs(
        &mut nightly,
        "lost column",
        "failed",
        "ERROR: column \"room\" does not exist",
    );
    let nothing = "ERROR: deploy => 'if_better' needs validation rows";
    assert_runs(&mut nightly, "nothing held out", "failed", nothing);
    assert_runs(
        &mut stranger,
        "foreign",
        "failed",
        "ERROR: model \"steady\" already exists",
    );
    let timeout = "ERROR: canceling statement due to statement timeout";
    assert_runs(&mut hurried, "endless", "failed", timeout);
    assert_eq!(
        runs(&mut stranger, "lost target"),
        [],
        "a role sees its own jobs"
    );

    // The page: a version more, every row learned once, and the drift found.
    let versions = "SELECT count(*)::float8 FROM tablenet.versions WHERE model = ";
    assert!(number(&mut nightly, &format!("{versions} 'price'")) >= 2.0);
    let compared = "SELECT (bool_and(compared_version IS NOT NULL) FILTER (WHERE version > 1)
            AND max(version) FILTER (WHERE deployed) = coalesce(max(version) FILTER (WHERE val_loss < compared_loss), 1))::int::float8
        FROM tablenet.versions WHERE model = 'price'";
    assert_eq!(number(&mut nightly, compared), 1.0);
    let learned = "SELECT sum(rows)::float8 FROM tablenet.versions WHERE model = 'price_now'";
    assert_eq!(number(&mut nightly, learned), 3000.0);
    assert_eq!(
        number(&mut nightly, "SELECT id::float8 FROM nightly.learned"),
        3000.0
    );
    let drift = "SELECT count(DISTINCT feature)::float8 FROM nightly.drift WHERE feature IN ('area', 'city')";
    assert_eq!(number(&mut nightly, drift), 2.0);
    // What failed stored nothing, and what was deployed is.
    let steady = "SELECT (count(*) = 1 AND bool_and(deployed AND version = 1))::int::float8 FROM tablenet.versions WHERE model = 'steady'";
    assert_eq!(number(&mut nightly, steady), 1.0);
    number(&mut nightly, "SELECT ml_predict('steady', 80, 3)");
    assert_eq!(number(&mut root, &format!("{versions} 'endless'")), 0.0);

    // The two jobs of one model: both began in one minute, and never at the same time.
    let shared =
        "SELECT count(*)::float8 FROM tablenet.versions WHERE model = 'shared' AND seconds > 2.5";
    assert!(number(&mut nightly, shared) >= 2.0);
    let overlaps = "SELECT count(*)::float8 FROM tablenet.versions AS a JOIN tablenet.versions AS b
        ON a.model = 'shared' AND b.model = 'shared' AND a.version < b.version
       AND a.trained_at > b.trained_at - make_interval(secs => b.seconds)";
    assert_eq!(number(&mut nightly, overlaps), 0.0);
    root.batch_execute("SELECT cron.unschedule(jobid) FROM cron.job")
        .expect("ends the jobs");
    let running = "SELECT count(*)::float8 FROM tablenet.progress";
    while number(&mut root, running) > 0.0 {
        std::thread::sleep(Duration::from_millis(100));
    }
}
