//! What a table's columns become: as the options say, learned on training rows alone, and the same whatever the session's settings.

use postgres::Client;
use server::Server;
use server::training::{create_houses, digest, number, refusal, run, text};

fn start(script: &str) -> (Server, Client) {
    let server = Server::start();
    let mut client = server.connect();
    run(&mut client, script);
    (server, client)
}

/// A table with a column of every kind, and NULL in all of them but the target.
const PEOPLE: &str = "
    SELECT setseed(0.5);
    CREATE TYPE mood AS ENUM ('sad', 'ok', 'very happy');
    CREATE TABLE people AS
    SELECT i AS id, nullif(20 + i % 60, 33)::int AS age, CASE WHEN i % 9 > 0 THEN exp(i % 10)::numeric END AS income,
           nullif(i % 5, 2) > 2 AS member, nullif((ARRAY['Berlin', 'Jena', 'Köln'])[1 + i % 3], 'Köln') AS city,
           (ARRAY['sad', 'ok', 'very happy'])[1 + i % 4]::mood AS mood, md5((i % 50)::text)::uuid AS device,
           date '2026-01-01' + i % 400 AS joined, timestamp '2026-01-01 08:30' + i * interval '7 hours' AS seen,
           timestamptz '2026-03-28 22:00+00' + i * interval '17 minutes' AS paid, time '00:00' + i * interval '11 minutes' AS wakes,
           i % 30 * interval '1 hour 30 min' AS stays, ARRAY[i % 7, i % 11, random()]::float8[] AS clicks,
           ARRAY[i % 3, 1]::float4[] AS pixels, (i % 60 + i % 7)::float8 AS spent
      FROM generate_series(1, 600) AS i;";

#[test]
fn every_type_trains_and_every_form_of_a_row_agrees() {
    let (_server, mut client) = start(PEOPLE);
    run(
        &mut client,
        "SELECT * FROM ml_train('m', 'TABLE people', 'spent', exclude => '{id}', epochs => 2);
         ALTER TABLE people ADD COLUMN doubled float8 GENERATED ALWAYS AS (2 * spent) STORED, ADD COLUMN gone int;
         ALTER TABLE people DROP COLUMN gone",
    );
    let columns =
        "age, income, member, city, mood, device, joined, seen, paid, wakes, stays, clicks, pixels";
    let forms = [
        "ml_predict('m', p)".to_owned(),
        format!("ml_predict('m', {columns})"),
        format!("ml_predict('m', ROW({columns}))"),
        "ml_predict('m', to_jsonb(p))".to_owned(),
        "ml_predict('m', to_json(p))".to_owned(),
        "(SELECT ml_predict('m', s) FROM (SELECT p.* OFFSET 0) AS s)".to_owned(),
    ];
    for form in &forms[1..] {
        let query = format!(
            "SELECT count(*)::float8 FROM people AS p WHERE {} IS DISTINCT FROM {form}",
            forms[0]
        );
        assert_eq!(number(&mut client, &query), 0.0, "{form}");
    }
    let spread = "SELECT count(DISTINCT ml_predict('m', p))::float8 FROM people AS p";
    assert!(number(&mut client, spread) > 500.0);
    let plan: Vec<String> = client
        .query(
            "EXPLAIN (VERBOSE, COSTS OFF) SELECT ml_predict('m', p) FROM people AS p",
            &[],
        )
        .expect("explains")
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert!(
        plan.join("\n").contains("mood, device, joined"),
        "the row is taken apart: {plan:?}"
    );
    // Literals without a type, as the columns' types read them.
    let literals = "SELECT ml_predict('m', '41', '2.5', 'yes', 'Jena', 'ok', '6f9619ff-8b86-d011-b42d-00c04fc964ff', '2026-05-31',
            '2026-05-31 12:30', '2026-05-31 12:30+02', '12:30', '1 day 02:00', '{1,2,0.5}', '[1,1]')
          - ml_predict('m', 41, 2.5, true, 'Jena', 'ok'::mood, '6F9619FF-8B86-D011-B42D-00C04FC964FF'::uuid, date '2026-05-31',
            timestamp '2026-05-31 12:30', timestamptz '2026-05-31 10:30+00', time '12:30', interval '26 hours', ARRAY[1, 2, 0.5], ARRAY[1, 1]::int2[])";
    assert_eq!(number(&mut client, literals), 0.0);
}

