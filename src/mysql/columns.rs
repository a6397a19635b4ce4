//! What the arguments of an aggregate are as columns: names, roles and types, from the call and from its spec.

use crate::arguments::{ArgumentType, Declared};
use crate::batch::Packing;
use crate::error::invalid;
use std::collections::HashSet;
use tablenet_core::{Column, ColumnType, Error, ErrorKind, Result, Spec};

/// An argument as init saw it, before it was asked to be another type.
#[derive(Debug, Clone)]
pub struct Given {
    name: Option<String>,
    kind: ArgumentType,
}

impl Given {
    /// The arguments behind the first one, which are asked for as reals and UTF-8.
    pub fn read(arguments: &mut Declared<'_>) -> Result<Vec<Self>> {
        (1..arguments.len())
            .map(|index| {
                let kind = arguments.type_of(index);
                if kind == ArgumentType::Row {
                    let message = format!("argument {} is a row", index + 1);
                    return Err(invalid(message).hint("Hand its values over one by one."));
                }
                arguments.as_real(index);
                arguments.as_utf8(index);
                let name = arguments.name(index).map(str::to_owned);
                Ok(Self { name, kind })
            })
            .collect()
    }

    fn is_text(&self) -> bool {
        self.kind == ArgumentType::Text
    }
}

/// How the values of a column are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Not at all: it is excluded.
    Nothing,
    /// A number.
    Number,
    /// A number that is 0 or 1.
    Flag,
    /// A text. What looks like another type is refused where the spec does not say that it is a text.
    Text {
        /// Whether the spec or its labels say so.
        declared: bool,
    },
    /// A text that is written as a value of this type.
    Written(ColumnType),
    /// A text that is written as numbers in brackets.
    Vector,
}

impl Form {
    /// How it travels.
    pub fn packing(self) -> Packing {
        match self {
            Self::Nothing => Packing::Nothing,
            Self::Number | Self::Flag => Packing::Number,
            Self::Text { .. } | Self::Written(_) | Self::Vector => Packing::Text,
        }
    }
}

/// The columns of a call: the target first, then the features in their order.
#[derive(Debug, Clone)]
pub struct Columns {
    /// As the core wants them described.
    pub columns: Vec<Column>,
    /// How to read each.
    pub forms: Vec<Form>,
    /// How each travels.
    pub packings: Vec<Packing>,
    /// The columns to predict.
    pub targets: Vec<String>,
    /// Whether the names of the features are made up.
    pub unnamed: bool,
}

impl Columns {
    /// The columns `given` as `spec` has them.
    ///
    /// # Errors
    /// `InvalidParameter` and `DuplicateColumn` for names, `UnknownColumn` for types and labels of other columns,
    /// `TypeMismatch` for a type that the values of an argument do not have.
    pub fn new(given: &[Given], spec: &Spec) -> Result<Self> {
        let (names, unnamed) = names(given, spec)?;
        let all: Vec<&str> = names.iter().map(String::as_str).collect();
        spec.check_columns(&all)?;
        let targets = match &spec.target {
            Some(targets) => targets.clone(),
            None => names.first().into_iter().cloned().collect(),
        };
        let mut columns = Vec::new();
        let mut forms = Vec::new();
        for (name, argument) in names.iter().zip(given) {
            let (column, form) = column(name, argument, spec, &targets)?;
            columns.push(column);
            forms.push(form);
        }
        Ok(Self {
            packings: forms.iter().map(|form| form.packing()).collect(),
            columns,
            forms,
            targets,
            unnamed,
        })
    }

    /// The name of a column.
    pub fn name(&self, index: usize) -> &str {
        self.columns
            .get(index)
            .map_or("?", |column| column.name.as_str())
    }
}

