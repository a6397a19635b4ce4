//! Which given value is which feature: by name, or by position in the model's feature order.

use crate::encoder::width_differs;
use crate::nearest::nearest;
use crate::{Column, ColumnType, Error, ErrorKind, Feature, Result};
use std::collections::HashMap;

/// Binds the values of a call to the features of a model.
#[derive(Debug)]
pub struct Binding;

impl Binding {
    /// Whether one of `features` is called `name`.
    pub fn knows(features: &[Feature], name: &str) -> bool {
        features.iter().any(|feature| feature.name == name)
    }

    /// Refuses features whose names are made up.
    ///
    /// `UnknownColumn`.
    pub fn check_names(features: &[Feature]) -> Result<()> {
        if features.iter().any(|feature| feature.unnamed) {
            let message = "the features of the model have no names";
            return Err(Error::new(ErrorKind::UnknownColumn, message)
                .hint("Hand them over in training order."));
        }
        Ok(())
    }

    /// As [`Binding::by_name`], for the columns of a query.
    pub(crate) fn columns(features: &[Feature], columns: &[Column]) -> Result<Vec<usize>> {
        let named = columns
            .iter()
            .map(|column| (column.name.as_str(), Some(column.column_type)));
        Self::by_name(features, &named.collect::<Vec<_>>())
    }

    /// For each feature its index in `columns`; columns that no feature needs are ignored. A type of `None` is an
    /// untyped NULL or literal.
    ///
    /// `UnknownColumn` for a feature that is missing and for features without names, `DuplicateColumn` for one that is
    /// there twice, `TypeMismatch`.
    pub fn by_name(
        features: &[Feature],
        columns: &[(&str, Option<ColumnType>)],
    ) -> Result<Vec<usize>> {
        Self::check_names(features)?;
        let mut places: HashMap<&str, (usize, bool)> = HashMap::with_capacity(columns.len());
        for (index, (name, _)) in columns.iter().enumerate() {
            places
                .entry(name)
                .and_modify(|(_, twice)| *twice = true)
                .or_insert((index, false));
        }
        let bind = |feature: &Feature| match places.get(feature.name.as_str()) {
            None => Err(missing(feature, features, columns)),
            Some((_, true)) => Err(Error::new(
                ErrorKind::DuplicateColumn,
                format!("two columns are named \"{}\"", feature.name),
            )
            .hint("Give each column its own name with AS.")),
            Some((index, false)) => {
                check_type(feature, columns.get(*index).and_then(|(_, given)| *given))?;
                Ok(*index)
            }
        };
        features.iter().map(bind).collect()
    }

    /// Checks that values of these types can stand for the features in their order.
    ///
    /// `FeatureCount` if there are more or fewer, `TypeMismatch`.
    pub fn positional(features: &[Feature], types: &[Option<ColumnType>]) -> Result<()> {
        if types.len() != features.len() {
            let names: Vec<&str> = features
                .iter()
                .map(|feature| feature.name.as_str())
                .collect();
            return Err(width_differs(features.len(), types.len()).detail(format!(
                "The features in their order: {}.",
                names.join(", ")
            )));
        }
        features
            .iter()
            .zip(types)
            .try_for_each(|(feature, given)| check_type(feature, *given))
    }
}

pub(crate) fn missing(
    feature: &Feature,
    features: &[Feature],
    columns: &[(&str, Option<ColumnType>)],
) -> Error {
    let error = Error::new(
        ErrorKind::UnknownColumn,
        format!("column \"{}\" is missing", feature.name),
    );
    let unused = columns
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| features.iter().all(|feature| feature.name != *name));
    match nearest(&feature.name, unused) {
        Some(nearest) => error.hint(format!(
            "The model needs it by this name; did you mean \"{nearest}\"?"
        )),
        None => error.hint("The model needs it by this name; give a column that name with AS."),
    }
}

fn check_type(feature: &Feature, given: Option<ColumnType>) -> Result<()> {
    let expected = feature.column_type;
    match given {
        Some(given) if !serves(given, expected) => {
            let message = format!(
                "column \"{}\" must be {}, not {}",
                feature.name,
                expected.words(),
                given.words()
            );
            // Between them stands a time zone, which is not guessed.
            let zone = given.is_point_in_time() && expected.is_point_in_time();
            Err(Error::new(ErrorKind::TypeMismatch, message).hint(if zone {
                "Say which time zone is meant with AT TIME ZONE."
            } else {
                "Cast it to the type the model was trained with."
            }))
        }
        _ => Ok(()),
    }
}

