//! The two servers, and how their programs are started.

use ::server::supervisor;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Whose server it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    /// The MariaDB of the system.
    MariaDb,
    /// The MySQL in the folder that `TABLENET_MYSQL` names.
    MySql,
}

impl Flavour {
    /// Its name in messages and directories.
    pub fn name(self) -> &'static str {
        match self {
            Flavour::MariaDb => "mariadb",
            Flavour::MySql => "mysql",
        }
    }

    /// The server, as its user, without its arguments.
    pub fn server(self) -> Command {
        match self {
            Flavour::MariaDb => {
                let found = ["/usr/sbin/mariadbd", "/usr/libexec/mariadbd"];
                let path = found.iter().find(|path| Path::new(path).exists());
                let mut command = supervisor::command(path.unwrap_or(&"mariadbd"));
                command.arg("--no-defaults");
                command
            }
            Flavour::MySql => {
                let share = tree().join("usr/share/mysql");
                let mut command = in_tree("usr/sbin/mysqld");
                command.args(["--no-defaults", "--secure-file-priv=NULL", "--mysqlx=OFF"]);
                command.arg(option("--lc-messages-dir", &share));
                command.arg(option("--character-sets-dir", &share.join("charsets")));
                command
            }
        }
    }

    /// The command-line client, without its arguments.
    pub fn client(self) -> Command {
        let mut command = match self {
            Flavour::MariaDb => supervisor::command("mariadb"),
            Flavour::MySql => in_tree("usr/bin/mysql"),
        };
        command.arg("--no-defaults");
        command
    }

    /// Makes the directory of data that a server starts with; root has no password.
    pub fn initialize(self, data: &Path) -> Command {
        match self {
            Flavour::MariaDb => {
                let mut command = supervisor::command("mariadb-install-db");
                command.args([
                    "--no-defaults",
                    "--auth-root-authentication-method=normal",
                    "--skip-test-db",
                    "--skip-name-resolve",
                    "--innodb-log-file-size=8M",
                ]);
                command.arg(option("--datadir", data));
                command
            }
            Flavour::MySql => {
                let mut command = self.server();
                command.args(["--initialize-insecure", "--innodb-redo-log-capacity=8M"]);
                command.arg(option("--datadir", data));
                command
            }
        }
    }

    /// What only this server is told.
    pub fn arguments(self) -> &'static [&'static str] {
        match self {
            Flavour::MariaDb => &["--innodb-log-file-size=8M", "--skip-log-bin"],
            Flavour::MySql => &["--innodb-redo-log-capacity=32M", "--disable-log-bin"],
        }
    }
}

/// `--name=path`, of which the path needs not be UTF-8.
pub fn option(name: &str, path: &Path) -> std::ffi::OsString {
    let mut option = std::ffi::OsString::from(name);
    option.push("=");
    option.push(path);
    option
}

fn tree() -> PathBuf {
    PathBuf::from(crate::variable("TABLENET_MYSQL"))
}

/// A program of MySQL's folder with the libraries there: those of the system may be older.
fn in_tree(program: &str) -> Command {
    let tree = tree();
    let mut libraries = tree.join("usr/lib/x86_64-linux-gnu").into_os_string();
    libraries.push(":");
    libraries.push(tree.join("usr/lib/mysql/private"));
    let mut command = supervisor::command(tree.join("usr/lib64/ld-linux-x86-64.so.2"));
    command.arg("--library-path").arg(libraries);
    command.arg(tree.join(program));
    command
}