#[test]
fn time_zone_and_date_style_change_nothing() {
    let (server, mut client) = start(PEOPLE);
    let train = "SELECT * FROM ml_train('m', 'SELECT joined, seen, paid, wakes, stays, spent FROM people ORDER BY id', 'spent', epochs => 2)";
    let sum = "SELECT sum(round(ml_predict('m', p) * 1e9)::numeric)::text || sum(round(ml_predict('m', to_jsonb(p)) * 1e9)::numeric)
            || round(ml_predict('m', '2026-05-31', '2026-05-31 12:30', '2026-05-31 12:30', '12:30', '1 day') * 1e9)::numeric FROM people AS p";
    run(&mut client, train);
    let (bytes, before) = (digest(&mut client, "m"), text(&mut client, sum));
    for settings in [
        "SET timezone = 'Asia/Kathmandu'",
        "SET timezone = 'America/New_York'; SET datestyle = 'SQL, DMY'",
        "SET datestyle = 'German, YMD'; SET timezone = 'Europe/Berlin'; SET extra_float_digits = 0",
        "SET intervalstyle = 'iso_8601'",
    ] {
        let mut other = server.connect();
        run(&mut other, settings);
        assert_eq!(text(&mut other, sum), before, "{settings}");
        run(&mut other, train);
        assert_eq!(digest(&mut other, "m"), bytes, "{settings}");
    }
}

