//! Features as SQL: from the arguments of the function to the array of the network's inputs.

use super::quote::{literal, number, numbers, reals, texts};
use crate::encoder::{
    Code, Encoding, Null, Number, Part, Place, Preprocessing, Scale, Vocabulary, position,
};
use crate::{ColumnType, Error, ErrorKind, Feature, Model, Result};

/// The type of an argument.
pub(super) fn argument_type(column_type: ColumnType) -> &'static str {
    match column_type {
        ColumnType::Number => "double precision",
        ColumnType::Boolean => "boolean",
        ColumnType::Category => "text",
        ColumnType::Date => "date",
        ColumnType::Timestamp => "timestamp without time zone",
        ColumnType::TimestampTz => "timestamp with time zone",
        ColumnType::Time => "time without time zone",
        ColumnType::Interval => "interval",
        ColumnType::Vector => "double precision[]",
    }
}

/// The inputs in the making.
pub(super) struct Inputs {
    /// Places of categories, and numbers that have an input, as columns p1, p2, .. of the subquery c.
    places: Vec<String>,
    /// What must hold for there to be an answer.
    conditions: Vec<String>,
    /// Arrays of inputs, side by side.
    arrays: Vec<String>,
    /// Inputs of an array that is not closed yet.
    open: Vec<String>,
}

impl Inputs {
    /// The inputs that `preprocessing` makes for `model`.
    pub(super) fn new(preprocessing: &Preprocessing, model: &Model) -> Result<Self> {
        let mut inputs = Self {
            places: Vec::new(),
            conditions: Vec::new(),
            arrays: Vec::new(),
            open: Vec::new(),
        };
        let mut tables = model.network.front.tables.iter();
        for (place, feature) in preprocessing.features.iter().enumerate() {
            let argument = format!("${}", place + 1);
            let table = feature.encoding.embedding().and_then(|_| tables.next());
            let table = table.map(|table| {
                let all = &model.weights()[table.offset..table.offset + table.parameters()];
                (all, table.dim)
            });
            inputs.feature(feature, &argument, table)?;
        }
        for difference in &preprocessing.differences {
            let end = |place: usize| {
                let column_type = preprocessing.features.get(place).map(|it| it.column_type);
                seconds(
                    &format!("${}", place + 1),
                    column_type.unwrap_or(ColumnType::Date),
                )
            };
            let value = format!("({} - {})", end(difference.to), end(difference.from));
            inputs.number(&value, &difference.number);
        }
        inputs.close();
        Ok(inputs)
    }

    /// The subqueries c and l0, of which the second has the inputs as x.
    pub(super) fn sql(&self) -> String {
        let places = self.places.iter().enumerate();
        let places: Vec<String> = places
            .map(|(i, it)| format!("{it} AS p{}", i + 1))
            .collect();
        let places = if places.is_empty() {
            "1".to_owned()
        } else {
            places.join(",\n               ")
        };
        let conditions = if self.conditions.is_empty() {
            String::new()
        } else {
            format!(
                "\n         WHERE {}",
                self.conditions.join("\n           AND ")
            )
        };
        format!(
            "(SELECT {places}\n         OFFSET 0) AS c\n  CROSS JOIN LATERAL (SELECT ({})::real[]::float8[] AS x{conditions} OFFSET 0) AS l0",
            self.arrays.join("\n        || "),
        )
    }

    fn close(&mut self) {
        if !self.open.is_empty() {
            self.arrays
                .push(format!("ARRAY[{}]::float8[]", self.open.join(", ")));
            self.open.clear();
        }
    }

    /// Keeps an expression for later, and answers what it is called; NULL is refused.
    fn place(&mut self, expression: String) -> String {
        self.places.push(expression);
        let name = format!("c.p{}", self.places.len());
        self.conditions.push(format!("{name} IS NOT NULL"));
        name
    }

    fn array(&mut self, array: String) {
        self.close();
        self.arrays.push(array);
    }

    fn missing(&mut self, is_there: bool, value: &str) {
        if is_there {
            self.open.push(format!("({value} IS NULL)::int"));
        }
    }

    fn number(&mut self, value: &str, number: &Number) {
        let filled = match number.null {
            Null::Value(null) => format!("COALESCE({value}, {})", self::number(null)),
            Null::Refused => value.to_owned(),
        };
        let place = self.place(within(&filled, number));
        self.open.push(scaled(&place, number));
        self.missing(number.missing, value);
    }

