//! One throw-away server: socket only, with directories of its own for data, temporary files and the library.

use crate::flavour::option;
use crate::template::{self, make_directory};
use crate::{Connection, Flavour, Refusal};
use ::server::Process;
use ::server::supervisor::{Files, Supervisor};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

/// What a server's log may never hold.
const FORBIDDEN: [&str; 9] = [
    "got signal",
    "got exception",
    "mysqld got",
    "mariadbd got",
    "Assertion",
    "InnoDB: Failing",
    "stack smashing",
    "double free",
    "corrupted",
];

/// The database in which the procedures are.
pub const DATABASE: &str = "test";

static SERVERS: AtomicU32 = AtomicU32::new(0);

/// The server of each flavour that tests share, as long as one of them runs.
static SHARED: Mutex<[Weak<Server>; 2]> = Mutex::new([Weak::new(), Weak::new()]);

/// A running server with tablenet installed and an empty database `test`.
pub struct Server {
    flavour: Flavour,
    directory: PathBuf,
    sockets: PathBuf,
    process: Process,
    supervisor: Mutex<Option<Supervisor>>,
}

impl Server {
    /// The server that tests share which neither change its limits nor look at its memory.
    pub fn shared(flavour: Flavour) -> Arc<Server> {
        let mut servers = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = &mut servers[flavour as usize];
        shared.upgrade().unwrap_or_else(|| {
            let server = Arc::new(Server::start(flavour));
            *shared = Arc::downgrade(&server);
            server
        })
    }

    /// Starts a server of its own.
    pub fn start(flavour: Flavour) -> Server {
        Server::with(flavour, &[], &[])
    }

    /// Starts a server with variables of its environment, such as `("TABLENET_WORK_MEM", "16M")`, and arguments, such
    /// as `"--max-connections=250"`.
    pub fn with(flavour: Flavour, environment: &[(&str, &str)], arguments: &[&str]) -> Server {
        let library = crate::variable("TABLENET_MYSQL_LIBRARY");
        Server::of_library(Path::new(&library), flavour, environment, arguments)
    }

    /// The same with another build of the library.
    pub fn of_library(
        library: &Path,
        flavour: Flavour,
        environment: &[(&str, &str)],
        arguments: &[&str],
    ) -> Server {
        let number = SERVERS.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}-{}-{number}", flavour.name(), std::process::id());
        let directory =
            PathBuf::from(crate::variable("TABLENET_SERVERS")).join(format!("server-{name}"));
        let sockets = PathBuf::from(format!("/tmp/tablenet-{name}"));
        for path in [
            &directory,
            &sockets,
            &directory.join("plugins"),
            &directory.join("tmp"),
        ] {
            make_directory(path);
        }
        fs::copy(library, directory.join("plugins/tablenet_mysql.so"))
            .expect("the library is built");
        let data = directory.join("data");
        template::copy(flavour, &data);

