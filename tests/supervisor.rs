//! A postmaster that ends with the test, however the test ends.

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
"$1" -D "$2" >>"$3" 2>&1 </dev/null &
read -r word
kill -INT $! 2>/dev/null
wait $!
[ "$word" = keep ] || rm -rf "$2" "$3" "$4"
"#;

/// The shell that holds a postmaster.
pub struct Supervisor(Child);

impl Supervisor {
    /// Starts `postgres` on `data` with the variables of `environment`, its log appended to `log`. `sockets` is the
    /// directory of its socket.
    pub fn start(
        postgres: &Path,
        environment: &[(&str, &str)],
        data: &Path,
        log: &Path,
        sockets: &Path,
    ) -> Supervisor {
        let mut shell = command("sh");
        shell
            .args(["-c", SCRIPT, "supervisor"])
            .arg(postgres)
            .args([data, log, sockets])
            .envs(environment.iter().copied());
        Supervisor(shell.stdin(Stdio::piped()).spawn().expect("sh starts"))
    }

    /// Stops the postmaster in its fast mode, waits for its end, and leaves its files.
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
