//! What Linux knows about a process: its memory, its threads, its children.

use std::fs;
use std::process::Command;

/// A process by its id.
#[derive(Debug, Clone, Copy)]
pub struct Process(pub i32);

impl Process {
    /// The backend of a connection.
    pub fn backend(client: &mut postgres::Client) -> Process {
        Process(
            client
                .query_one("SELECT pg_backend_pid()", &[])
                .expect("a pid")
                .get(0),
        )
    }

    /// The most memory that was ever resident, in KiB: private memory, mapped files and the touched part of shared memory.
    pub fn peak_resident(self) -> u64 {
        self.status("VmHWM:")
    }

    /// Lets [`Process::peak_resident`] begin anew with what is resident now.
    pub fn forget_peak(self) {
        fs::write(format!("/proc/{}/clear_refs", self.0), "5")
            .expect("the process is there, and ours");
    }

    /// The memory that is resident now, in KiB.
    pub fn resident(self) -> u64 {
        self.status("VmRSS:")
    }

    /// What the process has open: paths, and for files without a name what Linux writes for one.
    pub fn open_files(self) -> Vec<String> {
        let links = fs::read_dir(format!("/proc/{}/fd", self.0));
        let targets = links.into_iter().flatten().flatten();
        targets
            .filter_map(|link| Some(fs::read_link(link.path()).ok()?.display().to_string()))
            .collect()
    }

    /// The number of threads.
    pub fn threads(self) -> usize {
        fs::read_dir(format!("/proc/{}/task", self.0))
            .map(Iterator::count)
            .unwrap_or(0)
    }

    /// The number of threads of this name; threads that have none have that of the one that started them.
    pub fn threads_named(self, name: &str) -> usize {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.0));
        let names = tasks.into_iter().flatten().flatten();
        names
            .filter_map(|task| fs::read_to_string(task.path().join("comm")).ok())
            .filter(|found| found.trim_end() == name)
            .count()
    }

    /// Whether the process is there and not a zombie.
    pub fn alive(self) -> bool {
        self.stat().is_some_and(|fields| fields[0] != "Z")
    }

    /// The processes whose parent this one is.
    pub fn children(self) -> Vec<Process> {
        let names = fs::read_dir("/proc")
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.file_name());
        let processes = names.filter_map(|name| Some(Process(name.to_str()?.parse().ok()?)));
        let parent = self.0.to_string();
        processes
            .filter(|process| process.stat().is_some_and(|fields| fields[1] == parent))
            .collect()
    }

    /// Ends the process with SIGKILL and waits until it is gone. One that is gone already is fine.
    pub fn kill(self) {
        // The shell's own kill: a small machine has no other.
        let mut shell = Command::new("sh");
        shell.args(["-c", "kill -9 \"$1\"", "kill", &self.0.to_string()]);
        shell.output().expect("sh starts");
        while self.alive() {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    }

    fn status(self, field: &str) -> u64 {
        let text =
            fs::read_to_string(format!("/proc/{}/status", self.0)).expect("the process is there");
        let line = text
            .lines()
            .find(|line| line.starts_with(field))
            .expect("a known field");
        line.split_whitespace()
            .nth(1)
            .and_then(|number| number.parse().ok())
            .expect("a number of kB")
    }

    /// The fields of /proc/PID/stat that follow the name: state, parent, ...
    fn stat(self) -> Option<Vec<String>> {
        let text = fs::read_to_string(format!("/proc/{}/stat", self.0)).ok()?;
        let fields = text.rsplit_once(')')?.1;
        Some(fields.split_whitespace().map(str::to_owned).collect())
    }
}
