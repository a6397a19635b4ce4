//! Tables and statements of trainings by `ml_train_agg`.

use crate::Connection;

/// Creates `table`: `rows` rows of an `id`, 28 numbers f1 .. f28 from 0 up to 1, and `y`, which follows from some.
pub fn create_wide(client: &mut Connection, table: &str, rows: u32) {
    let columns: Vec<String> = (1..=28).map(|i| format!("f{i} FLOAT")).collect();
    client.run(&format!(
        "CREATE TABLE {table} (id INT PRIMARY KEY, {}, y FLOAT)",
        columns.join(", ")
    ));
    let digits = "(SELECT 0 d UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6
                   UNION SELECT 7 UNION SELECT 8 UNION SELECT 9)";
    let features: Vec<String> = (1..=28)
        .map(|i| format!("CRC32(CONCAT(n, ' ', {i})) / 4294967296"))
        .collect();
    client.run(&format!(
        "INSERT INTO {table}
         SELECT n, {}, 0 FROM
           (SELECT 1 + a.d + 10 * b.d + 100 * c.d + 1000 * d.d + 10000 * e.d + 100000 * f.d AS n
              FROM {digits} a, {digits} b, {digits} c, {digits} d, {digits} e, {digits} f) AS numbers
          WHERE n <= {rows} ORDER BY n",
        features.join(", ")
    ));
    client.run(&format!("UPDATE {table} SET y = f1 + 2 * f2 - f3 * f4"));
}

/// `ml_train_agg` of the target and the 28 features of a wide table.
pub fn train_wide(spec: &str) -> String {
    format!("ml_train_agg('{spec}', y, {})", wide_features())
}

/// f1, f2, ..., f28
pub fn wide_features() -> String {
    let features: Vec<String> = (1..=28).map(|i| format!("f{i}")).collect();
    features.join(", ")
}

/// The digest of the model that `train` makes of `from`.
pub fn digest(client: &mut Connection, train: &str, from: &str) -> String {
    let query = format!("SELECT SHA2({train}, 256) FROM {from}");
    client.text(&query).expect("a model")
}
