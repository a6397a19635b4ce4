//! Days, moments and times of the day.

use mysql_server::Table;
use mysql_server::engine::Engine;
use mysql_server::table::{Kind, some};

mysql_server::on_every_engine!(the_month_is_seen_in_a_date, the_hour_is_seen_in_a_time);

/// Trains `name` on one column and `y`; answers the share of the variance that it explains.
fn explained(engine: &mut dyn Engine, table: &Table) -> f64 {
    engine.load(table);
    let trained = engine.train_on(
        table.name,
        table,
        "y",
        r#"{"epochs": 60, "batch_size": 16}"#,
    );
    trained.unwrap_or_else(|error| panic!("{error}"));
    let query = engine.select(&table.names(), table.name);
    engine
        .evaluate(table.name, &query)
        .unwrap_or_else(|error| panic!("{error}"))["r2"]
}

fn the_month_is_seen_in_a_date(engine: &mut dyn Engine) {
    for (name, kind, time) in [
        ("by_day", Kind::Date, ""),
        ("by_moment", Kind::Timestamp, " 12:30:00.5"),
    ] {
        let table = Table::new(
            name,
            &[("at", kind), ("y", Kind::Double)],
            400,
            |_, random| {
                let (year, month, day) = (
                    2000 + random.below(20),
                    1 + random.below(12),
                    1 + random.below(28),
                );
                let warm = if (5..=9).contains(&month) { 20 } else { 3 };
                vec![
                    some(format!("{year}-{month:02}-{day:02}{time}")),
                    some(warm),
                ]
            },
        );
        let r2 = explained(engine, &table);
        assert!(r2 > 0.7, "{name}: {r2}");
    }
}

fn the_hour_is_seen_in_a_time(engine: &mut dyn Engine) {
    let columns = [("at", Kind::Time), ("y", Kind::Double)];
    let table = Table::new("by_hour", &columns, 400, |_, random| {
        let (hour, minute) = (random.below(24), random.below(60));
        let busy = if (8..=16).contains(&hour) { 100 } else { 5 };
        vec![some(format!("{hour:02}:{minute:02}:00")), some(busy)]
    });
    let r2 = explained(engine, &table);
    assert!(r2 > 0.7, "{r2}");
}
