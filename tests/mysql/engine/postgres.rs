//! PostgreSQL: arguments by name where MySQL takes a spec.

use super::{Answer, Engine, Trained, literal, numbers, values};
use crate::connection::shortened;
use crate::table::Kind;
use crate::{Refusal, Table};
use ::server::Server;
use postgres::{Client, NoTls};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// A session of the superuser in a database of its own: tests that run side by side have the same names for tables.
pub struct PostgreSql {
    client: Client,
    _server: Arc<Server>,
}

impl PostgreSql {
    /// A session in a new database of the server that tests share.
    pub fn shared() -> PostgreSql {
        static DATABASES: AtomicU32 = AtomicU32::new(0);
        static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        let server = shared.upgrade().unwrap_or_else(|| {
            let server = Arc::new(Server::start());
            *shared = Arc::downgrade(&server);
            server
        });
        let database = format!("own_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        let mut own = server.config("postgres");
        let client = server
            .connect()
            .batch_execute(&format!("CREATE DATABASE {database}"))
            .and_then(|()| own.dbname(&database).connect(NoTls))
            .and_then(|mut client| {
                client.batch_execute("CREATE EXTENSION tablenet")?;
                Ok(client)
            });
        PostgreSql {
            client: client.unwrap_or_else(|error| panic!("{database}: {error}")),
            _server: server,
        }
    }

    /// The same for statements that only PostgreSQL knows.
    pub fn client(&mut self) -> &mut Client {
        &mut self.client
    }

    fn texts(&mut self, query: &str) -> Result<Vec<Option<String>>, Refusal> {
        let rows = self.client.query(query, &[]).map_err(refusal)?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// `function(model, features...)` for every row, with something around it.
    fn scored(
        &self,
        before: &str,
        function: &str,
        after: &str,
        model: &str,
        columns: &[&str],
        table: &str,
    ) -> String {
        format!(
            "SELECT {before}{function}({}, {}){after} FROM {} ORDER BY id",
            literal(model),
            self.list(columns),
            self.quoted(table)
        )
    }
}

impl Engine for PostgreSql {
    fn name(&self) -> &'static str {
        "postgresql"
    }

    fn run(&mut self, sql: &str) {
        let result = self.client.batch_execute(sql);
        result.unwrap_or_else(|error| panic!("{}: {}", shortened(sql), refusal(error)));
    }

    fn load(&mut self, table: &Table) {
        let mut script = String::new();
        let mut columns = Vec::new();
        for (index, (name, kind)) in table.columns.iter().enumerate() {
            let kind = match kind {
                Kind::Integer => "int".to_owned(),
                Kind::BigInteger => "bigint".to_owned(),
                Kind::Decimal => "numeric(20, 6)".to_owned(),
                Kind::Real => "real".to_owned(),
                Kind::Double => "float8".to_owned(),
                Kind::Text => "varchar(200)".to_owned(),
                Kind::Date => "date".to_owned(),
                Kind::Timestamp => "timestamp".to_owned(),
                Kind::Time => "time".to_owned(),
                Kind::Enum(labels) => {
                    let labels: Vec<String> = labels.iter().map(|label| literal(label)).collect();
                    let name = self.quoted(&format!("{}_{index}", table.name));
                    script += &format!("CREATE TYPE {name} AS ENUM ({});\n", labels.join(", "));
                    name
                }
            };
            columns.push(format!("{} {kind}", self.quoted(name)));
        }
        let name = self.quoted(table.name);
        script += &format!(
            "CREATE TABLE {name} (id int PRIMARY KEY, {});\n",
            columns.join(", ")
        );
        if !table.rows.is_empty() {
            script += &format!("INSERT INTO {name} VALUES {}", values(table));
        }
        self.run(&script);
    }

    fn quoted(&self, name: &str) -> String {
        format!("\"{}\"", name.replace('"', "\"\""))
    }

    fn train(
        &mut self,
        model: &str,
        query: &str,
        target: &str,
        spec: &str,
    ) -> Result<Trained, Refusal> {
        let target = match serde_json::from_str::<Vec<String>>(target) {
            Ok(names) => texts(&names),
            Err(_) => literal(target),
        };
        let spec: BTreeMap<String, serde_json::Value> =
            serde_json::from_str(spec).expect("an object");
        let mut statement = format!(
            "SELECT version, rows, epochs, loss, val_loss, metrics::text, deployed FROM ml_train({}, {}, {target}",
            literal(model),
            literal(query)
        );
        for (name, value) in &spec {
            let value = match value {
                serde_json::Value::String(text) => literal(text),
                serde_json::Value::Array(words)
                    if ["metrics", "exclude"].contains(&name.as_str()) =>
                {
                    let words: Vec<&str> = words.iter().filter_map(|word| word.as_str()).collect();
                    texts(&words)
                }
                serde_json::Value::Array(_) | serde_json::Value::Object(_) => {
                    literal(&value.to_string())
                }
                other => other.to_string(),
            };
            statement += &format!(", {name} => {value}");
        }
        let row = self
            .client
            .query_one(&(statement + ")"), &[])
            .map_err(refusal)?;
        Ok(Trained {
            version: row.get::<_, i32>(0).into(),
            rows: row.get(1),
            epochs: row.get::<_, i32>(2).into(),
            loss: row.get(3),
            val_loss: row.get(4),
            metrics: numbers(row.get(5)),
            deployed: row.get(6),
        })
    }

    fn predict(
        &mut self,
        model: &str,
        columns: &[&str],
        table: &str,
    ) -> Result<Vec<Option<f64>>, Refusal> {
        let query = self.scored("", "ml_predict", "", model, columns, table);
        let rows = self.client.query(&query, &[]).map_err(refusal)?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    fn describe(
        &mut self,
        answer: Answer,
        model: &str,
        columns: &[&str],
        table: &str,
    ) -> Result<Vec<Option<String>>, Refusal> {
        let (before, function, after) = match answer {
            Answer::Class => ("", "ml_predict_class", ""),
            Answer::Probabilities => ("(", "ml_predict_proba", ")::text"),
            Answer::Values => ("to_json(", "ml_predict_values", ")::text"),
        };
        let query = self.scored(before, function, after, model, columns, table);
        self.texts(&query)
    }

    fn evaluate(&mut self, model: &str, query: &str) -> Result<BTreeMap<String, f64>, Refusal> {
        let query = format!(
            "SELECT metric, value FROM ml_evaluate({}, {})",
            literal(model),
            literal(query)
        );
        let rows = self.client.query(&query, &[]).map_err(refusal)?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    fn drop_model(&mut self, model: &str) {
        self.run(&format!("SELECT ml_drop({})", literal(model)));
    }

    fn model(&mut self, model: &str) -> Vec<u8> {
        let query = "SELECT string_agg(c.bytes, ''::bytea ORDER BY c.chunk) FROM tablenet.stored_chunk c
                       JOIN tablenet.stored_model m ON m.model_id = c.model_id AND m.deployed = c.version
                      WHERE m.name = $1";
        let row = self.client.query_one(query, &[&model]);
        row.expect("a stored model").get(0)
    }

    fn fingerprint(&mut self, model: &str) -> String {
        let query = "SELECT encode(fingerprint, 'hex') FROM tablenet.versions WHERE model = $1 AND deployed";
        let row = self.client.query_one(query, &[&model]);
        row.expect("a stored model").get(0)
    }

    fn put(&mut self, model: &str, file: &[u8]) {
        // What only describes the model says nothing here: scoring reads the file alone.
        let statement = "WITH m AS (INSERT INTO tablenet.stored_model (name, owner, deployed, next_version)
                                    VALUES ($1, current_user::regrole, 1, 2) RETURNING model_id),
                              v AS (INSERT INTO tablenet.stored_version
                                    SELECT model_id, 1, '{}', '', '', '{}', 0, 0, 0, 0, 0, NULL, '{}', '[]', 0,
                                           octet_length($2::bytea), sha256($2::bytea), NULL, NULL, 0, now(), current_user::regrole, ''
                                      FROM m)
                         INSERT INTO tablenet.stored_chunk SELECT model_id, 1, 0, $2 FROM m";
        let result = self.client.execute(statement, &[&model, &file]);
        result.unwrap_or_else(|error| panic!("{}", refusal(error)));
    }
}

/// An array of texts.
fn texts(words: &[impl AsRef<str>]) -> String {
    let words: Vec<String> = words.iter().map(|word| literal(word.as_ref())).collect();
    format!("ARRAY[{}]::text[]", words.join(", "))
}

fn refusal(error: postgres::Error) -> Refusal {
    match error.as_db_error() {
        None => panic!("{error}"),
        Some(error) => {
            let parts = [Some(error.message()), error.detail(), error.hint()];
            let text: Vec<&str> = parts.into_iter().flatten().collect();
            Refusal {
                code: 0,
                state: error.code().code().to_owned(),
                message: text.join(" "),
            }
        }
    }
}