/// The names of all arguments, and whether those of the features are made up.
fn names(given: &[Given], spec: &Spec) -> Result<(Vec<String>, bool)> {
    let features = given.get(1..).unwrap_or_default();
    let attributes: Option<Vec<String>> = features.iter().map(|it| it.name.clone()).collect();
    let (features, unnamed) = match (&spec.features, attributes) {
        (Some(named), _) if named.len() != features.len() => {
            let message = format!(
                "the length of features in the spec is {}, but the call has {} features",
                named.len(),
                features.len()
            );
            return Err(Error::new(ErrorKind::FeatureCount, message)
                .hint("Name every argument behind the target, in their order."));
        }
        (Some(named), _) => (named.clone(), false),
        (None, Some(attributes)) => (attributes, false),
        (None, None) => (
            (1..=features.len())
                .map(|number| format!("f{number}"))
                .collect(),
            true,
        ),
    };
    let own = given.first().and_then(|target| target.name.as_ref());
    let target = match spec.target.as_deref() {
        Some([first, ..]) => first.clone(),
        _ => own
            .filter(|own| !unnamed || !features.contains(own))
            .map_or_else(|| "target".to_owned(), String::clone),
    };
    let mut names = vec![target];
    names.extend(features);
    // The servers' own names do not differ by case alone: what was written `y` and `Y` is one column.
    let key = |name: &String| match spec.features {
        Some(_) => name.clone(),
        None => name.to_lowercase(),
    };
    let mut seen = HashSet::new();
    if let Some(twice) = names.iter().find(|name| !seen.insert(key(name))) {
        let message = format!("two columns are named \"{twice}\"");
        return Err(Error::new(ErrorKind::DuplicateColumn, message)
            .hint("Give each argument its own name with AS, or name them all in the spec: \"features\": [...]."));
    }
    Ok((names, unnamed))
}

