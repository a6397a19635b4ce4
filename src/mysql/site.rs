//! One place in a statement at which a model scores rows: the models it uses, bound to its arguments.

use crate::arguments::{Arguments, Declared};
use crate::function::{Answers, Function, RealFunction, TextFunction};
use crate::model;
use crate::models::{Models, Slot};
use crate::source::{Given, Source};
use std::marker::PhantomData;
use tablenet_core::{Result, Row, Scorer, Scratch, Value};

/// What a call of one of the scoring functions holds from row to row.
pub struct Site {
    models: Models<Bound>,
    given: Given,
    /// Room for the values of a row, empty between two.
    row: Vec<Value<'static>>,
    answer: Buffers,
}

/// What it holds for each model.
struct Bound {
    source: Source,
    scratch: Scratch,
}

/// Room for answers.
#[derive(Default)]
pub struct Buffers {
    /// Several numbers.
    pub numbers: Vec<f32>,
    /// A text.
    pub text: Vec<u8>,
}

/// What is asked of a model for each row: all that one scoring function does not share with the others.
pub trait Answer {
    /// The name of its function in SQL.
    const NAME: &'static str;
    /// What that answers.
    const ANSWERS: Answers;
    /// What `give` answers: a number, or () where a text is left in the buffers.
    type Given;

    /// Scores `row`.
    fn give<'v>(
        scorer: &Scorer,
        row: impl Row<'v>,
        scratch: &mut Scratch,
        buffers: &mut Buffers,
    ) -> Result<Self::Given>;
}

/// A function `name(model, features ...)` that answers `A`.
pub struct Scoring<A> {
    site: Site,
    asks: PhantomData<fn() -> A>,
}

impl<A: Answer> Function for Scoring<A> {
    const NAME: &'static str = A::NAME;
    const ANSWERS: Answers = A::ANSWERS;

    fn new(arguments: &mut Declared<'_>) -> Result<Self> {
        Ok(Self {
            site: Site::new(arguments, A::NAME)?,
            asks: PhantomData,
        })
    }
}

impl<A: Answer<Given = f64>> RealFunction for Scoring<A> {
    #[inline]
    fn row(&mut self, arguments: &Arguments<'_>) -> Result<Option<f64>> {
        self.site.score::<A>(arguments)
    }
}

impl<A: Answer<Given = ()>> TextFunction for Scoring<A> {
    fn row(&mut self, arguments: &Arguments<'_>) -> Result<Option<&[u8]>> {
        let answered = self.site.score::<A>(arguments)?;
        Ok(answered.map(|()| self.site.answer.text.as_slice()))
    }
}

impl Site {
    /// Checks the call `name(model, features ...)` in init.
    pub fn new(arguments: &mut Declared<'_>, name: &str) -> Result<Self> {
        let usage = format!("{name}(model, feature, ...) or {name}(model, json_object)");
        arguments.expect(2, usize::MAX, &usage)?;
        model::declare(arguments)?;
        Ok(Self {
            models: Models::new()?,
            given: Given::declare(arguments),
            row: Vec::new(),
            answer: Buffers::default(),
        })
    }

    /// Scores the row of this call; `None` where there is no model or no row.
    #[inline]
    pub fn score<A: Answer>(&mut self, arguments: &Arguments<'_>) -> Result<Option<A::Given>> {
        let Self {
            models,
            given,
            row: room,
            answer,
        } = self;
        let Some(model) = model::given(arguments) else {
            return Ok(None);
        };
        let Slot { ready, bound, .. } = models.get(model, |ready| {
            let scorer = ready.scorer();
            Ok(Bound {
                source: given.features(arguments, scorer)?,
                scratch: scorer.scratch()?,
            })
        })?;
        let scorer = ready.scorer();
        let Bound { source, scratch } = bound;
        if let Source::Reals = source {
            return A::give(scorer, arguments.reals(1), scratch, answer).map(Some);
        }
        let mut row = recycle(std::mem::take(room));
        let answered = match source.read(arguments, scorer.features(), &mut row)? {
            true => Some(A::give(scorer, &row, scratch, answer)?),
            false => None,
        };
        *room = recycle(row);
        Ok(answered)
    }
}

/// An empty vector for values of another lifetime, in the same memory: `collect` keeps the allocation of a vector that is
/// mapped to values of the same size.
pub fn recycle<'a>(mut row: Vec<Value<'_>>) -> Vec<Value<'a>> {
    row.clear();
    row.into_iter().map(|_| Value::Null).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_recycled_in_its_memory() {
        let text = "text".to_owned();
        let row = vec![Value::Text(&text); 28];
        let (start, capacity) = (row.as_ptr() as usize, row.capacity());
        let recycled: Vec<Value<'static>> = recycle(row);
        assert_eq!(recycled.len(), 0);
        assert_eq!(
            (recycled.as_ptr() as usize, recycled.capacity()),
            (start, capacity)
        );
    }
}
