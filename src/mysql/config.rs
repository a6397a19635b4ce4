//! Limits that the server's administrator sets and no caller can raise: a small file, or the server's environment.
//!
//! ```text
//! # /etc/tablenet/tablenet.cnf, or the file that TABLENET_CONFIG names
//! work_mem = 256M
//! threads = 4
//! ```
//!
//! `TABLENET_WORK_MEM` and so on in the environment of the server go before the file. All is read once, at first use.

use crate::error::invalid;
use crate::share;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use tablenet_core::Result;
use tablenet_core::simd::{self, Level};

/// The file where none is named.
const FILE: &str = "/etc/tablenet/tablenet.cnf";
/// The variable that names another one.
const VARIABLE: &str = "TABLENET_CONFIG";
/// A file longer than this is none of ours.
const LONGEST_FILE: u64 = 64 << 10;

/// Every limit with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Bytes of memory that one training may take. It is all the core's, so that the same limit gives the same model in every
    /// database, spilled or not; rows on their way there take about 1 MB more, and its threads their stacks.
    pub work_mem: u64,
    /// Bytes of memory that all trainings under way may take together.
    pub total_work_mem: u64,
    /// Threads of one training, the one that leads it included.
    pub threads: usize,
    /// Threads of all trainings under way; a training takes fewer where they are used up, and at least one.
    pub max_threads: usize,
    /// Seconds after which a training fails; 0 is no limit.
    pub max_seconds: f64,
    /// Bytes of a model.
    pub max_model_size: u64,
    /// Bytes that models ready to score may take.
    pub cache_size: u64,
    /// Where rows beyond `work_mem` go; `None`: where the server has its temporary files.
    pub tmpdir: Option<PathBuf>,
    /// The vector instructions; `None`: the best of the CPU.
    pub simd: Option<Level>,
}

impl Default for Config {
    fn default() -> Self {
        let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            work_mem: 64 << 20,
            total_work_mem: 1 << 30,
            threads: cpus.min(3),
            max_threads: cpus.max(3),
            max_seconds: 0.0,
            max_model_size: 64 << 20,
            cache_size: 256 << 20,
            tmpdir: None,
            simd: None,
        }
    }
}

/// One limit: its name, and what a text for it does.
type Setting = (
    &'static str,
    fn(&mut Config, &str) -> Result<(), &'static str>,
);

const SETTINGS: [Setting; 9] = [
    ("work_mem", |config, text| {
        put(&mut config.work_mem, size(text, 1 << 20))
    }),
    ("total_work_mem", |config, text| {
        put(&mut config.total_work_mem, size(text, 1 << 20))
    }),
    ("threads", |config, text| {
        put(&mut config.threads, count(text))
    }),
    ("max_threads", |config, text| {
        put(&mut config.max_threads, count(text))
    }),
    ("max_seconds", |config, text| {
        put(&mut config.max_seconds, seconds(text))
    }),
    ("max_model_size", |config, text| {
        put(&mut config.max_model_size, size(text, 1))
    }),
    ("cache_size", |config, text| {
        put(&mut config.cache_size, size(text, 0))
    }),
    ("tmpdir", |config, text| {
        put(&mut config.tmpdir, directory(text).map(Some))
    }),
    ("simd", |config, text| {
        let level = Level::parse(text).map_err(|_| "must be plain, avx2 or avx512");
        put(&mut config.simd, level.map(Some))
    }),
];

/// Sets a limit to a value that could be read.
fn put<T>(limit: &mut T, value: Result<T, &'static str>) -> Result<(), &'static str> {
    *limit = value?;
    Ok(())
}

/// What the server's administrator has set; the error of a wrong setting fails every call.
pub fn config() -> Result<&'static Config> {
    #[cfg(test)]
    if let Some(config) = hook::CONFIG.get() {
        return Ok(config);
    }
    static CONFIG: LazyLock<Result<Config, String>> = LazyLock::new(|| {
        let config = Config::load()?;
        if let Some(level) = config.simd {
            simd::set(level)
                .map_err(|error| format!("simd of tablenet's configuration: {error}"))?;
        }
        Ok(config)
    });
    CONFIG.as_ref().map_err(|text| {
        invalid(text.clone())
            .hint("Ask the server's administrator to correct it and to restart the server.")
    })
}