#[test]
fn what_the_network_sees_is_what_the_options_say() {
    let (_server, mut client) = start(
        "CREATE TABLE t AS SELECT i AS id, (i * i)::float8 AS x, (ARRAY['a', 'b', 'c'])[1 + i % 3] AS c,
                CASE WHEN i % 4 > 0 THEN i END AS gap, (i % 2)::float8 AS y FROM generate_series(1, 40) AS i",
    );
    let seen = |client: &mut Client, options: &str, query: &str| -> f64 {
        run(
            client,
            &format!(
                "SELECT * FROM ml_train('m', 'SELECT x, c, gap, y FROM t ORDER BY id', 'y', loss => 'mse', epochs => 1, validation_split => 0, preprocess => '{options}')"
            ),
        );
        number(client, query)
    };
    let off = |expected: &str, place: u32| {
        format!(
            "SELECT max(abs(inputs[{place}] - e))::float8 FROM ml_transform('m', 'SELECT * FROM t ORDER BY id') AS f,
                    LATERAL (SELECT {expected} AS e, t.* FROM t, (SELECT avg(x) AS mean, stddev_pop(x) AS std, min(x) AS low, max(x) AS high,
                     percentile_cont(0.5) WITHIN GROUP (ORDER BY x) AS median, percentile_cont(0.25) WITHIN GROUP (ORDER BY x) AS q25,
                     percentile_cont(0.75) WITHIN GROUP (ORDER BY x) AS q75 FROM t) AS s WHERE t.id = f.row) AS e"
        )
    };
    for (scale, expected) in [
        ("standard", "(x - mean) / std"),
        ("min_max", "(x - low) / (high - low)"),
        ("max_abs", "x / high"),
        ("robust", "(x - median) / (q75 - q25)"),
        ("none", "x"),
    ] {
        let options = format!(r#"{{"x": {{"scale": "{scale}"}}}}"#);
        let worst = seen(&mut client, &options, &off(expected, 1));
        assert!(worst < 1e-5, "{scale}: {worst}");
    }
    let one_hot = seen(
        &mut client,
        r#"{"c": {"encode": "one_hot"}}"#,
        &off("(c = 'b')::int", 3),
    );
    assert_eq!(one_hot, 0.0);
    let ordinal = seen(
        &mut client,
        r#"{"c": {"encode": {"ordinal": {"order": ["c", "a", "b"]}}, "scale": "none"}}"#,
        &off("array_position(ARRAY['c', 'a', 'b'], c) - 1", 2),
    );
    assert_eq!(ordinal, 0.0);
    let constant = seen(
        &mut client,
        r#"{"gap": {"impute": {"constant": -5}, "scale": "none", "indicator": false}}"#,
        &off("coalesce(gap, -5)", 5),
    );
    assert_eq!(constant, 0.0);
    run(
        &mut client,
        r#"SELECT * FROM ml_train('m', 'SELECT x, c, gap, y FROM t', 'y', loss => 'mse', epochs => 1, preprocess => '{"gap": {"impute": "error"}}', validation_split => 0) WHERE false"#,
    );
}

#[test]
fn what_was_learned_is_told_column_by_column() {
    let (_server, mut client) = start(PEOPLE);
    run(
        &mut client,
        "SELECT * FROM ml_train('m', 'TABLE people', 'spent', exclude => '{id}', epochs => 1, validation_split => 0)",
    );
    assert_eq!(
        text(
            &mut client,
            "SELECT string_agg(feature, ' ') FROM ml_feature_info('m') WHERE role = 'feature'"
        ),
        "age income member city mood device joined seen paid wakes stays clicks pixels"
    );
    assert_eq!(
        text(
            &mut client,
            "SELECT concat_ws(' ', type, min, max, round(mean::numeric, 6) = (SELECT round(avg(age), 6) FROM people), round(stddev::numeric, 6) = (SELECT round(stddev_pop(age), 6) FROM people), median = (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY age) FROM people), distinct_count, null_count = (SELECT count(*) FROM people WHERE age IS NULL), inputs[1]) FROM ml_feature_info('m') WHERE feature = 'age'"
        ),
        "number 20 79 t t t 59 t age"
    );
    // A category that the network has a vector for is one input, and as many numbers as the vector has.
    assert_eq!(
        text(
            &mut client,
            "SELECT concat_ws(' ', encoding LIKE 'embedding%', inputs) FROM ml_feature_info('m') WHERE feature = 'device'"
        ),
        "t {device}"
    );
    run(
        &mut client,
        "SELECT * FROM ml_train('m', 'TABLE people', 'spent', exclude => '{id,device}', epochs => 1, validation_split => 0)",
    );
    // As many inputs as the network sees.
    assert_eq!(
        number(
            &mut client,
            "SELECT (SELECT sum(cardinality(inputs)) FROM ml_feature_info('m') WHERE role <> 'target')::float8 - (SELECT min(cardinality(inputs)) FROM ml_transform('m', 'TABLE people'))"
        ),
        0.0
    );
    assert_eq!(
        number(
            &mut client,
            "SELECT count(*)::float8 FROM ml_transform('m', 'TABLE people')"
        ),
        600.0
    );
}

#[test]
fn drift_is_seen_where_it_is() {
    let (_server, mut client) = start(PEOPLE);
    run(
        &mut client,
        "SELECT * FROM ml_train('m', 'SELECT age, city, member, income, spent FROM people', 'spent', epochs => 1, validation_split => 0)",
    );
    let none = "SELECT max(greatest(psi, ks, abs(null_rate_now - null_rate_then)))::float8 FROM ml_drift('m', 'TABLE people')";
    assert!(
        number(&mut client, none) < 0.1,
        "{}",
        number(&mut client, none)
    );
    let moved = "SELECT string_agg(feature, ' ' ORDER BY feature) FROM ml_drift('m',
        $$SELECT age + 40 AS age, CASE WHEN id % 2 = 0 THEN 'Bonn' ELSE city END AS city, member, CASE WHEN id % 3 > 0 THEN income END AS income FROM people$$)
        WHERE psi > 0.2 OR ks > 0.2 OR unseen_share > 0.2 OR null_rate_now > null_rate_then + 0.2";
    assert_eq!(text(&mut client, moved), "age city income");
}

#[test]
fn validation_rows_teach_nothing() {
    let (_server, mut client) = start(PEOPLE);
    run(
        &mut client,
        "CREATE TABLE split AS SELECT age, city, income, spent, (ARRAY['train', 'Train', 'validation', 'test'])[1 + id % 4] AS part FROM people ORDER BY id",
    );
    let train =
        "SELECT * FROM ml_train('m', 'TABLE split', 'spent', epochs => 1, split_column => 'part')";
    let info = "SELECT md5(string_agg(f::text, ';')) FROM ml_feature_info('m') AS f";
    run(&mut client, train);
    let before = text(&mut client, info);
    let counts = "SELECT concat_ws(' ', rows, training_rows, validation_rows) FROM tablenet.models";
    assert_eq!(text(&mut client, counts), "450 300 150");
    run(
        &mut client,
        "UPDATE split SET age = 1000 + age, city = 'elsewhere', income = -1 WHERE part IN ('validation', 'test')",
    );
    run(&mut client, train);
    assert_eq!(text(&mut client, info), before);
    assert_eq!(
        number(
            &mut client,
            "SELECT count(*)::float8 FROM ml_feature_info('m') WHERE feature = 'part'"
        ),
        0.0
    );
    run(
        &mut client,
        "UPDATE split SET part = 'soon' WHERE age = 1050",
    );
    assert_eq!(refusal(&mut client, train), "22023");

    // The same rows from a query of their own.
    run(
        &mut client,
        "SELECT * FROM ml_train('m', 'SELECT spent, age, city FROM people WHERE id <= 300', 'spent', epochs => 1,
                validation_query => 'SELECT id, city, age, spent FROM people WHERE id > 500')",
    );
    assert_eq!(text(&mut client, counts), "400 300 100");
}

