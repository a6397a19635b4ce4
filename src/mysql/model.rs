//! The first argument of everything that uses a model: its bytes, or a reference to it.

use crate::arguments::{ArgumentType, Arguments, Declared};
use tablenet_core::{Error, ErrorKind, Result};

/// Checks in init that argument 1 can be one.
pub fn declare(arguments: &Declared<'_>) -> Result<()> {
    if arguments.type_of(0) == ArgumentType::Text {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::TypeMismatch,
        "argument 1 must be a model, not a number",
    )
    .hint("Pass a model, or what ml_ref(model) answers."))
}

/// The bytes of this call's model or reference, `None` for NULL.
#[inline]
pub fn given<'a>(arguments: &Arguments<'a>) -> Option<&'a [u8]> {
    arguments.value(0).bytes()
}