        let mut command = flavour.server();
        command.args([
            "--skip-networking",
            "--skip-name-resolve",
            "--performance-schema=OFF",
            "--character-set-server=utf8mb4",
            "--innodb-buffer-pool-size=64M",
            "--innodb-flush-log-at-trx-commit=0",
            "--innodb-fast-shutdown=2",
            "--max-allowed-packet=256M",
        ]);
        command.args(flavour.arguments()).args(arguments);
        let paths = [
            ("--datadir", data.clone()),
            ("--tmpdir", directory.join("tmp")),
            ("--plugin-dir", directory.join("plugins")),
            ("--pid-file", directory.join("pid")),
            ("--socket", sockets.join("socket")),
        ];
        command.args(paths.iter().map(|(name, path)| option(name, path)));
        command.env("TABLENET_CONFIG", "/dev/null");
        command.envs(environment.iter().copied());
        let log = directory.join("log");
        let files = Files {
            data: &directory,
            log: &log,
            sockets: &sockets,
        };
        let supervisor = Supervisor::start(&command, "TERM", &files);
        let mut server = Server {
            flavour,
            directory,
            sockets,
            process: Process(0),
            supervisor: Mutex::new(Some(supervisor)),
        };
        server.wait();
        server.install();
        server
    }

    fn wait(&mut self) {
        let patience = Instant::now();
        loop {
            match Connection::open(&self.socket(), "root", "") {
                Ok(_) => break,
                Err(error) if patience.elapsed() > Duration::from_secs(60) => {
                    panic!("no server: {error}\n{}", self.log());
                }
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        }
        let pid = fs::read_to_string(self.directory.join("pid")).expect("the server runs");
        self.process = Process(pid.trim().parse().expect("a pid"));
    }

    /// As an administrator would: the scripts through the command-line client.
    fn install(&self) {
        self.script("", "install.sql");
        self.connect_to("")
            .run(&format!("CREATE DATABASE {DATABASE}"));
        self.script(DATABASE, "procedures.sql");
    }

    /// Runs a script of sql/mysql with the command-line client, in `database` ("" for none).
    pub fn script(&self, database: &str, name: &str) {
        let path = Path::new(&crate::variable("TABLENET_SQL")).join(name);
        let script = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let (succeeded, output) = self.command_line(database, &script);
        assert!(succeeded, "{name}: {output}");
    }

    /// Gives `script` to the command-line client: whether it succeeded, and what it said.
    pub fn command_line(&self, database: &str, script: &[u8]) -> (bool, String) {
        let mut child = self.client(database);
        let mut input = child.stdin.take().expect("is piped");
        let script = script.to_vec();
        // A client that ends early closes its side; its status says so.
        let writer = std::thread::spawn(move || drop(input.write_all(&script)));
        let output = child.wait_with_output().expect("the client ends");
        writer.join().expect("no panic");
        let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.push_str(&String::from_utf8_lossy(&output.stderr));
        (output.status.success(), text)
    }

    /// The command-line client as root in `database`, which reads statements.
    pub fn client(&self, database: &str) -> Child {
        let mut command = self.flavour.client();
        command.args(["--user=root", "--batch", "--default-character-set=utf8mb4"]);
        command
            .arg(option("--socket", &self.socket()))
            .arg(database);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.spawn().expect("the client is there")
    }

    /// A session of root in the database `test`.
    pub fn connect(&self) -> Connection {
        self.connect_to(DATABASE)
    }

    /// A session of root in `database`, "" for none.
    pub fn connect_to(&self, database: &str) -> Connection {
        let session = Connection::open(&self.socket(), "root", database);
        session.unwrap_or_else(|error| panic!("connecting: {error}\n{}", self.log()))
    }

    /// A session of `user`, who has no password, in the database `test`.
    ///
    /// # Errors
    /// The server refuses the user.
    pub fn connect_as(&self, user: &str) -> Result<Connection, Refusal> {
        Connection::open(&self.socket(), user, DATABASE)
    }

    /// Whose server it is.
    pub fn flavour(&self) -> Flavour {
        self.flavour
    }

    /// The server's process.
    pub fn process(&self) -> Process {
        self.process
    }

    /// The files without a name that the server has open in its directory of temporary files, beside its own.
    pub fn spill_files(&self) -> Vec<String> {
        let place = self.directory.join("tmp").display().to_string();
        let of_tablenet = |path: &String| {
            // The servers' own are called ib..., MY..., ML..., #sql...: every file of ours begins with our name.
            path.strip_prefix(&place)
                .is_some_and(|name| name.starts_with("/tablenet"))
        };
        let mut files = self.process.open_files();
        files.retain(of_tablenet);
        files
    }

    /// The server's log so far.
    pub fn log(&self) -> String {
        let log = fs::read(self.directory.join("log")).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    fn socket(&self) -> PathBuf {
        self.sockets.join("socket")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let alive = self.process.alive();
        let spilled = self.spill_files();
        let supervisor = self
            .supervisor
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(supervisor) = supervisor.take() {
            supervisor.stop();
        }
        let log = self.log();
        let offends = |line: &&str| FORBIDDEN.iter().any(|text| line.contains(text));
        let offences: Vec<&str> = log.lines().filter(offends).collect();
        for path in [&self.directory, &self.sockets] {
            // A directory that stays behind harms no later test: its name is never used again.
            let _ = fs::remove_dir_all(path);
        }
        if std::thread::panicking() {
            if !offences.is_empty() || !alive {
                eprintln!("the server's log:\n{log}");
            }
            return;
        }
        assert!(alive, "the server is gone:\n{log}");
        assert!(offences.is_empty(), "the server's log holds:\n{log}");
        assert_eq!(spilled, Vec::<String>::new(), "temporary files are left");
    }
}
