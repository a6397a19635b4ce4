//! pg_upgrade takes every model along: to the same version of PostgreSQL in the everyday tests, and through all that are
//! tested where there are several.

use server::models::{ROLE, contents, create_models, predictions, quoted};
use server::training::{number, refusal};
use server::{Installation, Server, catalog, supervisor};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Copies the files. The word for it is newer than 15.
const COPY: &[&str] = &[];
/// Links them.
const LINK: &[&str] = &["--link"];

/// A server whose data are new, and like those of `old` in what pg_upgrade compares.
fn new_like(old: &Server, installation: &Installation) -> Server {
    let new = Server::blank(installation);
    let control = Command::new(old.installation().program("pg_controldata"))
        .arg(old.data())
        .env("LC_ALL", "C")
        .output()
        .expect("pg_controldata starts");
    let control = String::from_utf8_lossy(&control.stdout);
    let checksums = control
        .lines()
        .find(|line| line.starts_with("Data page checksum version"));
    let checksums = !checksums.expect("a known line").ends_with(" 0");
    // 18 has them unless told otherwise, and no other knows how to be told.
    match (checksums, installation.major() >= 18) {
        (true, false) => new.initialize(&["--data-checksums"]),
        (false, true) => new.initialize(&["--no-data-checksums"]),
        _ => new.initialize(&[]),
    }
    new
}

/// Runs pg_upgrade from `old` to `new`, which are both stopped.
fn pg_upgrade(old: &Server, new: &Server, options: &[&str]) -> Output {
    let mut command = supervisor::command(new.installation().program("pg_upgrade"));
    command.current_dir(new.data().parent().expect("a directory"));
    command.arg("-b").arg(old.installation().programs());
    command.arg("-B").arg(new.installation().programs());
    command.arg("-d").arg(old.data()).arg("-D").arg(new.data());
    command
        .arg("-s")
        .arg(new.sockets())
        .args(["-U", "postgres"])
        .args(options);
    command.output().expect("pg_upgrade starts")
}

fn assert_upgraded(output: &Output, new: &Server, how: &str) {
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{how}: {text}{errors}{}",
        logged_errors(&new.data().join("pg_upgrade_output.d"))
    );
}

/// What pg_upgrade left in its logs, which it only names.
fn logged_errors(directory: &Path) -> String {
    let mut errors = String::new();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            errors += &logged_errors(&entry.path());
        } else if let Ok(text) = fs::read_to_string(entry.path()) {
            let lines = text.lines().filter(|line| line.contains("rror:"));
            errors.extend(lines.map(|line| format!("{line}\n")));
        }
    }
    errors
}

/// What a step has to keep.
struct Kept {
    contents: Vec<String>,
    predictions: Vec<String>,
    extension: Vec<String>,
}

impl Kept {
    fn of(server: &Server) -> Kept {
        let mut client = server.connect();
        Kept {
            contents: contents(&mut client),
            predictions: predictions(&mut client),
            extension: catalog::extension(&mut client),
        }
    }

    fn assert_in(&self, server: &Server, major: u32) {
        let found = Kept::of(server);
        catalog::assert_same(&found.contents, &self.contents);
        assert_eq!(found.predictions, self.predictions);
        // Other versions write definitions in other words.
        if major == server.installation().major() {
            catalog::assert_same(&found.extension, &self.extension);
        }
    }
}

/// Trains on as a user would: another version, and another model with a key of its own. Grants hold.
fn go_on(server: &Server) {
    let mut client = server.connect();
    let next = |client: &mut postgres::Client| {
        number(
            client,
            "SELECT next_version::float8 FROM tablenet.stored_model WHERE name = 'price'",
        )
    };
    let before = next(&mut client);
    let fit = "SELECT version::float8 FROM ml_partial_fit('price', 'SELECT * FROM houses')";
    assert_eq!(number(&mut client, fit), before);
    assert_eq!(next(&mut client), before + 1.0);
    let mut anna = server.connect_as("anna");
    let newest = "SELECT max(model_id)::float8 FROM tablenet.stored_model";
    let key = number(&mut client, newest);
    anna.batch_execute(&format!(
        "SELECT * FROM ml_train('after {key}', 'SELECT area, rooms, city, price FROM houses', 'price', epochs => 1)"
    ))
    .expect("trains");
    assert!(number(&mut client, newest) > key);
    let mut stranger = server.connect_as("stranger");
    number(&mut stranger, "SELECT ml_predict('price', 80, 3, 'Jena')");
    assert_eq!(
        refusal(&mut stranger, "SELECT ml_predict('large', 80, 3, 'Jena')"),
        "42704"
    );
    client
        .batch_execute(&format!("SET ROLE {}", quoted(ROLE)))
        .expect("sets");
    number(&mut client, "SELECT ml_deploy('price', 3)::float8");
}