#[test]
fn weights_and_several_targets() {
    let (_server, mut client) = start(PEOPLE);
    create_houses(&mut client);
    for options in [
        "class_weight => 'balanced'",
        r#"class_weight => '{"true": 3, "false": 1}'"#,
        "sample_weight => 'id'",
    ] {
        run(
            &mut client,
            &format!(
                "SELECT * FROM ml_train('m', 'SELECT id, age, city, member FROM people', 'member', epochs => 1, {options})"
            ),
        );
    }
    assert_eq!(
        text(
            &mut client,
            "SELECT string_agg(feature, ' ') FROM ml_feature_info('m') WHERE role = 'feature'"
        ),
        "age city",
        "a weight is no feature"
    );
    run(
        &mut client,
        "SELECT * FROM ml_train('both', 'SELECT area, rooms, city, price, price / area AS per_metre FROM houses', ARRAY['price', 'per_metre'], epochs => 30)",
    );
    assert_eq!(
        text(
            &mut client,
            "SELECT target FROM tablenet.models WHERE model = 'both'"
        ),
        "price, per_metre"
    );
    let off = "SELECT avg(abs((ml_predict_values('both', h))[1] - price) / price)::float8 FROM houses AS h";
    assert!(number(&mut client, off) < 0.1);
    assert_eq!(
        refusal(&mut client, "SELECT ml_predict('both', h) FROM houses AS h"),
        "42809"
    );
    run(
        &mut client,
        "SELECT * FROM ml_train('vector', 'SELECT age, city, clicks FROM people', 'clicks', epochs => 2)",
    );
    assert_eq!(
        number(
            &mut client,
            "SELECT cardinality(ml_predict_values('vector', p))::float8 FROM people AS p LIMIT 1"
        ),
        3.0
    );
}

#[test]
fn what_makes_no_sense_is_refused() {
    let (_server, mut client) = start(PEOPLE);
    for (options, expected) in [
        (r#"preprocess => '{"agee": {"scale": "none"}}'"#, "42703"),
        (r#"preprocess => '{"age": {"scaling": "none"}}'"#, "22023"),
        (r#"preprocess => '{"age": {"scale": "standart"}}'"#, "22023"),
        (r#"preprocess => '{"age": {"encode": "one_hot"}}'"#, "22023"),
        (r#"preprocess => '{"age": '"#, "22023"),
        (r#"preprocess => '{"age": {"impute": "error"}}'"#, "22004"),
        ("sample_weight => 'nothing'", "42703"),
        ("sample_weight => 'city'", "42804"),
        ("split_column => 'mood'", "22023"),
        ("class_weight => 'balanced'", "22023"),
        ("validation_query => 'SELECT age FROM people'", "42703"),
        ("validation_query => 'DELETE FROM people'", "42P11"),
    ] {
        let statement =
            format!("SELECT ml_train('m', 'TABLE people', 'spent', epochs => 1, {options})");
        assert_eq!(refusal(&mut client, &statement), expected, "{statement}");
    }
    for (target, expected) in [
        ("'{}'", "22023"),
        ("ARRAY['spent', 'spent']", "22023"),
        ("ARRAY['spent', 'city']", "42804"),
        ("ARRAY['spent', 'nothing']", "42703"),
    ] {
        let statement =
            format!("SELECT ml_train('m', 'TABLE people', {target}::text[], epochs => 1)");
        assert_eq!(refusal(&mut client, &statement), expected, "{statement}");
    }
}