impl Config {
    /// From the file and the environment of this process.
    fn load() -> Result<Self, String> {
        let mut config = Self::default();
        match std::env::var_os(VARIABLE) {
            Some(path) if path.is_empty() => return Err(format!("{VARIABLE} is empty")),
            Some(path) => config.read(Path::new(&path))?,
            None => match Path::new(FILE).try_exists() {
                Ok(true) => config.read(Path::new(FILE))?,
                Ok(false) => {}
                // Limits that cannot be read are not no limits.
                Err(error) => return Err(format!("{FILE}: {error}")),
            },
        }
        for (name, set) in SETTINGS {
            let variable = format!("TABLENET_{}", name.to_uppercase());
            if let Some(text) = std::env::var_os(&variable) {
                let text = text.to_string_lossy();
                set(&mut config, text.trim())
                    .map_err(|what| format!("{variable} of the server's environment {what}"))?;
            }
        }
        config.check()?;
        Ok(config)
    }

    /// Refuses limits under which nobody could train.
    fn check(&self) -> Result<(), String> {
        if self.work_mem > self.total_work_mem {
            return Err(format!(
                "work_mem of tablenet's configuration is {}, more than total_work_mem, which is {}",
                share::size(self.work_mem),
                share::size(self.total_work_mem)
            ));
        }
        Ok(())
    }

    fn read(&mut self, path: &Path) -> Result<(), String> {
        let shown = path.display();
        // What has no length, such as /dev/zero, ends at the limit too.
        let mut text = String::new();
        std::fs::File::open(path)
            .and_then(|file| file.take(LONGEST_FILE + 1).read_to_string(&mut text))
            .map_err(|error| format!("{shown}: {error}"))?;
        if text.len() as u64 > LONGEST_FILE {
            return Err(format!("{shown} has more than {LONGEST_FILE} bytes"));
        }
        self.parse(&text)
            .map_err(|error| format!("{shown}, {error}"))
    }

    /// Takes the lines of a file.
    fn parse(&mut self, text: &str) -> Result<(), String> {
        // Some editors begin a file with a mark.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for (index, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.is_empty() {
                continue;
            }
            let number = index + 1;
            let (name, value) = line
                .split_once('=')
                .ok_or_else(|| format!("line {number} is not key = value"))?;
            let (name, value) = (name.trim(), value.trim());
            let Some((_, set)) = SETTINGS.iter().find(|(known, _)| *known == name) else {
                let known = SETTINGS.map(|(name, _)| name).join(", ");
                return Err(format!(
                    "line {number}: there is no setting {name}; there are {known}"
                ));
            };
            set(self, value).map_err(|what| format!("line {number}: {name} {what}"))?;
        }
        Ok(())
    }
}

/// Bytes: digits, and K, M or G behind them.
fn size(text: &str, least: u64) -> Result<u64, &'static str> {
    const WRONG: &str = "must be a size such as 65536, 256M or 1G";
    let (digits, unit) = match text.char_indices().last() {
        Some((at, 'k' | 'K')) => (&text[..at], 1 << 10),
        Some((at, 'm' | 'M')) => (&text[..at], 1 << 20),
        Some((at, 'g' | 'G')) => (&text[..at], 1 << 30),
        _ => (text, 1),
    };
    let number: u64 = digits.trim().parse().map_err(|_| WRONG)?;
    match number.checked_mul(unit) {
        Some(bytes) if bytes >= least => Ok(bytes),
        Some(_) if least == 1 => Err("must be more than 0"),
        Some(_) => Err("must be at least 1M"),
        None => Err(WRONG),
    }
}