/// One column, and how it is read.
fn column(name: &str, argument: &Given, spec: &Spec, targets: &[String]) -> Result<(Column, Form)> {
    let options = &spec.options;
    let is = |it: &Option<String>| it.as_deref() == Some(name);
    let labels = spec.labels.get(name).cloned();
    let declared = spec.types.get(name);
    let excluded = options.exclude.iter().any(|it| it == name)
        && !targets.iter().any(|it| it == name)
        && !is(&options.sample_weight)
        && !is(&options.split_column);
    let mismatch = |is: &str, hint: String| {
        let message = format!("column \"{name}\" is {is}");
        Err(Error::new(ErrorKind::TypeMismatch, message).hint(hint))
    };
    let wanted = declared.map(|declared| declared.column_type);
    let (column_type, form) = match (wanted, argument.is_text()) {
        _ if excluded => (ColumnType::Category, Form::Nothing),
        (None, false) if labels.is_some() => {
            let hint = format!("Hand the text over: CAST(`{name}` AS CHAR).");
            return mismatch("a number, but the spec has labels for it", hint);
        }
        // The servers have no booleans.
        (None, false) if is(&options.split_column) => (ColumnType::Boolean, Form::Flag),
        (None, false) => (ColumnType::Number, Form::Number),
        (None, true) => {
            let declared = labels.is_some();
            (ColumnType::Category, Form::Text { declared })
        }
        (Some(ColumnType::Number), true) => {
            let hint = format!("Hand over a number: CAST(`{name}` AS DOUBLE).");
            return mismatch("text, but a number in the spec's types", hint);
        }
        (Some(ColumnType::Number), false) => (ColumnType::Number, Form::Number),
        (Some(ColumnType::Boolean), false) => (ColumnType::Boolean, Form::Flag),
        (Some(ColumnType::Category), true) => (ColumnType::Category, Form::Text { declared: true }),
        (Some(ColumnType::Vector), true) => (ColumnType::Vector, Form::Vector),
        (Some(other), true) => (other, Form::Written(other)),
        (Some(other), false) => {
            let is = format!("a number, but {} in the spec's types", other.words());
            return mismatch(
                &is,
                format!("Hand the text over: CAST(`{name}` AS CHAR), or leave its type out."),
            );
        }
    };
    let column = Column {
        name: name.to_owned(),
        column_type,
        integer: column_type == ColumnType::Number && argument.kind == ArgumentType::Integer,
        single_precision: declared.is_some_and(|declared| declared.single_precision),
        labels: labels.filter(|_| !excluded),
        length: None,
    };
    Ok((column, form))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(arguments: &[(&str, ArgumentType)]) -> Vec<Given> {
        arguments
            .iter()
            .map(|(name, kind)| Given {
                name: (!name.is_empty()).then(|| (*name).to_owned()),
                kind: *kind,
            })
            .collect()
    }

    fn columns(arguments: &[(&str, ArgumentType)], spec: &str) -> Result<Columns> {
        Columns::new(&given(arguments), &Spec::parse(spec, 64 << 20)?)
    }

    fn refused(arguments: &[(&str, ArgumentType)], spec: &str) -> String {
        let error = columns(arguments, spec).expect_err("refused");
        format!("{error} / {}", error.hint_text().unwrap_or_default())
    }

    use ArgumentType::{Decimal, Integer, Real, Text};

    #[test]
    fn names_come_from_the_spec_else_from_the_call_else_are_made_up() -> Result<()> {
        let call = [("price", Real), ("area", Integer), ("city", Text)];
        let names = |columns: &Columns| -> Vec<String> {
            columns.columns.iter().map(|it| it.name.clone()).collect()
        };
        let plain = columns(&call, "")?;
        assert_eq!(names(&plain), ["price", "area", "city"]);
        assert_eq!(plain.targets, ["price"]);
        assert!(!plain.unnamed);
        let named = columns(&call, r#"{"target": "y", "features": ["a", "b"]}"#)?;
        assert_eq!(names(&named), ["y", "a", "b"]);
        let several = columns(&call, r#"{"target": ["price", "area"]}"#)?;
        assert_eq!(several.targets, ["price", "area"]);
        let unnamed = columns(&[("f2", Real), ("", Real), ("x", Real)], "")?;
        assert_eq!(names(&unnamed), ["target", "f1", "f2"]);
        assert!(unnamed.unnamed);
        assert_eq!(
            refused(
                &[("y", Real), ("id", Real), ("x", Real), ("id", Integer)],
                ""
            ),
            "two columns are named \"id\" / Give each argument its own name with AS, or name them all in the spec: \"features\": [...]."
        );
        let same = refused(&[("y", Real), ("x", Real), ("Y", Real)], "");
        assert!(same.starts_with("two columns are named \"Y\""), "{same}");
        let spec = r#"{"target": "y", "features": ["x", "Y"]}"#;
        assert!(columns(&[("y", Real), ("x", Real), ("Y", Real)], spec).is_ok());
        assert!(
            refused(&call, r#"{"features": ["a"]}"#).starts_with(
                "the length of features in the spec is 1, but the call has 2 features"
            )
        );
        Ok(())
    }

    #[test]
    fn types_follow_the_argument_unless_the_spec_says_more() -> Result<()> {
        let call = [
            ("y", Integer),
            ("n", Decimal),
            ("t", Text),
            ("d", Text),
            ("v", Text),
            ("e", Text),
            ("b", Integer),
            ("s", Integer),
            ("r", Real),
            ("x", Text),
        ];
        let spec = r#"{"types": {"d": "date", "v": "vector", "b": "boolean", "r": "real"}, "labels": {"e": ["lo", "hi"]},
            "split_column": "s", "exclude": ["x"]}"#;
        let read = columns(&call, spec)?;
        let written = Form::Written(ColumnType::Date);
        let expected = [
            Form::Number,
            Form::Number,
            Form::Text { declared: false },
            written,
            Form::Vector,
            Form::Text { declared: true },
            Form::Flag,
            Form::Flag,
            Form::Number,
            Form::Nothing,
        ];
        assert_eq!(read.forms, expected);
        let integers: Vec<bool> = read.columns.iter().map(|it| it.integer).collect();
        assert_eq!(integers.iter().filter(|it| **it).count(), 1);
        assert!(integers[0]);
        let single: Vec<&str> = read
            .columns
            .iter()
            .filter(|it| it.single_precision)
            .map(|it| it.name.as_str())
            .collect();
        assert_eq!(single, ["r"]);
        assert_eq!(
            read.columns[5].labels.as_deref(),
            Some(&["lo".to_owned(), "hi".to_owned()][..])
        );
        Ok(())
    }

    #[test]
    fn a_type_that_the_argument_does_not_have_is_refused_by_name() {
        let call = [("y", Real), ("n", Integer), ("t", Text)];
        for (spec, expected) in [
            (
                r#"{"types": {"t": "number"}}"#,
                "column \"t\" is text, but a number in the spec's types / Hand over a number: CAST(`t` AS DOUBLE).",
            ),
            (
                r#"{"types": {"n": "date"}}"#,
                "column \"n\" is a number, but a date in the spec's types / Hand the text over: CAST(`n` AS CHAR), or leave its type out.",
            ),
            (
                r#"{"types": {"n": "text"}}"#,
                "column \"n\" is a number, but text in the spec's types / Hand the text over: CAST(`n` AS CHAR), or leave its type out.",
            ),
            (
                r#"{"labels": {"n": ["a"]}}"#,
                "column \"n\" is a number, but the spec has labels for it / Hand the text over: CAST(`n` AS CHAR).",
            ),
            (
                r#"{"types": {"tt": "date"}}"#,
                "types of the spec names \"tt\", which is no column / Did you mean \"t\"?",
            ),
        ] {
            assert_eq!(refused(&call, spec), expected);
        }
    }
}
