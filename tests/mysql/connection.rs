//! A connection to MySQL or MariaDB through a socket, with an account that has no password.

mod value;

pub use value::Value;

use mysql::prelude::Queryable;
use mysql::{Conn, OptsBuilder, Params, Statement};
use std::fmt;
use std::path::Path;
use std::thread::JoinHandle;

/// What the server answered in place of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The number of the error; 0 when the connection was lost.
    pub code: u16,
    /// Its SQLSTATE.
    pub state: String,
    /// Its text.
    pub message: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        write!(
            out,
            "ERROR {} ({}): {}",
            self.code, self.state, self.message
        )
    }
}

impl From<mysql::Error> for Refusal {
    fn from(error: mysql::Error) -> Refusal {
        match error {
            mysql::Error::MySqlError(error) => Refusal {
                code: error.code,
                state: error.state,
                message: error.message,
            },
            other => Refusal {
                code: 0,
                state: String::new(),
                message: other.to_string(),
            },
        }
    }
}

/// One row as the server writes it: text, or NULL.
pub type Row = Vec<Option<Vec<u8>>>;

/// The rows of the last statement that has any, or the refusal of the first that has one.
type Answer = Result<Vec<Row>, Refusal>;

/// One session.
pub struct Connection {
    session: Session,
    id: u32,
}

enum Session {
    Idle(Box<Conn>),
    /// A thread waits for the answer to what was sent.
    Waiting(JoinHandle<(Box<Conn>, Answer)>),
    /// In between, and after a panic.
    Gone,
}

impl Connection {
    /// Opens a session of `user` in `database` ("" for none).
    ///
    /// # Errors
    /// Nobody listens at `socket`, or the server refuses the user.
    pub fn open(socket: &Path, user: &str, database: &str) -> Result<Connection, Refusal> {
        let database = (!database.is_empty()).then_some(database);
        let options = OptsBuilder::new()
            .socket(socket.to_str())
            .prefer_socket(false)
            .user(Some(user))
            .db_name(database);
        let session = Conn::new(options)?;
        let id = session.connection_id();
        let session = Session::Idle(Box::new(session));
        Ok(Connection { session, id })
    }

    /// The number of this session in the process list.
    pub fn id(&self) -> u32 {
        self.id
    }

    fn idle(&mut self) -> &mut Conn {
        match &mut self.session {
            Session::Idle(session) => session,
            _ => panic!("the session waits for an answer"),
        }
    }

    /// Runs statements; answers the rows of the last one that has any.
    ///
    /// # Errors
    /// The first statement that the server refuses.
    pub fn query(&mut self, sql: &str) -> Answer {
        rows(self.idle(), sql)
    }

    /// Sends statements without waiting for an answer: [`Connection::receive`] has to follow.
    pub fn send(&mut self, sql: &str) {
        let Session::Idle(mut session) = std::mem::replace(&mut self.session, Session::Gone) else {
            panic!("the session waits for an answer");
        };
        let sql = sql.to_owned();
        self.session = Session::Waiting(std::thread::spawn(move || {
            let answer = rows(&mut session, &sql);
            (session, answer)
        }));
    }

    /// Waits for the answer to what was sent.
    ///
    /// # Errors
    /// The first statement that the server refuses.
    pub fn receive(&mut self) -> Answer {
        let Session::Waiting(waits) = std::mem::replace(&mut self.session, Session::Gone) else {
            panic!("nothing was sent");
        };
        let (session, answer) = waits.join().expect("it only waits");
        self.session = Session::Idle(session);
        answer
    }

    /// Runs statements that have to succeed.
    pub fn run(&mut self, sql: &str) {
        self.rows_of(sql);
    }

    /// The rows of a query that has to succeed.
    pub fn rows_of(&mut self, sql: &str) -> Vec<Row> {
        let rows = self.query(sql);
        rows.unwrap_or_else(|error| panic!("{}: {error}", shortened(sql)))
    }

    /// The first value of the first row, as text.
    pub fn text(&mut self, sql: &str) -> Option<String> {
        let rows = self.rows_of(sql);
        let row = rows
            .first()
            .unwrap_or_else(|| panic!("{}: no row", shortened(sql)));
        let value = row.first().expect("a column").as_deref();
        value.map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    /// The first value of the first row, as a number.
    pub fn number(&mut self, sql: &str) -> f64 {
        let text = self.text(sql);
        let number = text.as_deref().and_then(|text| text.parse().ok());
        number.unwrap_or_else(|| panic!("{}: {text:?} is no number", shortened(sql)))
    }

    /// How a statement that has to fail is refused.
    pub fn refusal(&mut self, sql: &str) -> Refusal {
        match self.query(sql) {
            Ok(_) => panic!("{} did not fail", shortened(sql)),
            Err(refusal) => refusal,
        }
    }

    /// Prepares `sql`, runs it with `values` for its question marks, and forgets it. Doubles travel with all their bits.
    ///
    /// # Errors
    /// The server refuses it, at either step.
    pub fn prepared(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Vec<Value>>, Refusal> {
        let statement = self.prepare(sql)?;
        let result = self.execute(&statement, values);
        self.idle().close(statement)?;
        result
    }

    /// Prepares `sql`.
    ///
    /// # Errors
    /// The server refuses it.
    pub fn prepare(&mut self, sql: &str) -> Result<Statement, Refusal> {
        Ok(self.idle().prep(sql)?)
    }

    /// Runs a prepared statement with `values` for its question marks.
    ///
    /// # Errors
    /// The server refuses it.
    pub fn execute(
        &mut self,
        statement: &Statement,
        values: &[Value],
    ) -> Result<Vec<Vec<Value>>, Refusal> {
        let values = values.iter().map(mysql::Value::from).collect::<Vec<_>>();
        let parameters = if values.is_empty() {
            Params::Empty
        } else {
            Params::Positional(values)
        };
        let mut results = self.idle().exec_iter(statement, parameters)?;
        let mut last = Vec::new();
        while let Some(result) = results.iter() {
            let rows = result
                .map(|row| Ok(row?.unwrap().into_iter().map(Value::from).collect()))
                .collect::<Result<Vec<_>, mysql::Error>>()?;
            if !rows.is_empty() {
                last = rows;
            }
        }
        Ok(last)
    }
}

fn rows(session: &mut Conn, sql: &str) -> Answer {
    let mut results = session.query_iter(sql)?;
    let mut last = Vec::new();
    while let Some(result) = results.iter() {
        let has_columns = !result.columns().as_ref().is_empty();
        let rows = result
            .map(|row| Ok(row?.unwrap().into_iter().map(value::written).collect()))
            .collect::<Result<Vec<Row>, mysql::Error>>()?;
        if has_columns {
            last = rows;
        }
    }
    Ok(last)
}

/// The beginning of a statement, for a message.
pub fn shortened(sql: &str) -> &str {
    &sql[..sql.floor_char_boundary(300)]
}
