//! `ml_version()`: the version of the loaded library, as text.

use crate::arguments::{Arguments, Declared};
use crate::function::{Answers, Function, TextFunction, loadable};
use tablenet_core::Result;

/// The version of the package.
struct Version;

loadable!(
    Version,
    text,
    ml_version_init,
    ml_version,
    ml_version_deinit
);

impl Function for Version {
    const NAME: &'static str = "ml_version";
    const ANSWERS: Answers = Answers::Text;

    fn new(arguments: &mut Declared<'_>) -> Result<Self> {
        arguments.expect(0, 0, "ml_version()")?;
        Ok(Self)
    }
}

impl TextFunction for Version {
    fn row(&mut self, _arguments: &Arguments<'_>) -> Result<Option<&[u8]>> {
        Ok(Some(env!("CARGO_PKG_VERSION").as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Call;

    #[test]
    fn answers_the_version_of_the_package() {
        let mut call = Call::<Version>::new(&[]).expect("no arguments");
        assert_eq!(call.text(), Ok(Some(env!("CARGO_PKG_VERSION").into())));
    }

    #[test]
    fn refuses_arguments() {
        let refused = Call::<Version>::new(&[1.5.into(), "a".into()]).err();
        let text = "ml_version: called with 2 arguments. Call it as ml_version().";
        assert_eq!(refused.as_deref(), Some(text));
    }
}
