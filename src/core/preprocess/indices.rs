//! Columns whose numbers are the indices of an Embedding layer: they reach the network as they are.

use super::{ColumnOptions, Impute, ScaleChoice};
use crate::config::invalid;
use crate::encoder::Scale;
use crate::{ColumnType, Error, ErrorKind, Result};

impl ColumnOptions {
    /// What was said of column `name`, where its numbers are indices: by default NULL is refused, and nothing is scaled.
    ///
    /// # Errors
    /// `TypeMismatch` for a column that has no whole numbers; `InvalidParameter` for what would change them.
    pub(crate) fn into_indices(mut self, name: &str, column_type: ColumnType) -> Result<Self> {
        if !matches!(
            column_type,
            ColumnType::Number | ColumnType::Vector | ColumnType::Boolean
        ) {
            let message = format!(
                "column \"{name}\", which is {}, cannot feed an Embedding layer",
                column_type.words()
            );
            return Err(Error::new(ErrorKind::TypeMismatch, message).hint(
                "An Embedding takes whole numbers or arrays of them: leave the column out with exclude. Without such a layer, texts of many values get embeddings by themselves.",
            ));
        }
        let refused = |what: &str, hint: &str| {
            let message = format!(
                "{what} does not fit column \"{name}\", whose numbers are indices of an Embedding layer"
            );
            Err(invalid(message).hint(hint))
        };
        if !matches!(
            self.scale,
            None | Some(ScaleChoice::Auto | ScaleChoice::As(Scale::None))
        ) {
            return refused("scale", "Leave it out, or write \"scale\": \"none\".");
        }
        if self.outliers.is_some() {
            return refused("outliers", "Indices beyond input_dim are errors.");
        }
        if self.indicator == Some(true) {
            return refused(
                "indicator",
                "Choose an index that stands for NULL: \"impute\": {\"constant\": 0}.",
            );
        }
        if let Some(impute @ (Impute::Mean | Impute::Median)) = &self.impute {
            let what = format!("impute {}", impute.name());
            return refused(&what, "Use mode, constant, error or drop_row.");
        }
        if column_type != ColumnType::Boolean {
            self.scale = Some(ScaleChoice::As(Scale::None));
        }
        self.indicator = Some(false);
        self.impute.get_or_insert(Impute::Error);
        Ok(self)
    }
}
