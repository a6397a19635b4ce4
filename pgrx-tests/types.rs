#[pgrx::pg_schema]
mod tests {
    use pgrx::prelude::*;
    use tablenet_core::{Column, Result, Value, Vector};

    use crate::decoder::Decoder;
    use crate::fixed::connected;
    use crate::in_backend::outcome::outcome;
    use crate::query::Query;
    use crate::{error, read};

    /// Every value of every row of `query` as text, and its columns as the core sees them.
    fn read_rows(query: &str) -> Result<(Vec<Column>, Vec<String>)> {
        // SAFETY: as between two statements, so that what the test wrote is seen.
        unsafe {
            pg_sys::CommandCounterIncrement();
            pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot());
        }
        let result = connected(|| {
            let query = Query::prepare(query)?;
            let (columns, decoders): (_, Vec<Decoder>) = query.describe(|_| true)?;
            let mut seen = Vec::new();
            read::rows(&query, &decoders, &mut |row| {
                seen.extend(row.iter().map(|value| match value {
                    Value::Null => "null".to_string(),
                    Value::Number(number) => number.to_string(),
                    Value::Boolean(boolean) => boolean.to_string(),
                    Value::Text(text) => format!("'{text}'"),
                    Value::Vector(Vector::Single(elements)) => format!("single{elements:?}"),
                    Value::Vector(Vector::Double(elements)) => format!("double{elements:?}"),
                }));
                Ok(())
            })?;
            Ok((columns, seen))
        });
        // SAFETY: pushed above.
        unsafe { pg_sys::PopActiveSnapshot() };
        result
    }

    fn values(query: &str) -> String {
        match read_rows(query) {
            Ok((_, values)) => values.join(" "),
            Err(error) => error::raise(error),
        }
    }

    fn columns(query: &str) -> Vec<Column> {
        match read_rows(query) {
            Ok((columns, _)) => columns,
            Err(error) => error::raise(error),
        }
    }

    fn refusal(query: &str) -> String {
        match read_rows(query) {
            Ok(_) => panic!("{query} is read"),
            Err(error) => format!("{:?} {error}", error.kind()),
        }
    }

    /// PostgreSQL's own count of seconds, to compare ours with.
    fn same(ours: &str, theirs: &str, from: &str) {
        let query = format!("SELECT {ours} AS o, ({theirs})::float8 AS t FROM {from}");
        let (_, values) = read_rows(&query).unwrap_or_else(|error| error::raise(error));
        assert!(values.len() > 100, "{ours}");
        for pair in values.chunks(2) {
            assert_eq!(pair[0], pair[1], "{ours}");
        }
    }

    #[pg_test]
    fn dates_and_times_are_seconds() {
        assert_eq!(
            values("SELECT '1970-01-01'::date, '2026-05-31'::date, '1969-12-31'::date, NULL::date"),
            "0 1780185600 -86400 null"
        );
        assert_eq!(
            values(
                "SELECT '2000-01-01 00:00:00.000001'::timestamp, '1970-01-01 01:00+01'::timestamptz, '24:00'::time, '12:30:00.5'::time"
            ),
            "946684800.000001 0 86400 45000.5"
        );
        // A time with a zone at UTC, which may be the day before or after.
        assert_eq!(
            values("SELECT '01:00+02'::timetz, '23:00-02'::timetz, '12:00+00'::timetz"),
            "82800 3600 43200"
        );
        assert_eq!(
            values(
                "SELECT '1 day'::interval, '1 month -1 day 00:00:01.5'::interval, '-2 years'::interval, '178000000 years'::interval"
            ),
            "86400 2505601.5 -62208000 5536512000000000"
        );
        assert_eq!(
            values(
                "SELECT 'infinity'::date, '-infinity'::timestamp, 'infinity'::timestamptz, '4713-01-01 BC'::date, '5874897-12-31'::date"
            ),
            "inf -inf inf -210863520000 185331706992000"
        );
        let many = "(SELECT timestamp '1700-01-01' + random() * 500 * interval '1 year' AS t FROM generate_series(1, 500)) AS s";
        same("t", "extract(epoch FROM t)", many);
        same(
            "t AT TIME ZONE 'Asia/Kathmandu'",
            "extract(epoch FROM t AT TIME ZONE 'Asia/Kathmandu')",
            many,
        );
        same("t::date", "extract(epoch FROM t::date)", many);
        same("t::time", "extract(epoch FROM t::time)", many);
    }

    #[pg_test]
    fn the_time_zone_of_the_session_changes_nothing() {
        Spi::run("CREATE TABLE moments AS SELECT d::timestamptz AS moment, d::timestamp AS local, d::date AS day, d::timetz AS clock FROM (VALUES ('2026-03-29 01:30:00.25+00'::timestamptz), ('1980-07-01 23:00+00')) AS v(d)").expect("made");
        let before = values("TABLE moments");
        for settings in [
            "SET LOCAL timezone = 'Asia/Kathmandu'",
            "SET LOCAL timezone = 'America/New_York'; SET LOCAL datestyle = 'SQL, DMY'",
            "SET LOCAL datestyle = 'German'; SET LOCAL intervalstyle = 'sql_standard'",
        ] {
            Spi::run(settings).expect("set");
            assert_eq!(values("TABLE moments"), before, "{settings}");
        }
    }

    #[pg_test]
    fn arrays_of_numbers_are_vectors() {
        assert_eq!(
            values(
                "SELECT '{1,-2}'::int2[], '{1,-2}'::int4[], '{9007199254740993,-2}'::int8[], '{0.5,1e-3}'::float4[], '{0.1,-1e300}'::float8[], '{1.5,-2,12345.6789}'::numeric[]"
            ),
            "single[1.0, -2.0] double[1.0, -2.0] double[9007199254740992.0, -2.0] single[0.5, 0.001] double[0.1, -1e300] double[1.5, -2.0, 12345.6789]"
        );
        assert_eq!(
            values("SELECT '[5:6]={1,2}'::float8[], NULL::float8[], '{NaN,Infinity}'::float4[]"),
            "double[1.0, 2.0] null single[NaN, inf]"
        );
        // Stored short, packed and out of line, and with a place for NULL but none in it.
        Spi::run("CREATE DOMAIN ratio AS float8; CREATE DOMAIN pair AS float4[]; CREATE TABLE arrays AS SELECT '{1,2}'::float8[] AS short, array_fill(0.5::float8, '{5000}') AS long, (SELECT array_agg(i::float4) FROM generate_series(1, 40000) AS i) AS far, (ARRAY[NULL, 1, 2]::float8[])[2:3] AS sliced, '{1,2}'::ratio[] AS ratios, '{3,4}'::pair AS pair").expect("made");
        assert_eq!(
            values(
                "SELECT short, sliced, ratios, pair, far[40000:40000], long[4999:5000] FROM arrays"
            ),
            "double[1.0, 2.0] double[1.0, 2.0] double[1.0, 2.0] single[3.0, 4.0] single[40000.0] double[0.5, 0.5]"
        );
        let whole = values("SELECT far FROM arrays");
        assert!(whole.starts_with("single[1.0, 2.0, ") && whole.ends_with(", 40000.0]"));
        assert!(values("SELECT long FROM arrays").matches("0.5").count() == 5000);
    }

    #[pg_test]
    fn arrays_that_are_no_vector_are_refused_by_name() {
        assert_eq!(
            refusal("SELECT '{1,NULL}'::float8[] AS pixels"),
            "NullNotAllowed column \"pixels\" has an array with a null element"
        );
        assert_eq!(
            refusal("SELECT '{{1,2},{3,4}}'::int[] AS pixels"),
            "NotSupported column \"pixels\" has an array of 2 dimensions"
        );
        assert_eq!(
            refusal("SELECT '{}'::numeric[] AS pixels"),
            "FeatureCount column \"pixels\" has an empty array"
        );
    }

    #[pg_test]
    fn values_with_labels_are_text() {
        assert_eq!(
            values(
                "SELECT '6F9619FF-8B86-D011-B42D-00C04FC964FF'::uuid, 'x'::\"char\", ''::\"char\", 'pg_class'::name, 'a  '::char(9), NULL::uuid"
            ),
            "'6f9619ff-8b86-d011-b42d-00c04fc964ff' 'x' '' 'pg_class' 'a' null"
        );
        Spi::run("CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE DOMAIN temper AS mood; CREATE DOMAIN born AS date CHECK (VALUE < '2100-01-01'); CREATE DOMAIN birthday AS born").expect("made");
        assert_eq!(
            values("SELECT 'ok'::temper, '1970-01-02'::birthday"),
            "'ok' 86400"
        );
        assert_eq!(
            columns("SELECT 'ok'::temper AS t")[0].labels,
            Some(vec!["sad".into(), "ok".into()])
        );
    }

    #[pg_test]
    fn columns_say_what_they_hold() {
        let described = columns(
            "SELECT 1::int2, 1, 1.5::float4, '{1}'::int2[], '{1}'::int4[], now(), '1 day'::interval, '{0.5}'::float4[]",
        );
        let words = described
            .iter()
            .map(|column| {
                format!(
                    "{:?}{}{}",
                    column.column_type,
                    if column.integer { " integer" } else { "" },
                    if column.single_precision {
                        " single"
                    } else {
                        ""
                    }
                )
            })
            .collect::<Vec<_>>();
        assert_eq!(
            words.join(", "),
            "Number integer single, Number integer, Number single, Vector single, Vector, TimestampTz, Interval, Vector single"
        );
    }

    /// pgvector is not there: a type of its name, its layout (that of a bytea) and its extension.
    #[pg_test]
    fn vectors_of_pgvector_are_read_where_they_lie() {
        Spi::run(
            "CREATE TYPE vector;
             CREATE FUNCTION vector_in(cstring, oid, int) RETURNS vector LANGUAGE internal STRICT IMMUTABLE AS 'byteain';
             CREATE FUNCTION vector_out(vector) RETURNS cstring LANGUAGE internal STRICT IMMUTABLE AS 'byteaout';
             CREATE FUNCTION vector_typmod_in(cstring[]) RETURNS int LANGUAGE internal STRICT IMMUTABLE AS 'timetypmodin';
             CREATE TYPE vector (INPUT = vector_in, OUTPUT = vector_out, TYPMOD_IN = vector_typmod_in, STORAGE = external);
             CREATE TABLE items (id int, v vector(3));
             INSERT INTO items VALUES (1, '\\x030000000000803f000000400000c0bf'), (2, NULL);",
        )
        .expect("made");
        // Anybody may have a type of this name.
        assert!(
            refusal("SELECT v FROM items")
                .starts_with("NotSupported cannot use column \"v\" of type vector")
        );
        Spi::run(
            "INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion) VALUES (99999, 'vector', 10, 2200, false, '0');
             INSERT INTO pg_depend (classid, objid, objsubid, refclassid, refobjid, refobjsubid, deptype) VALUES ('pg_type'::regclass, 'vector'::regtype, 0, 'pg_extension'::regclass, 99999, 0, 'e')",
        )
        .expect("made");
        if cfg!(target_endian = "little") {
            assert_eq!(
                values("SELECT v FROM items ORDER BY id"),
                "single[1.0, 2.0, -1.5] null"
            );
        }
        let [column] = &columns("SELECT v FROM items")[..] else {
            panic!("one column")
        };
        assert_eq!((column.length, column.single_precision), (Some(3), true));
        assert_eq!(
            refusal("SELECT '\\x0200'::vector AS v"),
            "Damaged column \"v\" has a damaged array"
        );
    }

    #[pg_test]
    fn other_types_are_refused_with_what_to_do() {
        for (value, type_name, hint) in [
            (
                "'{}'::json",
                "json",
                "Take out what matters, as in (x->>'price')::float8;",
            ),
            (
                "'{}'::jsonb",
                "jsonb",
                "Take out what matters, as in (x->>'price')::float8;",
            ),
            (
                "'\\x00'::bytea",
                "bytea",
                "Take out what matters, as in get_byte(x, 0) or length(x);",
            ),
            // Without a value: there are servers that were built without XML.
            ("NULL::xml", "xml", "Take out what matters, as in (xpath("),
            ("1::money", "money", "Cast it: x::numeric;"),
            ("b'1'", "bit", "Cast it: x::int or x::text;"),
            ("'{a}'::text[]", "text[]", "An array must have numbers:"),
            (
                "'[1,2]'::int4range",
                "int4range",
                "Take its bounds: lower(x) and upper(x);",
            ),
            ("ROW(1, 2)", "record", "Cast it to one of these:"),
            ("'127.0.0.1'::inet", "inet", "Cast it to text, or take out"),
            (
                "'(1,2)'::point",
                "point",
                "Take its coordinates: x[0] and x[1];",
            ),
            (
                "'a'::tsvector",
                "tsvector",
                "Use the text that it was made of, or length(x);",
            ),
            ("1::oid", "oid", "Cast it: x::bigint"),
            (
                "'pg_class'::regclass",
                "regclass",
                "Cast it to one of these:",
            ),
        ] {
            let query = format!("SELECT {value} AS x, 1 AS y");
            let error = match read_rows(&query) {
                Ok(_) => panic!("{query} is read"),
                Err(error) => error,
            };
            assert_eq!(
                error.to_string(),
                format!("cannot use column \"x\" of type {type_name}")
            );
            let found = error.hint_text().unwrap_or_default();
            assert!(found.starts_with(hint), "{found}");
            let trained = format!("SELECT ml_train('m', $q${query}$q$, 'y')");
            assert!(outcome(&trained).starts_with("0A000 cannot use column \"x\""));
        }
    }
}
