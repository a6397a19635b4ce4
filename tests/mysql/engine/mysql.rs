//! MySQL and MariaDB.

use super::{Answer, Engine, Trained, literal, numbers, values};
use crate::connection::Row;
use crate::table::Kind;
use crate::{Connection, Flavour, Refusal, Server, Table, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A session of root.
pub struct MySql {
    client: Connection,
    server: Arc<Server>,
    /// Models that came as files.
    files: BTreeSet<String>,
}

impl MySql {
    /// A session in the server that tests share.
    pub fn shared(flavour: Flavour) -> MySql {
        MySql::of(Server::shared(flavour))
    }

    /// A session of root in `server`.
    pub fn of(server: Arc<Server>) -> MySql {
        let client = server.connect();
        MySql::with(server, client)
    }

    /// The same with a session that is there.
    pub fn with(server: Arc<Server>, mut client: Connection) -> MySql {
        client.run("SET sql_mode = CONCAT(@@sql_mode, ',NO_BACKSLASH_ESCAPES')");
        MySql {
            client,
            server,
            files: BTreeSet::new(),
        }
    }

    /// The session, for statements that only these servers know.
    pub fn client(&mut self) -> &mut Connection {
        &mut self.client
    }

    /// The server of the session.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The reference of a model, as a subquery.
    pub fn reference(&self, model: &str) -> String {
        let (column, table) = if self.files.contains(model) {
            ("file", "model_files")
        } else {
            ("model", "tablenet.deployed")
        };
        format!(
            "(SELECT ml_ref({column}) FROM {table} WHERE name = {})",
            literal(model)
        )
    }

    fn scored(
        &mut self,
        function: &str,
        model: &str,
        columns: &[&str],
        table: &str,
    ) -> Result<Vec<Value>, Refusal> {
        let query = format!(
            "SELECT {function}({}, {}) FROM {} ORDER BY id",
            self.reference(model),
            self.list(columns),
            self.quoted(table)
        );
        let rows = self.client.prepared(&query, &[])?;
        Ok(rows.into_iter().map(|mut row| row.remove(0)).collect())
    }
}

impl Engine for MySql {
    fn name(&self) -> &'static str {
        self.server.flavour().name()
    }

    fn run(&mut self, sql: &str) {
        self.client.run(sql);
    }

    fn load(&mut self, table: &Table) {
        let columns = table.columns.iter().map(|(name, kind)| {
            let kind = match kind {
                Kind::Integer => "INT".to_owned(),
                Kind::BigInteger => "BIGINT".to_owned(),
                Kind::Decimal => "DECIMAL(20, 6)".to_owned(),
                Kind::Real => "FLOAT".to_owned(),
                Kind::Double => "DOUBLE".to_owned(),
                Kind::Text => "VARCHAR(200)".to_owned(),
                Kind::Date => "DATE".to_owned(),
                Kind::Timestamp => "DATETIME(6)".to_owned(),
                Kind::Time => "TIME(6)".to_owned(),
                Kind::Enum(labels) => {
                    let labels: Vec<String> = labels.iter().map(|label| literal(label)).collect();
                    format!("ENUM({})", labels.join(", "))
                }
            };
            format!("{} {kind}", self.quoted(name))
        });
        let columns: Vec<String> = columns.collect();
        let name = self.quoted(table.name);
        self.run(&format!(
            "CREATE TABLE {name} (id INT PRIMARY KEY, {}) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
            columns.join(", ")
        ));
        if !table.rows.is_empty() {
            self.run(&format!("INSERT INTO {name} VALUES {}", values(table)));
        }
    }

    fn quoted(&self, name: &str) -> String {
        format!("`{}`", name.replace('`', "``"))
    }

    fn train(
        &mut self,
        model: &str,
        query: &str,
        target: &str,
        spec: &str,
    ) -> Result<Trained, Refusal> {
        let arguments = [model, query, target, spec].map(literal).join(", ");
        let rows = self.client.query(&format!("CALL ml_train({arguments})"))?;
        let [row] = rows.as_slice() else {
            panic!("{} rows in place of one", rows.len());
        };
        assert_eq!(column(row, 0), model);
        Ok(Trained {
            version: number(row, 1),
            rows: number(row, 2),
            epochs: number(row, 3),
            loss: number(row, 4),
            val_loss: row[5].is_some().then(|| number(row, 5)),
            metrics: numbers(&column(row, 6)),
            deployed: number::<u8>(row, 8) == 1,
        })
    }

    fn predict(
        &mut self,
        model: &str,
        columns: &[&str],
        table: &str,
    ) -> Result<Vec<Option<f64>>, Refusal> {
        let answers = self.scored("ml_predict", model, columns, table)?;
        Ok(answers.iter().map(Value::double).collect())
    }

    fn describe(
        &mut self,
        answer: Answer,
        model: &str,
        columns: &[&str],
        table: &str,
    ) -> Result<Vec<Option<String>>, Refusal> {
        let function = match answer {
            Answer::Class => "ml_predict_class",
            Answer::Probabilities => "ml_predict_proba",
            Answer::Values => "ml_predict_values",
        };
        let answers = self.scored(function, model, columns, table)?;
        Ok(answers.iter().map(Value::string).collect())
    }

    fn evaluate(&mut self, model: &str, query: &str) -> Result<BTreeMap<String, f64>, Refusal> {
        let arguments = [model, query].map(literal).join(", ");
        let rows = self
            .client
            .query(&format!("CALL ml_evaluate({arguments})"))?;
        Ok(rows
            .iter()
            .map(|row| (column(row, 0), number(row, 1)))
            .collect())
    }

    fn drop_model(&mut self, model: &str) {
        if self.files.remove(model) {
            self.run(&format!(
                "DELETE FROM model_files WHERE name = {}",
                literal(model)
            ));
        } else {
            self.run(&format!("CALL ml_drop({})", literal(model)));
        }
    }

    fn model(&mut self, model: &str) -> Vec<u8> {
        let query = "SELECT model FROM tablenet.deployed WHERE name = ?";
        let rows = self.client.prepared(query, &[Value::text(model)]);
        match rows.expect("a stored model").first().map(Vec::as_slice) {
            Some([Value::Bytes(file)]) => file.clone(),
            other => panic!("{model}: {other:?}"),
        }
    }

    fn fingerprint(&mut self, model: &str) -> String {
        let query = "SELECT JSON_VALUE(ml_report(model), '$.fingerprint') FROM tablenet.deployed WHERE name = ?";
        let rows = self.client.prepared(query, &[Value::text(model)]);
        match rows.expect("a stored model").first().map(Vec::as_slice) {
            Some([Value::Bytes(text)]) => String::from_utf8_lossy(text).into_owned(),
            other => panic!("{model}: {other:?}"),
        }
    }

    fn put(&mut self, model: &str, file: &[u8]) {
        self.run("CREATE TABLE IF NOT EXISTS model_files (name VARCHAR(63) PRIMARY KEY, file LONGBLOB) COLLATE utf8mb4_bin");
        let statement = "INSERT INTO model_files VALUES (?, ?)";
        let values = [Value::text(model), Value::Bytes(file.to_vec())];
        let result = self.client.prepared(statement, &values);
        result.unwrap_or_else(|error| panic!("{error}"));
        self.files.insert(model.to_owned());
    }
}

fn column(row: &Row, index: usize) -> String {
    let value = row[index].as_deref();
    let value = value.unwrap_or_else(|| panic!("column {index} is NULL"));
    String::from_utf8_lossy(value).into_owned()
}

fn number<N: std::str::FromStr>(row: &Row, index: usize) -> N {
    let text = column(row, index);
    text.parse()
        .unwrap_or_else(|_| panic!("{text} is no such number"))
}
