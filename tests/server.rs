//! Throw-away PostgreSQL servers for the end-to-end tests: one per test, socket only, gone at its end.
//!
//! `scripts/test client` puts the release library into a copy of the system's PostgreSQL and names it in
//! `TABLENET_PG_CONFIG`; `TABLENET_SERVERS` is a directory that the server's user can reach. Each server keeps its
//! data below that, and its socket in a short directory of its own. Dropping a server stops it and fails the test when
//! its log holds what no log may hold.

pub mod catalog;
mod installation;
pub mod models;
pub mod page;
mod process;
pub mod sessions;
pub mod supervisor;
pub mod training;

pub use installation::Installation;
pub use process::Process;

use postgres::{Client, NoTls};
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};
use supervisor::{Files, Supervisor};

/// What a server's log may never hold unless the test itself brought it about.
const FORBIDDEN: [&str; 6] = [
    "terminated by signal",
    "PANIC:",
    "TRAP:",
    "stack smashing",
    "invalid memory alloc request",
    " XX000 ",
];

static SERVERS: AtomicU32 = AtomicU32::new(0);

/// A running PostgreSQL with the extension in its database `postgres`.
pub struct Server {
    installation: Installation,
    directory: PathBuf,
    sockets: PathBuf,
    supervisor: Option<Supervisor>,
    environment: Vec<(&'static str, &'static str)>,
    expected: Mutex<Vec<&'static str>>,
}

impl Server {
    /// Starts a server and creates the extension.
    pub fn start() -> Server {
        Server::with(&[])
    }

    /// Starts a server with lines of postgresql.conf, such as `"shared_buffers = 16MB"`, and creates the extension.
    pub fn with(settings: &[&str]) -> Server {
        let server = Server::bare(&Installation::tested(), settings);
        server
            .connect()
            .batch_execute("CREATE EXTENSION tablenet")
            .expect("the extension is installed");
        server
    }

    /// Starts a server of that PostgreSQL without the extension.
    pub fn bare(installation: &Installation, settings: &[&str]) -> Server {
        let mut server = Server::blank(installation);
        server.initialize(&[]);
        server.configure(settings);
        server.resume();
        server
    }

