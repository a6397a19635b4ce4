//! From keys to columns: what is said about each.

use super::options::{ColumnOptions, Constant, Encode, Impute};
use super::pattern::{is_pattern, matches};
use super::{Preprocess, Rule};
use crate::config::invalid;
use crate::encoder::Part;
use crate::nearest::nearest;
use crate::{ColumnType, Error, ErrorKind, Result};

/// What options are judged by.
#[derive(Debug, Clone, Copy)]
struct Kind<'a> {
    column_type: ColumnType,
    encode: Option<&'a Encode>,
}

impl Preprocess {
    /// What is said about each of `columns`: the patterns that match, the one with the fewest literal characters
    /// first, then the exact name; later ones override option by option.
    ///
    /// # Errors
    /// `UnknownColumn` for a key that is no column's, `InvalidParameter` for an option that does not fit the column it
    /// names exactly. Under a pattern such an option is passed over.
    pub(crate) fn resolve(&self, columns: &[(&str, ColumnType)]) -> Result<Vec<ColumnOptions>> {
        let exact = |rule: &Rule| columns.iter().any(|(name, _)| *name == rule.key);
        for rule in &self.rules {
            let known = exact(rule)
                || is_pattern(&rule.key)
                    && columns.iter().any(|(name, _)| matches(&rule.key, name));
            // "*" may stand in a template that serves every table.
            if !known {
                return Err(unknown(&rule.key, columns));
            }
        }
        let of = |(name, column_type): &(&str, ColumnType)| {
            let patterns = self
                .rules
                .iter()
                .filter(|rule| rule.key != *name && is_pattern(&rule.key) && !exact(rule))
                .filter(|rule| matches(&rule.key, name))
                .map(|rule| (rule, false));
            let named = self.rules.iter().filter(|rule| rule.key == *name);
            let rules: Vec<_> = patterns.chain(named.map(|rule| (rule, true))).collect();
            merged(name, *column_type, &rules)
        };
        columns.iter().map(of).collect()
    }
}

/// The options of column `name`, from the rule that says the least to the one that names it.
fn merged(name: &str, column_type: ColumnType, rules: &[(&Rule, bool)]) -> Result<ColumnOptions> {
    let mut options = ColumnOptions::default();
    // The encoding first: it decides what else fits.
    for (rule, named) in rules {
        take(&rule.options.encode, &mut options.encode, |_| {
            fit(
                column_type == ColumnType::Category,
                *named,
                "encode",
                name,
                column_type,
            )
        })?;
    }
    let encode = options.encode.clone();
    let kind = Kind {
        column_type,
        encode: encode.as_ref(),
    };
    for (rule, named) in rules {
        let said = &rule.options;
        let fits = |option: &str, fits: bool| fit(fits, *named, option, name, column_type);
        take(&said.impute, &mut options.impute, |impute| {
            let fits = fits(&format!("impute {}", impute.name()), kind.imputes(impute))?;
            // Where the column is named, whoever reads the constant says what is wrong with it.
            Ok(fits && (*named || kind.reads(impute)))
        })?;
        take(&said.scale, &mut options.scale, |_| {
            fits("scale", kind.is_scaled())
        })?;
        take(&said.outliers, &mut options.outliers, |_| {
            fits("outliers", kind.is_scaled() && !kind.is_text())
        })?;
        take(&said.max_categories, &mut options.max_categories, |_| {
            fits("max_categories", kind.has_vocabulary())
        })?;
        take(&said.on_unseen, &mut options.on_unseen, |_| {
            fits("on_unseen", kind.is_text() && !kind.is_hashed())
        })?;
        take(&said.parts, &mut options.parts, |parts| {
            fits("parts", kind.has_parts(parts))
        })?;
    }
    let marks = kind.marks(options.impute.as_ref());
    for (rule, named) in rules {
        take(&rule.options.indicator, &mut options.indicator, |wanted| {
            fit(!wanted || marks, *named, "indicator", name, column_type)
        })?;
    }
    Ok(options)
}

/// Puts what is `said` in its place if it fits.
fn take<T: Clone>(
    said: &Option<T>,
    place: &mut Option<T>,
    fits: impl FnOnce(&T) -> Result<bool>,
) -> Result<()> {
    if let Some(said) = said
        && fits(said)?
    {
        *place = Some(said.clone());
    }
    Ok(())
}