    fn feature(
        &mut self,
        feature: &Feature,
        argument: &str,
        table: Option<(&[f32], usize)>,
    ) -> Result<()> {
        let value = seconds(argument, feature.column_type);
        match &feature.encoding {
            Encoding::Number(number) => self.number(&value, number),
            Encoding::Boolean { null, missing } => {
                let filled = match null {
                    Null::Value(null) => format!("COALESCE({argument}, {null})::int"),
                    Null::Refused => {
                        self.conditions.push(format!("{argument} IS NOT NULL"));
                        format!("{argument}::int")
                    }
                };
                self.open.push(filled);
                self.missing(*missing, argument);
            }
            Encoding::OneHot(vocabulary) => {
                let width = vocabulary.width();
                let place = self.place(place_of(argument, vocabulary, |given| {
                    vocabulary.input(given)
                }));
                self.array(format!(
                    "(SELECT array_agg((i = {place} + 1)::int::float8 ORDER BY i) FROM generate_series(1, {width}) AS i)"
                ));
            }
            Encoding::Embedding { vocabulary, .. } => {
                let (table, dim) = table.unwrap_or_default();
                let place = self.place(place_of(argument, vocabulary, |given| {
                    vocabulary.vector(given)
                }));
                let all = reals(table.iter().copied());
                self.array(format!(
                    "({all})[{place} * {dim} + 1:{place} * {dim} + {dim}]::float8[]"
                ));
            }
            Encoding::Ordinal { order, number, .. } => {
                self.ordinal(feature, argument, order, number)
            }
            Encoding::Calendar { parts, epoch } => {
                for part in parts {
                    let share = share(*part, argument, feature)?;
                    for wave in ["sin", "cos"] {
                        self.open
                            .push(format!("COALESCE({wave}(2 * pi() * {share}), 0)"));
                    }
                }
                self.number(&value, epoch);
            }
            Encoding::Vector { elements, missing } => {
                self.vector(feature, argument, elements, *missing)?
            }
            Encoding::Hash { .. } => return Err(refused(feature, "its texts are hashed")),
        }
        Ok(())
    }

    fn ordinal(&mut self, feature: &Feature, argument: &str, order: &[String], number: &Number) {
        let encoding = &feature.encoding;
        let [unseen, null] = [Some(Code::Unseen), None].map(|given| position(encoding, given));
        let known =
            (0..order.len() as u32).map(|place| position(encoding, Some(Code::Category(place)))[0]);
        let found = format!("({})[{}]", reals(known), found(argument, order));
        let or_null = |input: f32| {
            if input.is_nan() {
                "NULL".to_owned()
            } else {
                self::number(input.into())
            }
        };
        let place = self.place(format!(
            "CASE WHEN {argument} IS NULL THEN {} ELSE COALESCE({found}, {}) END",
            or_null(null[0]),
            or_null(unseen[0])
        ));
        self.open.push(place);
        if number.missing {
            let unknown = if unseen[1] > 0.0 {
                format!(" OR {found} IS NULL")
            } else {
                String::new()
            };
            self.open
                .push(format!("({argument} IS NULL{unknown})::int"));
        }
    }

    fn vector(
        &mut self,
        feature: &Feature,
        argument: &str,
        elements: &[Number],
        missing: bool,
    ) -> Result<()> {
        let log = elements
            .iter()
            .filter(|it| it.scale == Scale::Log1p)
            .count();
        if log > 0 && log < elements.len() {
            return Err(refused(feature, "its elements are scaled in several ways"));
        }
        let nulls = elements.iter().map(|it| match it.null {
            Null::Value(value) => Some(value),
            Null::Refused => None,
        });
        let filled = match nulls.collect::<Option<Vec<f64>>>() {
            Some(nulls) => format!("COALESCE({argument}, {})", numbers(nulls.into_iter())),
            None => {
                self.conditions.push(format!("{argument} IS NOT NULL"));
                argument.to_owned()
            }
        };
        let of = |pick: fn(&Number) -> f64| numbers(elements.iter().map(pick));
        let mut told = vec![of(|it| it.center), of(|it| 1.0 / it.divisor)];
        let mut value = "t.v".to_owned();
        let mut names = "v, center, factor".to_owned();
        if elements.iter().any(|it| it.clip.is_some()) {
            told.push(of(|it| it.clip.map_or(f64::MIN, |clip| clip[0])));
            told.push(of(|it| it.clip.map_or(f64::MAX, |clip| clip[1])));
            names.push_str(", least, most");
            value = "least(greatest(t.v, t.least), t.most)".to_owned();
        }
        if log > 0 {
            value = logarithm(&value);
        }
        let told = told.join(", ");
        let (most, least) = (self::number(MOST), self::number(LEAST));
        self.conditions.push(format!(
            "({argument} IS NULL OR array_ndims({argument}) = 1 AND cardinality({argument}) = {} AND NOT EXISTS (\n             SELECT 1 FROM unnest({argument}, {told}) AS t ({names})\n              WHERE ({} AND abs({value} - t.center) <= {most} / t.factor) IS NOT TRUE))",
            elements.len(),
            finite("t.v"),
        ));
        // A factor beyond that would leave a bound that PostgreSQL refuses.
        self.array(format!(
            "(SELECT array_agg(CASE WHEN abs({value} - t.center) < {least} / least(t.factor, 1e250) THEN 0 ELSE ({value} - t.center) * t.factor END ORDER BY t.i)\n             FROM unnest({filled}, {told}) WITH ORDINALITY AS t ({names}, i))",
        ));
        self.missing(missing, argument);
        Ok(())
    }
}

/// The largest input, and what is next to none: PostgreSQL has no real beyond either.
const MOST: f64 = f32::MAX as f64;
const LEAST: f64 = 1e-45;

