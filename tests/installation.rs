//! A PostgreSQL that servers run from: a private copy, with the extension in it.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The programs and the files of one PostgreSQL.
#[derive(Debug, Clone)]
pub struct Installation {
    pg_config: PathBuf,
}

impl Installation {
    /// The one under test, which `TABLENET_PG_CONFIG` names.
    pub fn tested() -> Installation {
        Installation::of(super::variable("TABLENET_PG_CONFIG"))
    }

    /// That of a `pg_config`.
    pub fn of(pg_config: impl Into<PathBuf>) -> Installation {
        Installation {
            pg_config: pg_config.into(),
        }
    }

    /// All there are, oldest first: `TABLENET_PG_CONFIGS` names them as `15=/path/to/pg_config 17=...`. Without it the one
    /// under test alone.
    pub fn all() -> Vec<Installation> {
        let Ok(listed) = std::env::var("TABLENET_PG_CONFIGS") else {
            return vec![Installation::tested()];
        };
        let entries = listed.split_whitespace();
        let mut all: Vec<Installation> = entries
            .map(|entry| {
                let (_, path) = entry.split_once('=').expect("MAJOR=pg_config");
                Installation::of(path)
            })
            .collect();
        all.sort_by_key(Installation::major);
        all
    }

    /// One of its programs, such as `psql`.
    pub fn program(&self, name: &str) -> PathBuf {
        self.programs().join(name)
    }

    /// The directory of its programs.
    pub fn programs(&self) -> &Path {
        self.pg_config.parent().expect("a path with a directory")
    }

    /// What `pg_config` answers, such as the directory of `--pkglibdir`.
    pub fn answer(&self, option: &str) -> String {
        let output = Command::new(&self.pg_config).arg(option).output();
        let output = output.unwrap_or_else(|error| panic!("{}: {error}", self.pg_config.display()));
        assert!(output.status.success(), "pg_config {option}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// The number of its major version, such as 15.
    pub fn major(&self) -> u32 {
        let version = self.answer("--version");
        let digits = version
            .chars()
            .skip_while(|character| !character.is_ascii_digit())
            .take_while(char::is_ascii_digit);
        let digits: String = digits.collect();
        digits.parse().expect("a version with a number")
    }
}