/// Whether an option `fits` its column; an error if it does not and the column is `named`.
fn fit(fits: bool, named: bool, option: &str, name: &str, column_type: ColumnType) -> Result<bool> {
    if fits || !named {
        return Ok(fits);
    }
    let hint = match column_type {
        ColumnType::Boolean => {
            "A boolean takes impute mode, constant, error or drop_row, and indicator."
        }
        ColumnType::Category => {
            "A text takes encode, max_categories, on_unseen and impute missing, mode, constant, error or drop_row, and with impute missing indicator; with encode ordinal also scale and impute mean or median."
        }
        ColumnType::Date | ColumnType::Timestamp | ColumnType::TimestampTz => {
            "A date or timestamp takes parts (of a date: month, day, weekday), and what a number takes."
        }
        ColumnType::Time => "A time takes parts hour, and what a number takes.",
        ColumnType::Number | ColumnType::Interval | ColumnType::Vector => {
            "Numbers take impute mean, median, mode, constant, error or drop_row, indicator, scale and outliers. A number that stands for a category must be cast to text in the query."
        }
    };
    Err(invalid(format!(
        "{option} does not fit column \"{name}\", which is {}",
        column_type.words()
    ))
    .hint(hint))
}

impl Kind<'_> {
    fn is_text(self) -> bool {
        self.column_type == ColumnType::Category
    }

    fn is_ordinal(self) -> bool {
        matches!(self.encode, Some(Encode::Ordinal { .. }))
    }

    fn is_hashed(self) -> bool {
        matches!(self.encode, Some(Encode::Hash { .. }))
    }

    fn has_vocabulary(self) -> bool {
        self.is_text() && !self.is_ordinal() && !self.is_hashed()
    }

    /// Whether it is a number sooner or later.
    fn is_scaled(self) -> bool {
        match self.column_type {
            ColumnType::Boolean => false,
            ColumnType::Category => self.is_ordinal(),
            _ => true,
        }
    }

    fn imputes(self, impute: &Impute) -> bool {
        use ColumnType::{Boolean, Category, Date, Time, Timestamp, TimestampTz, Vector};
        match (impute, self.column_type) {
            (Impute::Error | Impute::DropRow, _) => true,
            (Impute::Mode, _) => !self.is_hashed(),
            (Impute::Mean | Impute::Median, _) => self.is_scaled(),
            (Impute::Missing, _) => self.is_text() && !self.is_ordinal(),
            (Impute::Constant(constant), column_type) => match constant {
                Constant::Boolean(_) => column_type == Boolean,
                Constant::Number(_) => self.is_scaled() && !self.is_text(),
                Constant::Numbers(_) => column_type == Vector,
                Constant::Text(_) => {
                    matches!(
                        column_type,
                        Category | Date | Timestamp | TimestampTz | Time
                    )
                }
            },
        }
    }

    /// Whether the constant of a pattern is one of this column's type.
    fn reads(self, impute: &Impute) -> bool {
        match impute {
            Impute::Constant(Constant::Text(text)) => self.column_type.read("", text).is_ok(),
            _ => true,
        }
    }

    /// Whether there can be an is-missing input: that of a text is a place of NULL's own.
    fn marks(self, impute: Option<&Impute>) -> bool {
        !self.is_text() || self.is_ordinal() || matches!(impute, None | Some(Impute::Missing))
    }

    fn has_parts(self, parts: &[Part]) -> bool {
        match self.column_type {
            ColumnType::Date => !parts.contains(&Part::Hour),
            ColumnType::Timestamp | ColumnType::TimestampTz => true,
            ColumnType::Time => parts.iter().all(|part| *part == Part::Hour),
            _ => false,
        }
    }
}

fn unknown(key: &str, columns: &[(&str, ColumnType)]) -> Error {
    let what = if is_pattern(key) {
        format!("preprocess pattern {key:?} matches no feature")
    } else {
        format!("preprocess names \"{key}\", which is no feature")
    };
    let error = Error::new(ErrorKind::UnknownColumn, what);
    match nearest(key, columns.iter().map(|(name, _)| *name)) {
        Some(nearest) => error.hint(format!("Did you mean \"{nearest}\"?")),
        None => error.hint("Its keys are names of feature columns, or patterns like \"price*\"."),
    }
}