    /// Starts a hot standby of this server from a base backup, with more lines of postgresql.conf.
    pub fn standby(&self, settings: &[&str]) -> Server {
        let mut server = Server::blank(&self.installation);
        let mut backup = supervisor::command(self.installation.program("pg_basebackup"));
        backup.args(["--checkpoint=fast", "--no-sync", "--write-recovery-conf"]);
        backup.args(["--username=postgres", "--host"]);
        backup.arg(&self.sockets).arg("--pgdata").arg(server.data());
        let output = backup.output().expect("pg_basebackup starts");
        assert!(
            output.status.success(),
            "pg_basebackup: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        server.configure(settings);
        server.resume();
        server
    }

    /// Waits until `standby` has replayed all that is committed here.
    pub fn wait_for(&self, standby: &mut Client) {
        let written: String = self
            .connect()
            .query_one("SELECT pg_current_wal_flush_lsn()::text", &[])
            .expect("a primary")
            .get(0);
        let replayed = format!("SELECT pg_last_wal_replay_lsn() >= '{written}'::pg_lsn");
        sessions::until(standby, &replayed);
    }

    /// A connection string for other servers.
    pub fn conninfo(&self) -> String {
        format!(
            "host={} user=postgres dbname=postgres",
            self.sockets.display()
        )
    }

    /// A server that has directories and no data yet: [`Server::initialize`] makes some, or whatever else fills
    /// [`Server::data`]. Then [`Server::configure`] and [`Server::resume`].
    pub fn blank(installation: &Installation) -> Server {
        let name = format!(
            "{}-{}",
            std::process::id(),
            SERVERS.fetch_add(1, Ordering::Relaxed)
        );
        let directory = PathBuf::from(variable("TABLENET_SERVERS")).join(format!("server-{name}"));
        let sockets = PathBuf::from(format!("/tmp/tablenet-{name}"));
        let server = Server {
            installation: installation.clone(),
            directory,
            sockets,
            supervisor: None,
            environment: Vec::new(),
            expected: Mutex::default(),
        };
        for path in [&server.directory, &server.sockets] {
            fs::create_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            if let Some((user, group)) = supervisor::user() {
                chown(path, Some(user), Some(group)).expect("the directory is ours");
            }
            fs::set_permissions(path, fs::Permissions::from_mode(0o700))
                .expect("the directory is ours");
        }
        server
    }

    /// Runs initdb with these options besides the usual ones.
    pub fn initialize(&self, options: &[&str]) {
        let mut initdb = supervisor::command(self.installation.program("initdb"));
        initdb.args([
            "--no-sync",
            "--no-locale",
            "-E",
            "UTF8",
            "-U",
            "postgres",
            "-A",
            "trust",
        ]);
        let initdb = initdb.args(options).arg("-D").arg(self.data());
        let output = initdb.output().expect("initdb starts");
        assert!(
            output.status.success(),
            "initdb: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// Adds the settings of the tests, and these lines, to those of the data that are there; the last of several counts.
    pub fn configure(&self, settings: &[&str]) {
        let mut text = format!(
            "\nlisten_addresses = ''\nunix_socket_directories = '{}'\nfsync = off\nmax_connections = 30\n\
             logging_collector = off\nlog_line_prefix = '%m [%p] %e '\nlog_min_messages = warning\n",
            self.sockets.display()
        );
        for setting in settings {
            text.push_str(setting);
            text.push('\n');
        }
        let file = self.data().join("postgresql.auto.conf");
        let before = fs::read_to_string(&file).expect("the data directory is there");
        fs::write(file, before + &text).expect("the data directory is there");
    }

    /// Stops the server; its data stay.
    pub fn stop(&mut self) {
        if let Some(supervisor) = self.supervisor.take() {
            supervisor.stop();
        }
    }

    /// Stops the server and starts it on its data with these environment variables.
    pub fn restart(&mut self, environment: &[(&'static str, &'static str)]) {
        self.stop();
        self.environment = environment.to_vec();
        self.resume();
    }

    /// Starts the server on its data, after [`Server::stop`] or [`Server::crash`].
    pub fn resume(&mut self) {
        let mut postgres = Command::new(self.installation.program("postgres"));
        postgres.arg("-D").arg(self.data());
        postgres.envs(self.environment.iter().copied());
        let files = Files {
            data: &self.data(),
            log: &self.log_file(),
            sockets: &self.sockets,
        };
        // INT is its fast mode.
        self.supervisor = Some(Supervisor::start(&postgres, "INT", &files));
        self.reconnect();
    }

    /// Ends the postmaster and all its children at once, as a failing machine would, and leaves the data as they are.
    pub fn crash(&mut self) {
        self.expect("terminated by signal");
        let postmaster = self.postmaster();
        let children = postmaster.children();
        postmaster.kill();
        for child in children {
            child.kill();
        }
        self.stop();
    }

    /// A connection as the superuser `postgres`.
    pub fn connect(&self) -> Client {
        self.connect_as("postgres")
    }

    /// A connection as `user`, which has to exist.
    pub fn connect_as(&self, user: &str) -> Client {
        self.try_connect(user)
            .unwrap_or_else(|error| panic!("connecting as {user}: {error}"))
    }

    /// A connection as the superuser to another database.
    pub fn connect_to(&self, database: &str) -> Client {
        let mut config = self.config("postgres");
        let client = config.dbname(database).connect(NoTls);
        client.unwrap_or_else(|error| panic!("connecting to {database}: {error}"))
    }

    /// A connection as the superuser, as soon as the server has started or recovered.
    pub fn reconnect(&self) -> Client {
        let patience = Instant::now();
        loop {
            match self.try_connect("postgres") {
                Ok(client) => return client,
                Err(error) if patience.elapsed() > Duration::from_secs(60) => {
                    let log = fs::read_to_string(self.log_file()).unwrap_or_default();
                    panic!("no server: {error}\n{log}");
                }
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }

    /// A connection as `user`, and what the server tells it: "NOTICE: epoch 1: ...".
    pub fn listen_as(&self, user: &str) -> (Client, mpsc::Receiver<String>) {
        let (sender, told) = mpsc::channel();
        let mut config = self.config(user);
        config.notice_callback(move |message| {
            // A test that asks no more has dropped the other end.
            let _ = sender.send(format!("{}: {}", message.severity(), message.message()));
        });
        let client = config.connect(NoTls);
        let client = client.unwrap_or_else(|error| panic!("connecting as {user}: {error}"));
        (client, told)
    }

    fn try_connect(&self, user: &str) -> Result<Client, postgres::Error> {
        self.config(user).connect(NoTls)
    }

    /// What a connection as `user` needs.
    pub fn config(&self, user: &str) -> postgres::Config {
        let mut config = postgres::Config::new();
        config
            .host_path(&self.sockets)
            .user(user)
            .dbname("postgres");
        config
    }

    /// The postmaster.
    pub fn postmaster(&self) -> Process {
        let file = fs::read_to_string(self.data().join("postmaster.pid")).expect("the server runs");
        Process(
            file.lines()
                .next()
                .and_then(|line| line.trim().parse().ok())
                .expect("a pid"),
        )
    }

    /// The temporary files there are now.
    pub fn temporary_files(&self) -> Vec<PathBuf> {
        let directory = self.data().join("base/pgsql_tmp");
        fs::read_dir(directory)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .collect()
    }

    /// Says that the log will hold `text` although no log should: the test itself ends a process.
    pub fn expect(&self, text: &'static str) {
        self.expected().push(text);
    }

    fn expected(&self) -> MutexGuard<'_, Vec<&'static str>> {
        self.expected.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The PostgreSQL that it runs from.
    pub fn installation(&self) -> &Installation {
        &self.installation
    }

    /// The directory of its data.
    pub fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    /// The directory of its socket.
    pub fn sockets(&self) -> &Path {
        &self.sockets
    }

    fn log_file(&self) -> PathBuf {
        self.directory.join("log")
    }

    /// Whether the log has a line with this SQLSTATE, which is there before the client hears of it.
    pub fn has_logged(&self, sqlstate: &str) -> bool {
        let log = fs::read_to_string(self.log_file()).unwrap_or_default();
        log.contains(&format!(" {sqlstate} "))
    }

    /// The lines of the log that no log may hold.
    fn offences(&self) -> Vec<String> {
        let log = fs::read_to_string(self.log_file()).unwrap_or_default();
        let expected = self.expected();
        let offends = |line: &&str| {
            FORBIDDEN
                .iter()
                .any(|text| line.contains(text) && !expected.contains(text))
        };
        log.lines().filter(offends).map(str::to_owned).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
        let offences = self.offences();
        let temporary = self.temporary_files();
        for path in [&self.directory, &self.sockets] {
            // A directory that stays behind harms no later test: its name is never used again.
            let _ = fs::remove_dir_all(path);
        }
        if !std::thread::panicking() {
            assert!(
                offences.is_empty(),
                "the server's log holds:\n{}",
                offences.join("\n")
            );
            assert!(
                temporary.is_empty(),
                "temporary files are left: {temporary:?}"
            );
        }
    }
}

fn variable(name: &str) -> String {
    std::env::var(name)
        .unwrap_or_else(|_| panic!("{name} is not set: run the tests with `scripts/test client`"))
}

/// Runs one of the client programs of its PostgreSQL against `server`, such as `psql` or `pg_dump`.
pub fn client_program(name: &str, server: &Server) -> Command {
    let mut command = Command::new(server.installation.program(name));
    command
        .env("PGHOST", &server.sockets)
        .env("PGUSER", "postgres")
        .env("PGDATABASE", "postgres");
    command
}
