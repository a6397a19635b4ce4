//! poisson (Keras: `Poisson`).

use super::Kind;
use super::state::{Elements, State, Subject};

/// mean (p - y ln(p + 1e-7))
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Poisson;

impl Kind for Poisson {
    const NAMES: &'static [&'static str] = &["poisson"];

    fn fits(of: &Subject<'_>) -> bool {
        of.numbers()
    }

    fn state(&self, of: &Subject<'_>) -> Box<dyn State> {
        Elements::boxed(of, |it| it.answer - it.target * libm::log(it.answer + 1e-7))
    }
}
