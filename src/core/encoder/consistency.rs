//! What must hold of an encoder that comes from a file.

use super::{Encoding, MAX_CATEGORIES, Scaling};
use crate::{ColumnType, Feature};
use std::collections::HashSet;

/// Says what is wrong with `features`, if anything is.
pub(crate) fn check_features(features: &[Feature]) -> Result<(), String> {
    if features.is_empty() {
        return Err("there are no features".into());
    }
    let mut names = HashSet::new();
    for feature in features {
        if !names.insert(&feature.name) {
            return Err(format!("two features are named \"{}\"", feature.name));
        }
        check_feature(feature).map_err(|what| format!("feature \"{}\" {what}", feature.name))?;
    }
    Ok(())
}

fn check_feature(feature: &Feature) -> Result<(), &'static str> {
    match (&feature.encoding, feature.column_type) {
        (
            Encoding::Number {
                mean, std, median, ..
            },
            column_type,
        ) if column_type.is_numeric() => {
            if !(mean.is_finite()
                && median.is_finite()
                && std.is_finite()
                && *std > 0.0
                && (1.0 / std).is_finite())
            {
                return Err("has a mean, std or median that cannot be");
            }
            if !Scaling::new(*mean, *std, *median).null.is_finite() {
                return Err("has a median that cannot be");
            }
        }
        (Encoding::Boolean { .. }, ColumnType::Boolean) => {}
        (Encoding::Category { categories, .. }, ColumnType::Category) => {
            if categories.is_empty() || categories.len() > MAX_CATEGORIES {
                return Err("has no or too many categories");
            }
            if categories.iter().collect::<HashSet<_>>().len() != categories.len() {
                return Err("has a category twice");
            }
        }
        _ => return Err("has an encoding that does not fit its type"),
    }
    Ok(())
}