/// Whether values of the type `given` mean the same as those of the type `expected`: a date is a timestamp at midnight.
fn serves(given: ColumnType, expected: ColumnType) -> bool {
    let zoneless = |it| matches!(it, ColumnType::Date | ColumnType::Timestamp);
    given == expected || (zoneless(given) && zoneless(expected))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoder::{Encoding, Null, Profile};
    use ColumnType::{Boolean, Category, Number};

    fn features() -> Vec<Feature> {
        let feature = |name: &str, column_type| Feature {
            name: name.into(),
            column_type,
            encoding: Encoding::Boolean {
                null: Null::Value(false),
                missing: false,
            },
            profile: Profile::default(),
            unnamed: false,
        };
        vec![
            feature("area", Number),
            feature("my \"city\"", Category),
            feature("größe", Boolean),
        ]
    }

    fn by_name(columns: &[(&str, Option<ColumnType>)]) -> Result<Vec<usize>> {
        Binding::by_name(&features(), columns)
    }

    #[test]
    fn finds_features_in_any_order_among_others() -> Result<()> {
        let columns = [
            ("größe", Some(Boolean)),
            ("id", Some(Number)),
            ("my \"city\"", None),
            ("area", Some(Number)),
            ("id", None),
        ];
        assert_eq!(by_name(&columns)?, [3, 2, 0]);
        Ok(())
    }

    #[test]
    fn says_what_is_missing_and_what_is_near() {
        let error = by_name(&[
            ("areas", Some(Number)),
            ("my \"city\"", None),
            ("größe", None),
        ])
        .expect_err("missing");
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (ErrorKind::UnknownColumn, "column \"area\" is missing")
        );
        assert_eq!(
            error.hint_text(),
            Some("The model needs it by this name; did you mean \"areas\"?")
        );
    }

    #[test]
    fn refuses_wrong_types_and_duplicates() {
        let error = by_name(&[
            ("area", Some(Category)),
            ("my \"city\"", None),
            ("größe", None),
        ])
        .expect_err("wrong type");
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (
                ErrorKind::TypeMismatch,
                "column \"area\" must be a number, not text"
            )
        );
        let error = by_name(&[
            ("area", None),
            ("area", None),
            ("my \"city\"", None),
            ("größe", None),
        ])
        .expect_err("twice");
        assert_eq!(error.kind(), ErrorKind::DuplicateColumn);
    }

    #[test]
    fn positions_need_the_same_number_and_types() {
        assert!(Binding::positional(&features(), &[Some(Number), None, None]).is_ok());
        let error = Binding::positional(&features(), &[None, None]).expect_err("too few");
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (ErrorKind::FeatureCount, "model expects 3 features, not 2")
        );
        assert!(Binding::positional(&features(), &[Some(Boolean), None, None]).is_err());
    }

    #[test]
    fn a_date_serves_as_a_timestamp_and_no_zone_is_guessed() {
        use ColumnType::{Date, Timestamp, TimestampTz};
        let feature = |column_type| Feature {
            column_type,
            ..features().remove(0)
        };
        for (expected, given, serves) in [
            (Date, Timestamp, true),
            (Timestamp, Date, true),
            (Timestamp, TimestampTz, false),
            (TimestampTz, Timestamp, false),
            (TimestampTz, Date, false),
            (Date, Number, false),
        ] {
            let bound = Binding::by_name(&[feature(expected)], &[("area", Some(given))]);
            assert_eq!(bound.is_ok(), serves, "{expected:?} {given:?}");
        }
        let error = Binding::positional(&[feature(TimestampTz)], &[Some(Timestamp)]);
        let error = error.expect_err("a zone is missing");
        assert_eq!(
            error.to_string(),
            "column \"area\" must be a timestamp with time zone, not a timestamp"
        );
        assert_eq!(
            error.hint_text(),
            Some("Say which time zone is meant with AT TIME ZONE.")
        );
    }
}
