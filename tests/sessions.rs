//! Several sessions at once: who waits for what, and trainings that stop in the middle until the test lets them go on.

use postgres::Client;
use std::time::{Duration, Instant};

use crate::Server;
use crate::training::{create_houses, number, run};

/// Waiting for the end of another session's training of the same name.
pub const NAME: &str = "locktype = 'object' AND classid = 'tablenet.stored_model'::regclass";
/// Waiting for the end of a transaction that has changed the same row.
pub const ROW: &str = "locktype IN ('transactionid', 'tuple')";
/// Waiting at a [`Gate`].
pub const GATE: &str = "locktype = 'advisory'";

/// A connection whose statements end after a minute, so that a test that fails does not hang.
pub fn session(server: &Server) -> Client {
    session_as(server, "postgres")
}

/// The same as another user.
pub fn session_as(server: &Server, user: &str) -> Client {
    let mut client = server.connect_as(user);
    client
        .batch_execute("SET statement_timeout = '60s'")
        .expect("sets");
    client
}

/// Asks until the answer is true, for a minute at most.
pub fn until(client: &mut Client, question: &str) {
    let start = Instant::now();
    while !client
        .query_one(question, &[])
        .expect("answers")
        .get::<_, bool>(0)
    {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "never: {question}"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Returns as soon as `sessions` wait for a lock: [`NAME`], [`ROW`] or [`GATE`].
pub fn until_waiting(server: &Server, lock: &str, sessions: u32) {
    let question =
        format!("SELECT count(*) = {sessions} FROM pg_locks WHERE {lock} AND NOT granted");
    until(&mut server.connect(), &question);
}

/// Stops every query of [`Gate::QUERY`] until it is dropped.
pub struct Gate(#[allow(dead_code, reason = "its end is what opens the gate")] Client);

impl Gate {
    /// The rows of `houses`, behind the gate.
    pub const QUERY: &str = "SELECT area, rooms, price FROM houses WHERE (SELECT pg_advisory_xact_lock_shared(7)::text) IS NOT NULL";

    /// Closes the gate.
    pub fn close(server: &Server) -> Gate {
        let mut client = server.connect();
        client
            .batch_execute("SELECT pg_advisory_lock(7)")
            .expect("locks");
        Gate(client)
    }
}

/// What trains version after version of `model` on `query` in next to no time; `more` are further arguments.
pub fn train_on(query: &str, model: &str, more: &str) -> String {
    format!(
        "SELECT * FROM ml_train('{model}', '{query}', 'price', epochs => 1, batch_size => 256{more})"
    )
}

/// The same on the rows of `houses`.
pub fn train(model: &str, more: &str) -> String {
    train_on("SELECT area, rooms, price FROM houses", model, more)
}

/// A server, and a session of it, with two versions of the model m, the second deployed.
pub fn two_versions(settings: &[&str]) -> (Server, Client) {
    let server = Server::with(settings);
    let mut client = session(&server);
    create_houses(&mut client);
    run(&mut client, &train("m", ""));
    run(&mut client, &train("m", ", seed => 1"));
    (server, client)
}

/// What `name` predicts for one house.
pub fn price(client: &mut Client, name: &str) -> f64 {
    number(client, &format!("SELECT ml_predict('{name}', 80, 3)"))
}