/// Whether a value is a number, which neither NaN nor an infinity is.
fn finite(value: &str) -> String {
    let most = number(f64::MAX);
    format!("{value} BETWEEN -{most} AND {most}")
}

/// A number before it is scaled, NULL where the model refuses it: where it is none, or its input would be infinite.
fn within(value: &str, number: &Number) -> String {
    let mut conditions = Vec::new();
    let mut taken = value.to_owned();
    if let Some([least, most]) = number.clip {
        conditions.push(finite(value));
        taken = format!(
            "least(greatest({taken}, {}), {})",
            self::number(least),
            self::number(most)
        );
    }
    if number.scale == Scale::Log1p {
        taken = logarithm(&taken);
    }
    let reach = MOST * number.divisor;
    conditions.push(format!(
        "{taken} BETWEEN {} AND {}",
        self::number((number.center - reach).max(f64::MIN)),
        self::number((number.center + reach).min(f64::MAX))
    ));
    format!("CASE WHEN {} THEN {taken} END", conditions.join(" AND "))
}

/// The input of such a number.
fn scaled(value: &str, number: &Number) -> String {
    let least = self::number((LEAST * number.divisor).max(f64::MIN_POSITIVE));
    let (away, input) = if number.center == 0.0 {
        (value.to_owned(), value.to_owned())
    } else {
        let away = format!("{value} - {}", self::number(number.center));
        (away.clone(), format!("({away})"))
    };
    let factor = if number.divisor == 1.0 {
        String::new()
    } else {
        format!(" * {}", self::number(1.0 / number.divisor))
    };
    format!("CASE WHEN abs({away}) < {least} THEN 0 ELSE {input}{factor} END")
}

/// `sign(v) ln(1 + |v|)`
fn logarithm(value: &str) -> String {
    format!("(sign({value}) * ln(1 + abs({value})))")
}

/// The number that a value is to the model: seconds, of what has a time.
fn seconds(argument: &str, column_type: ColumnType) -> String {
    let part = |part: &str| format!("date_part('{part}', {argument})");
    match column_type {
        ColumnType::Date => format!("date_part('epoch', {argument}::timestamp)"),
        ColumnType::TimestampTz => format!("date_part('epoch', {argument} AT TIME ZONE 'UTC')"),
        ColumnType::Timestamp | ColumnType::Time => part("epoch"),
        // A month has 30 days.
        ColumnType::Interval => format!(
            "((({} * 12 + {}) * 30 + {}) * 86400 + {} * 3600 + {} * 60 + {})",
            part("year"),
            part("month"),
            part("day"),
            part("hour"),
            part("minute"),
            part("second")
        ),
        _ => argument.to_owned(),
    }
}

/// The share of a part that has passed.
fn share(part: Part, argument: &str, feature: &Feature) -> Result<String> {
    let stamp = match feature.column_type {
        ColumnType::TimestampTz => format!("({argument} AT TIME ZONE 'UTC')"),
        ColumnType::Date => format!("{argument}::timestamp"),
        ColumnType::Time if part != Part::Hour => {
            return Err(refused(feature, "a time of day has no date"));
        }
        _ => argument.to_owned(),
    };
    Ok(match part {
        Part::Month => format!("((date_part('doy', {stamp}) - 1) / 365.25)"),
        Part::Day => format!("((date_part('day', {stamp}) - 1) / 31)"),
        Part::Weekday => format!("((date_part('isodow', {stamp}) - 1) / 7)"),
        Part::Hour => format!("(date_part('epoch', {stamp}::time) / 86400)"),
    })
}

/// Where a text is among others, from 1 on; NULL if it is not.
fn found(argument: &str, known: &[String]) -> String {
    format!("array_position({}, {argument} COLLATE \"C\")", texts(known))
}

/// The place of a category, from 0 on; -1 for none, NULL where it is refused.
fn place_of(
    argument: &str,
    vocabulary: &Vocabulary,
    place: impl Fn(Option<Code>) -> Place,
) -> String {
    let word = |place: Place| match place {
        Place::At(place) => place.to_string(),
        Place::Nowhere => "-1".to_owned(),
        Place::Refused => "NULL".to_owned(),
    };
    let first = match place(Some(Code::Category(0))) {
        Place::At(first) => i64::from(first),
        _ => 0,
    };
    let known = if vocabulary.categories.is_empty() {
        word(place(Some(Code::Unseen)))
    } else {
        format!(
            "COALESCE({} + {}, {})",
            found(argument, &vocabulary.categories),
            first - 1,
            word(place(Some(Code::Unseen)))
        )
    };
    format!(
        "CASE WHEN {argument} IS NULL THEN {} ELSE {known} END",
        word(place(None))
    )
}

fn refused(feature: &Feature, why: &str) -> Error {
    let message = format!(
        "column {} cannot be plain SQL: {why}",
        literal(&feature.name)
    );
    Error::new(ErrorKind::NotSupported, message)
        .hint("ml_export() writes the network; ml_transform() shows the inputs it takes.")
}
