//! A connection to MySQL or MariaDB through a socket, with an account that has no password: as much of the protocol as
//! the tests need. A whole client library is a hundred crates and 20 s of compiling.

mod packet;
mod prepared;

pub use prepared::Value;

use packet::{Packet, Wire};
use std::fmt;
use std::io;
use std::os::unix::net::UnixStream;
use std::path::Path;

/// What this side of the protocol can do: long passwords and flags, a database, 4.1's protocol, transactions, several
/// statements and results, and the plugin's name.
const ABILITIES: u32 =
    0x1 | 0x4 | 0x8 | 0x200 | 0x2000 | 0x8000 | 0x1_0000 | 0x2_0000 | 0x4_0000 | 0x8_0000;
/// `utf8mb4_general_ci`.
const CHARACTERS: u8 = 45;
/// The flag of a result that another one follows.
const MORE_RESULTS: u64 = 0x8;

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

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Refusal {
        Refusal {
            code: 0,
            state: String::new(),
            message: error.to_string(),
        }
    }
}

/// One row as the server writes it: text, or NULL.
pub type Row = Vec<Option<Vec<u8>>>;

/// One session.
pub struct Connection {
    wire: Wire,
    id: u32,
}

impl Connection {
    /// Opens a session of `user` in `database` ("" for none).
    ///
    /// # Errors
    /// Nobody listens at `socket`, or the server refuses the user.
    pub fn open(socket: &Path, user: &str, database: &str) -> Result<Connection, Refusal> {
        let mut wire = Wire::new(UnixStream::connect(socket)?);
        let mut greeting = check(wire.read()?)?;
        greeting.take(1);
        greeting.terminated();
        let id = u32::try_from(greeting.unsigned(4)).expect("4 bytes");
        greeting.take(8 + 1 + 2 + 1 + 2 + 2 + 1 + 10);
        // The rest of the scramble, which no empty password needs.
        greeting.terminated();
        let plugin = greeting.terminated();

        let mut answer = ABILITIES.to_le_bytes().to_vec();
        answer.extend_from_slice(&(1_u32 << 30).to_le_bytes());
        answer.push(CHARACTERS);
        answer.extend_from_slice(&[0; 23]);
        for text in [user.as_bytes(), b"", database.as_bytes(), &plugin] {
            // The second is the answer to the scramble: of length 0.
            answer.extend_from_slice(text);
            answer.push(0);
        }
        wire.write(&answer)?;
        loop {
            let mut packet = check(wire.read()?)?;
            match packet.first() {
                0 => return Ok(Connection { wire, id }),
                0xFE => {
                    packet.take(1);
                    // caching_sha2_password takes a zero for "no password", the older plugin an empty packet.
                    let zero = packet.terminated().starts_with(b"caching_sha2");
                    wire.write(if zero { &[0] } else { &[] })?;
                }
                other => panic!("a packet {other:#x} in place of a result of the login"),
            }
        }
    }

    /// The number of this session in the process list.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Runs statements; answers the rows of the last one that has any.
    ///
    /// # Errors
    /// The first statement that the server refuses.
    pub fn query(&mut self, sql: &str) -> Result<Vec<Row>, Refusal> {
        self.send(sql)?;
        self.receive()
    }

    /// Sends statements without waiting for an answer: [`Connection::receive`] has to follow, or the end.
    ///
    /// # Errors
    /// The connection is lost.
    pub fn send(&mut self, sql: &str) -> Result<(), Refusal> {
        self.command(3, sql.as_bytes())
    }

    /// Waits for the answer to what was sent.
    ///
    /// # Errors
    /// The first statement that the server refuses.
    pub fn receive(&mut self) -> Result<Vec<Row>, Refusal> {
        let mut last = Vec::new();
        loop {
            let mut head = check(self.wire.read()?)?;
            let (more, rows) = if head.first() == 0 {
                (more_results(&mut head), None)
            } else {
                let columns = usize::try_from(head.varying().expect("a number")).expect("few");
                self.skip_columns(columns)?;
                let read = |row: &mut Packet| (0..columns).map(|_| row.bytes()).collect();
                let (rows, more) = self.rows(read)?;
                (more, Some(rows))
            };
            if let Some(rows) = rows {
                last = rows;
            }
            if !more {
                return Ok(last);
            }
        }
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

    fn command(&mut self, command: u8, argument: &[u8]) -> Result<(), Refusal> {
        self.wire.restart();
        Ok(self.wire.write(&[&[command], argument].concat())?)
    }

    fn skip_columns(&mut self, columns: usize) -> Result<(), Refusal> {
        if columns > 0 {
            for _ in 0..=columns {
                check(self.wire.read()?)?;
            }
        }
        Ok(())
    }

    /// Rows up to their end, and whether another result follows.
    fn rows<R>(&mut self, read: impl Fn(&mut Packet) -> R) -> Result<(Vec<R>, bool), Refusal> {
        let mut rows = Vec::new();
        loop {
            let mut packet = check(self.wire.read()?)?;
            if packet.first() == 0xFE && packet.len() < 9 {
                packet.take(3);
                return Ok((rows, packet.unsigned(2) & MORE_RESULTS != 0));
            }
            rows.push(read(&mut packet));
        }
    }
}

/// The flag in a packet that says that a statement succeeded.
fn more_results(head: &mut Packet) -> bool {
    head.take(1);
    head.varying();
    head.varying();
    head.unsigned(2) & MORE_RESULTS != 0
}

/// Turns an error's packet into a refusal.
fn check(mut packet: Packet) -> Result<Packet, Refusal> {
    if packet.len() == 0 || packet.first() != 0xFF {
        return Ok(packet);
    }
    packet.take(1);
    let code = u16::try_from(packet.unsigned(2)).expect("2 bytes");
    let mut text = String::from_utf8_lossy(&packet.rest()).into_owned();
    let state = if text.starts_with('#') {
        let message = text.split_off(6);
        std::mem::replace(&mut text, message).split_off(1)
    } else {
        String::new()
    };
    Err(Refusal {
        code,
        state,
        message: text,
    })
}

/// The beginning of a statement, for a message.
fn shortened(sql: &str) -> &str {
    &sql[..sql.floor_char_boundary(300)]
}
