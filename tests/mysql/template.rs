//! A directory of data, made once for each version of a server and copied for every server.

use crate::Flavour;
use ::server::supervisor;
use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Copies the template into `data`, which is not there yet.
pub fn copy(flavour: Flavour, data: &Path) {
    let template = template(flavour);
    let mut command = supervisor::command("cp");
    command.args(["-a", "--reflink=auto"]).arg(template);
    succeed(command.arg(data));
}

fn template(flavour: Flavour) -> PathBuf {
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let version = flavour.server().arg("--version").output();
    let version =
        String::from_utf8_lossy(&version.expect("the server is there").stdout).into_owned();
    let number = version
        .split_whitespace()
        .skip_while(|word| *word != "Ver")
        .nth(1);
    let number = number.unwrap_or_else(|| panic!("no version: {version}"));
    let place = PathBuf::from(crate::variable("TABLENET_SERVERS"));
    let template = place.join(format!("template-{}-{number}", flavour.name()));
    if !template.exists() {
        let new = place.join(format!("{}.new", template.display()));
        // What is left of a run that was killed.
        let _ = fs::remove_dir_all(&new);
        make_directory(&new);
        succeed(&mut flavour.initialize(&new.join("data")));
        fs::rename(new.join("data"), &template).expect("the directory is ours");
        fs::remove_dir_all(&new).expect("the directory is ours");
    }
    template
}

/// Makes a directory that belongs to the server's user alone.
pub fn make_directory(path: &Path) {
    fs::create_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    if let Some((user, group)) = supervisor::user() {
        chown(path, Some(user), Some(group)).expect("the directory is ours");
    }
}

fn succeed(command: &mut Command) {
    let output = command.output();
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