/// One step of the chain: the server of `installation` that `old` becomes.
fn upgraded(mut old: Server, installation: &Installation, options: &[&str]) -> Server {
    let majors = (old.installation().major(), installation.major());
    println!("{} to {} {options:?}", majors.0, majors.1);
    let kept = Kept::of(&old);
    forget_column_versions(&old, installation);
    old.stop();
    let mut new = new_like(&old, installation);
    assert_upgraded(
        &pg_upgrade(&old, &new, &[&["--check"], options].concat()),
        &new,
        "--check",
    );
    assert_upgraded(&pg_upgrade(&old, &new, options), &new, "pg_upgrade");
    new.configure(&[]);
    new.resume();
    kept.assert_in(&new, majors.0);
    go_on(&new);
    new
}

/// The releases of November 2026 (15.20 and its like) note the version of each column as an option, and pg_upgrade from one of
/// them to a release of before fails, whatever the tables: `unrecognized parameter "pg_attver"`. There, the columns become what
/// they were in the release before.
fn forget_column_versions(old: &Server, installation: &Installation) {
    let pg_dump = fs::read(installation.program("pg_dump")).expect("a program");
    let word = b"pg_attver";
    if pg_dump.windows(word.len()).any(|bytes| bytes == word) {
        return;
    }
    let forget = "
        UPDATE pg_attribute SET attoptions = nullif(ARRAY(
                   SELECT o FROM unnest(attoptions) AS o WHERE o NOT LIKE 'pg_attver=%'), '{}')
         WHERE attoptions::text LIKE '%pg_attver=%'";
    let columns = old.connect().execute(forget, &[]).expect("a superuser may");
    if columns > 0 {
        println!(
            "without the versions of {columns} columns, which the new PostgreSQL is too old for"
        );
    }
}

fn first(installation: &Installation) -> Server {
    let server = Server::bare(installation, &[]);
    server
        .connect()
        .batch_execute("CREATE EXTENSION tablenet")
        .expect("installs");
    create_models(&server);
    server
}

/// Which versions a server goes through: all that are tested, in a run with the newest of them; else the same one again.
fn journeys() -> Vec<Vec<Installation>> {
    let (tested, all) = (Installation::tested(), Installation::all());
    let newest = all.iter().map(Installation::major).max();
    if all.len() < 2 || newest != Some(tested.major()) {
        return vec![vec![tested.clone(), tested]];
    }
    let ends = vec![all[0].clone(), all[all.len() - 1].clone()];
    if all.len() == 2 {
        return vec![ends];
    }
    vec![all, ends]
}

#[test]
fn every_model_is_kept() {
    for journey in journeys() {
        for options in [COPY, LINK] {
            let mut server = first(&journey[0]);
            for installation in &journey[1..] {
                server = upgraded(server, installation, options);
            }
        }
    }
}

#[test]
fn a_new_server_without_the_library_is_refused() {
    let tested = Installation::tested();
    let mut old = first(&tested);
    let kept = Kept::of(&old);
    old.stop();
    let bare = WithoutLibrary::of(&tested, &old);
    let new = new_like(&old, &bare.installation);
    let refused = pg_upgrade(&old, &new, &["--check"]);
    let text = String::from_utf8_lossy(&refused.stdout);
    assert!(
        !refused.status.success()
            && text.contains("references loadable libraries that are missing"),
        "{text}"
    );
    // Nothing is lost by having asked.
    old.resume();
    kept.assert_in(&old, tested.major());
}

/// A PostgreSQL with hard links of another's files, but without our library.
struct WithoutLibrary {
    installation: Installation,
}

impl WithoutLibrary {
    /// Below the directory of `server`, with which it goes.
    fn of(installation: &Installation, server: &Server) -> WithoutLibrary {
        let parts = ["--bindir", "--pkglibdir", "--sharedir"]
            .map(|option| PathBuf::from(installation.answer(option)));
        let root = parts[0]
            .ancestors()
            .find(|root| parts.iter().all(|part| part.starts_with(root)));
        let root = root.expect("a common directory");
        let copy = server.data().with_file_name("bare");
        for part in &parts {
            link_all(part, &copy.join(part.strip_prefix(root).expect("below it")));
        }
        let inside = |part: &Path| copy.join(part.strip_prefix(root).expect("below it"));
        fs::remove_file(inside(&parts[1]).join("tablenet.so")).expect("it was there");
        WithoutLibrary {
            installation: Installation::of(inside(&parts[0]).join("pg_config")),
        }
    }
}

fn link_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            link_all(&entry.path(), &target);
        } else if !target.exists() {
            fs::hard_link(entry.path(), target).expect("links");
        }
    }
}
