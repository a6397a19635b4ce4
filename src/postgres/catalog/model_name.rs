//! A model as a call names it: "prices" is its deployed version, "prices@3" its version 3.

use tablenet_core::{Error, ErrorKind, Result};

/// What stands before and after the "@".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelName<'a> {
    /// The model's name.
    pub name: &'a str,
    /// The version asked for; `None` is the deployed one.
    pub version: Option<i32>,
}

impl<'a> ModelName<'a> {
    /// Reads `text`. No model's own name has an "@".
    ///
    /// # Errors
    /// 22023 if what follows the "@" is not the number of a version.
    pub fn parse(text: &'a str) -> Result<Self> {
        let Some((name, version)) = text.rsplit_once('@') else {
            return Ok(Self {
                name: text,
                version: None,
            });
        };
        Ok(Self {
            name,
            version: Some(version_number(version).ok_or_else(|| {
                let message = format!("\"{version}\" in model \"{text}\" is not a version");
                Error::new(ErrorKind::InvalidParameter, message)
                    .hint("After the \"@\" comes a number, as in name@3.")
            })?),
        })
    }
}

/// The number of a version: digits alone, and not 0.
pub fn version_number(text: &str) -> Option<i32> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|&version: &i32| digits && version > 0)
}
