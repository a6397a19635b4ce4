//! Which given value is which feature: by name, or by position in the model's feature order.

use crate::{ColumnType, Feature, Result};

/// Binds the values of a call to the features of a model.
pub struct Binding;

impl Binding {
    /// For each feature its index in `columns`; columns no feature needs are ignored. `None` is an untyped NULL or literal.
    pub fn by_name(features: &[Feature], columns: &[(&str, Option<ColumnType>)]) -> Result<Vec<usize>> {
        let _ = (features, columns);
        todo!()
    }

    /// Checks that values of these types can stand for the features in their order.
    pub fn positional(features: &[Feature], types: &[Option<ColumnType>]) -> Result<()> {
        let _ = (features, types);
        todo!()
    }
}
