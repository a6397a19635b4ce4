//! The one error type of the core.
//!
//! The message is lower case, names the values and ends without a period; detail and hint are sentences.
//! Every [`ErrorKind`] maps to exactly one SQLSTATE in an adapter.

use std::any::Any;

/// What went wrong, as a class that a caller can act on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// An argument, option or hyperparameter is out of range or unknown (22023).
    InvalidParameter,
    /// A feature that exists in the plan but not in this release, or a type that cannot be used (0A000).
    NotSupported,
    /// A column is unknown or missing (42703).
    UnknownColumn,
    /// Two columns share a name (42701).
    DuplicateColumn,
    /// A value or column has the wrong type (42804).
    TypeMismatch,
    /// NULL where a value is needed (22004).
    NullNotAllowed,
    /// The number of features differs from the model's (22000).
    FeatureCount,
    /// NaN or an infinity in the data, the loss or the weights (22003).
    NotFinite,
    /// Text that cannot be read as the column's type (22P02).
    InvalidText,
    /// No row to learn from or to score (02000).
    NoRows,
    /// Too few rows or too few classes to learn from (21000).
    TooFew,
    /// The function does not fit this kind of model (42809).
    WrongTask,
    /// The memory limit would be exceeded (53200).
    OutOfMemory,
    /// A fixed limit is exceeded (54000).
    LimitExceeded,
    /// The model bytes are damaged (XX001).
    Damaged,
    /// An error of the adapter that passes through the core unchanged.
    Foreign,
}

/// Everything an adapter needs to report an error.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.message)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    message: String,
    detail: Option<String>,
    hint: Option<String>,
    foreign: Option<Box<dyn Any + Send>>,
}

/// `Result` with the core's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// A new error of `kind` with its primary message.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: shortened(message.into()),
            detail: None,
            hint: None,
            foreign: None,
        }))
    }

    /// Wraps an adapter's own error so that it passes through the core unchanged.
    pub fn foreign(payload: Box<dyn Any + Send>) -> Self {
        let mut error = Self::new(ErrorKind::Foreign, "error in the database");
        error.0.foreign = Some(payload);
        error
    }

    /// Adds what the reader may want to know beyond the message.
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(shortened(detail.into()));
        self
    }

    /// Adds what to do about it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(shortened(hint.into()));
        self
    }

    /// Says that it is about `what`, unless it does already.
    pub(crate) fn within(mut self, what: &str) -> Self {
        if self.0.foreign.is_none() && !self.0.message.contains(what) {
            self.0.message = shortened(format!("{} in {what}", self.0.message));
        }
        self
    }

    /// The class of this error.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The detail sentence, if any.
    pub fn detail_text(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    /// The hint sentence, if any.
    pub fn hint_text(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// Takes the adapter's own error out again.
    pub fn into_foreign(self) -> Option<Box<dyn Any + Send>> {
        self.0.foreign
    }
}

/// Values and names in a text may be as long as the user's: what goes into every log must not be.
fn shortened(mut text: String) -> String {
    const LONGEST: usize = 2000;
    if text.len() > LONGEST {
        text.truncate(text.floor_char_boundary(LONGEST));
        text.push_str("...");
        text.shrink_to_fit();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_are_cut() {
        let long = "é".repeat(1_000_000);
        let error = Error::new(ErrorKind::InvalidText, long.as_str()).hint(long);
        assert_eq!(error.to_string(), "é".repeat(1000) + "...");
        assert_eq!(error.hint_text().map(str::len), Some(2003));
    }
}
