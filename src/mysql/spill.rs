//! Rows beyond the memory of a training, in a temporary file without a name: it is gone when it is closed, also after a crash.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use tablenet_core::{Error, ErrorKind, Result, Spill, SpillFactory};

/// Makes the files of one training.
#[derive(Debug)]
pub struct Spills {
    directory: PathBuf,
}

impl Spills {
    /// Files in `directory`.
    pub fn new(directory: PathBuf) -> Self {
        Self { directory }
    }
}

impl SpillFactory for Spills {
    fn create(&mut self) -> Result<Box<dyn Spill>> {
        let directory = &self.directory;
        let file = unnamed(directory).or_else(|error| match error.raw_os_error() {
            // File systems that know no file without a name.
            Some(libc::EOPNOTSUPP | libc::EISDIR | libc::EINVAL | libc::ENOENT) => {
                unlinked(directory)
            }
            _ => Err(error),
        });
        Ok(Box::new(TemporaryFile {
            file: file.map_err(|error| failed("create", directory, &error))?,
            length: 0,
            directory: directory.clone(),
        }))
    }
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    // Rust adds O_CLOEXEC.
    options.read(true).write(true).mode(0o600);
    options
}

/// A file that never has a name.
fn unnamed(directory: &Path) -> io::Result<File> {
    options().custom_flags(libc::O_TMPFILE).open(directory)
}

/// A file that loses its name at once.
fn unlinked(directory: &Path) -> io::Result<File> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    /// Names left by a server that crashed in between.
    const ATTEMPTS: u32 = 100;
    let mut taken = None;
    for _ in 0..ATTEMPTS {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = directory.join(format!("tablenet-{}-{number}.tmp", std::process::id()));
        match options().create_new(true).open(&path) {
            Ok(file) => return std::fs::remove_file(&path).map(|()| file),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => taken = Some(error),
            Err(error) => return Err(error),
        }
    }
    Err(taken.unwrap_or_else(|| io::Error::from(io::ErrorKind::AlreadyExists)))
}

#[cold]
fn failed(what: &str, directory: &Path, error: &io::Error) -> Error {
    let message = format!(
        "could not {what} a temporary file in {}: {error}",
        directory.display()
    );
    Error::new(ErrorKind::LimitExceeded, message)
        .hint("It takes the rows beyond work_mem; tmpdir in tablenet's configuration names its directory.")
}

/// An open file that only this training knows.
struct TemporaryFile {
    file: File,
    length: u64,
    directory: PathBuf,
}

impl Spill for TemporaryFile {
    fn append(&mut self, block: &[u8]) -> Result<()> {
        self.file
            .write_all_at(block, self.length)
            .map_err(|error| failed("write", &self.directory, &error))?;
        self.length += block.len() as u64;
        Ok(())
    }

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        self.file
            .read_exact_at(buffer, offset)
            .map_err(|error| failed("read", &self.directory, &error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_no_name_and_keeps_what_was_appended() -> Result<()> {
        let directory = std::env::temp_dir().join(format!("tablenet-spill-{}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a directory");
        let mut spill = Spills::new(directory.clone()).create()?;
        spill.append(b"first")?;
        spill.append(b" and second")?;
        let mut buffer = [0; 10];
        spill.read_at(6, &mut buffer)?;
        assert_eq!(&buffer, b"and second");
        let error = spill.read_at(7, &mut buffer).expect_err("beyond the end");
        assert!(error.to_string().starts_with("could not read"), "{error}");
        let named = std::fs::read_dir(&directory).expect("a directory").count();
        assert_eq!(named, 0);
        let file = unlinked(&directory).expect("a file");
        file.write_all_at(b"x", 0).expect("open");
        let named = std::fs::read_dir(&directory).expect("a directory").count();
        assert_eq!(named, 0);
        std::fs::remove_dir(&directory).expect("empty");
        Ok(())
    }

    #[test]
    fn an_error_names_the_directory() {
        let mut spills = Spills::new("/nonexistent/directory".into());
        let error = spills.create().err().map(|error| error.to_string());
        assert_eq!(
            error.as_deref(),
            Some(
                "could not create a temporary file in /nonexistent/directory: No such file or directory (os error 2)"
            )
        );
    }
}
