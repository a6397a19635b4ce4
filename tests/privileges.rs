//! The matrix of privileges: every role, every function in its forms, every state of a model, and what comes of it.

#[path = "privileges/calls.rs"]
mod calls;
#[path = "privileges/closed.rs"]
mod closed;
#[path = "privileges/roles.rs"]
mod roles;
#[path = "privileges/views.rs"]
mod views;

use calls::{CALLS, Call, Kind, OPEN};
use postgres::error::DbError;
use postgres::{Client, Transaction};
use roles::{MODELS, ROLES, Right, Role};
use std::collections::{BTreeMap, BTreeSet};

/// The names that are tried: models as they are, of a version that is there and of one that is not, and no model at all.
const NAMES: [&str; 14] = [
    "granted",
    "granted@1",
    "granted@9",
    "undeployed",
    "undeployed@1",
    "foreign",
    "foreign@1",
    "foreign@9",
    "open",
    "open@9",
    "orphan",
    "orphan@9",
    "missing",
    "missing@9",
];

/// What has to come of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Done,
    /// 42704, and every word and field as if the model was missing.
    Unknown,
    /// 42704, about the version.
    NoVersion,
    /// 42501: too little.
    Denied,
    /// 42710: another's name.
    Taken,
    /// 55000.
    NotDeployed,
    /// 22023: no name of a model has an "@".
    NotAName,
}

use Outcome::{Denied, Done, NoVersion, NotAName, NotDeployed, Taken, Unknown};

/// The rules.
fn expected(call: &Call, role: &Role, name: &str) -> Outcome {
    let (model, version) = name
        .split_once('@')
        .map_or((name, None), |(m, v)| (m, Some(v)));
    let right = role.right(model);
    let there = MODELS.contains(&model);
    match call.kind {
        Kind::Make | Kind::GoOn if version.is_some() => NotAName,
        Kind::Make | Kind::GoOn if !there => Done,
        Kind::Make | Kind::GoOn if right == Right::Nothing => Taken,
        Kind::Name if version.is_some() => Unknown,
        _ if right == Right::Nothing => Unknown,
        _ if right < call.needs => Denied,
        Kind::Version | Kind::NameOrVersion if version == Some("9") => NoVersion,
        Kind::Version | Kind::GoOn if model == "undeployed" && version.is_none() => NotDeployed,
        _ => Done,
    }
}

/// Whether that came of it.
fn fits(expected: Outcome, name: &str, found: &Result<(), Box<DbError>>) -> bool {
    let model = name.split('@').next().unwrap_or(name);
    let Err(error) = found else {
        return expected == Done;
    };
    let says =
        |code: &str, message: String| error.code().code() == code && error.message() == message;
    match expected {
        Done => false,
        // The message itself is compared with that of a missing model.
        Unknown => error.code().code() == "42704",
        NoVersion => says("42704", format!("model \"{model}\" has no version 9")),
        Denied => says("42501", format!("permission denied for model \"{model}\"")),
        Taken => says("42710", format!("model \"{model}\" already exists")),
        NotDeployed => says(
            "55000",
            format!("no version of model \"{model}\" is deployed"),
        ),
        NotAName => error.code().code() == "22023",
    }
}

/// Everything that a client can read of an error, with `name` left out.
fn all_of(error: &DbError, name: &str) -> String {
    format!("{error:?}").replace(name.split('@').next().unwrap_or(name), "*")
}

/// Runs statements and takes back what they did. A savepoint that is only rolled back would stay, with a lock.
fn attempt(transaction: &mut Transaction<'_>, statements: &str) -> Result<(), Box<DbError>> {
    let outcome = transaction.batch_execute(&format!("SAVEPOINT before; {statements}"));
    take_back(transaction);
    outcome.map_err(|error| {
        let error = error.as_db_error();
        Box::new(
            error
                .unwrap_or_else(|| panic!("{statements}: no answer"))
                .clone(),
        )
    })
}

fn take_back(transaction: &mut Transaction<'_>) {
    let end = "ROLLBACK TO SAVEPOINT before; RELEASE SAVEPOINT before";
    transaction.batch_execute(end).expect("rolls back");
}

#[test]
fn every_role_gets_from_every_function_what_it_has_a_right_to() {
    let server = roles::server();
    let mut client = server.connect();
    let mut transaction = client.transaction().expect("begins");
    let (mut cells, mut wrong) = (BTreeMap::<String, u32>::new(), Vec::new());
    for role in &ROLES {
        for call in &CALLS {
            let missing = ["missing", "missing@9"].map(|name| {
                let outcome = attempt(&mut transaction, &role.says(&call.on(name)));
                outcome.err().map(|error| all_of(&error, name))
            });
            for name in NAMES {
                let expected = expected(call, role, name);
                let statement = role.says(&call.on(name));
                let found = attempt(&mut transaction, &statement);
                *cells.entry(format!("{expected:?}")).or_default() += 1;
                let alike = match (&found, expected) {
                    (Err(error), Unknown) => {
                        let of_a_version = usize::from(name.contains('@'));
                        Some(all_of(error, name).replace("@1", "@9")) == missing[of_a_version]
                    }
                    _ => true,
                };
                if !fits(expected, name, &found) || !alike {
                    wrong.push(format!(
                        "{}: {statement}\n  not {expected:?}: {}",
                        role.name,
                        found.map_or_else(|error| format!("{error:?}"), |()| "done".into())
                    ));
                }
            }
        }
        let version = attempt(&mut transaction, &role.says("SELECT ml_version()"));
        assert!(version.is_ok(), "{}: {version:?}", role.name);
    }
    println!("{} cells: {cells:?}", cells.values().sum::<u32>());
    assert!(
        wrong.is_empty(),
        "{} cells are wrong:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(20)].join("\n")
    );
    assert_eq!(cells.len(), 7, "outcomes of every kind");
}

#[test]
fn no_function_is_missing_from_the_matrix() {
    let server = server::Server::start();
    let known: BTreeSet<&str> = CALLS.iter().map(|call| call.function).chain(OPEN).collect();
    assert_eq!(
        functions(&mut server.connect()),
        known.into_iter().map(str::to_owned).collect()
    );
}

/// The functions of the extension, each with its first three arguments. One in SQL may no more than what it calls.
fn functions(client: &mut Client) -> BTreeSet<String> {
    let query = "SELECT p.proname || '(' || array_to_string((string_to_array(p.proargtypes::text, ' ')::oid[]::regtype[])[1:3], ',') || ')'
                   FROM pg_depend AS d JOIN pg_proc AS p ON p.oid = d.objid
                  WHERE d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
                    AND p.prolang <> (SELECT oid FROM pg_language WHERE lanname = 'sql')
                    AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'tablenet')";
    let rows = client.query(query, &[]).expect("a catalog query");
    rows.iter().map(|row| row.get(0)).collect()
}

/// What a query of one text column answers to a role.
fn texts(transaction: &mut Transaction<'_>, role: &Role, query: &str) -> Vec<String> {
    let messages = transaction.simple_query(&format!("SAVEPOINT before; {}", role.says(query)));
    let messages = messages.unwrap_or_else(|error| panic!("{}: {query}: {error:?}", role.name));
    take_back(transaction);
    let rows = messages.iter().filter_map(|message| match message {
        postgres::SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or_default().to_owned()),
        _ => None,
    });
    rows.collect()
}
