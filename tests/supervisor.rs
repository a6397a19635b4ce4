//! A server that ends with the test, however the test ends: a postmaster, a mariadbd or a mysqld.

use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Runs the server until its standard input closes. That also happens when the test is killed: then the word "keep" did
/// not come before, and the data go too.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
signal=$1 log=$2 data=$3 sockets=$4
shift 4
"$@" >>"$log" 2>&1 </dev/null &
read -r word
kill "-$signal" $! 2>/dev/null
wait $!
[ "$word" = keep ] || rm -rf "$data" "$log" "$sockets"
"#;

/// The shell that holds a server.
pub struct Supervisor(Child);

/// What a server leaves on the disk.
pub struct Files<'a> {
    /// Its directory of data, or one that has more of its own.
    pub data: &'a Path,
    /// Its log, to which what it says is appended.
    pub log: &'a Path,
    /// The directory of its socket.
    pub sockets: &'a Path,
}

impl Supervisor {
    /// Starts `server`, whose arguments and variables of the environment are set; `signal` is what stops it, such as
    /// `"INT"`.
    pub fn start(server: &Command, signal: &str, files: &Files) -> Supervisor {
        let mut shell = command("sh");
        shell
            .args(["-c", SCRIPT, "supervisor", signal])
            .args([files.log, files.data, files.sockets])
            .arg(server.get_program())
            .args(server.get_args());
        for (name, value) in server.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        Supervisor(shell.stdin(Stdio::piped()).spawn().expect("sh starts"))
    }

    /// Stops the server, waits for its end, and leaves its files.
    pub fn stop(mut self) {
        if let Some(mut input) = self.0.stdin.take() {
            // A shell that is gone already has nothing to stop.
            let _ = input.write_all(b"keep\n");
        }
        let _ = self.0.wait();
    }
}

/// A command that runs as the server's user.
pub fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir("/");
    if let Some((user, group)) = user() {
        command.uid(user).gid(group);
    }
    command
}

/// User and group id of the server when this process is root, which may not run one: `postgres`, else `nobody`.
pub fn user() -> Option<(u32, u32)> {
    if fs::metadata("/proc/self").expect("a Linux /proc").uid() != 0 {
        return None;
    }
    let accounts = fs::read_to_string("/etc/passwd").expect("a readable /etc/passwd");
    let find = |name: &str| {
        let line = accounts
            .lines()
            .find(|line| line.split(':').next() == Some(name))?;
        let mut ids = line.split(':').skip(2).map(str::parse);
        Some((ids.next()?.ok()?, ids.next()?.ok()?))
    };
    Some(
        find("postgres")
            .or_else(|| find("nobody"))
            .expect("a user postgres or nobody"),
    )
}