fn count(text: &str) -> Result<usize, &'static str> {
    match text.parse() {
        Ok(count @ 1..=1024) => Ok(count),
        _ => Err("must be a number from 1 to 1024"),
    }
}

fn seconds(text: &str) -> Result<f64, &'static str> {
    match text.parse::<f64>() {
        Ok(seconds) if seconds.is_finite() && seconds >= 0.0 => Ok(seconds),
        _ => Err("must be a number of seconds, 0 for no limit"),
    }
}

fn directory(text: &str) -> Result<PathBuf, &'static str> {
    let path = PathBuf::from(text);
    if path.is_absolute() {
        Ok(path)
    } else {
        Err("must be an absolute path")
    }
}

/// Limits of a unit test, for the thread that calls.
#[cfg(test)]
pub mod hook {
    use super::Config;
    use std::cell::Cell;

    thread_local! {
        pub static CONFIG: Cell<Option<&'static Config>> = const { Cell::new(None) };
    }

    /// From here on these limits are in force.
    pub fn set(config: Config) {
        CONFIG.set(Some(Box::leak(Box::new(config))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Config, String> {
        let mut config = Config::default();
        config.parse(text).map(|()| config)
    }

    #[test]
    fn a_file_sets_what_it_names() {
        let text = "# limits\n\n work_mem = 256M # each\ntotal_work_mem=2g\nthreads = 4\nmax_seconds = 0.5\ncache_size=0\ntmpdir = /var/tmp\n";
        let config = parsed(text).expect("valid");
        assert_eq!(
            config,
            Config {
                work_mem: 256 << 20,
                total_work_mem: 2 << 30,
                threads: 4,
                max_seconds: 0.5,
                cache_size: 0,
                tmpdir: Some("/var/tmp".into()),
                ..Config::default()
            }
        );
        assert_eq!(parsed(""), Ok(Config::default()));
    }

    #[test]
    fn one_training_takes_no_more_than_all() {
        let both = parsed("work_mem = 2G\ntotal_work_mem = 2G").expect("valid");
        assert_eq!(both.check(), Ok(()));
        let text = "work_mem of tablenet's configuration is 2048 MB, more than total_work_mem, which is 1024 MB";
        let one = parsed("work_mem = 2G").expect("valid");
        assert_eq!(one.check(), Err(text.to_owned()));
    }

    #[test]
    fn a_wrong_line_is_named() {
        for (text, expected) in [
            ("work_mem", "line 1 is not key = value"),
            (
                "\nwork_mem = x",
                "line 2: work_mem must be a size such as 65536, 256M or 1G",
            ),
            ("work_mem = 1K", "line 1: work_mem must be at least 1M"),
            (
                "work_mem = 99999999999G",
                "line 1: work_mem must be a size such as 65536, 256M or 1G",
            ),
            (
                "work_mem = -1",
                "line 1: work_mem must be a size such as 65536, 256M or 1G",
            ),
            (
                "threads = 0",
                "line 1: threads must be a number from 1 to 1024",
            ),
            (
                "max_seconds = nan",
                "line 1: max_seconds must be a number of seconds, 0 for no limit",
            ),
            ("tmpdir = x", "line 1: tmpdir must be an absolute path"),
            (
                "max_model_size = 0",
                "line 1: max_model_size must be more than 0",
            ),
            ("simd = mmx", "line 1: simd must be plain, avx2 or avx512"),
        ] {
            assert_eq!(parsed(text), Err(expected.to_owned()), "{text}");
        }
        assert!(parsed("worm_mem = 1G").is_err_and(|error| {
            error.starts_with("line 1: there is no setting worm_mem; there are work_mem,")
        }));
    }

    #[test]
    fn a_file_without_end_is_refused() {
        assert_eq!(
            Config::default().read(Path::new("/dev/zero")),
            Err("/dev/zero has more than 65536 bytes".to_owned())
        );
    }
}
