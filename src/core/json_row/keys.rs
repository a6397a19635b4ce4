//! Which key is which feature.

use super::escape::decode;
use super::scan::Token;
use crate::Feature;

/// The names of the features, ready to be found.
#[derive(Debug)]
pub(super) struct FeatureKeys {
    /// By length, then by bytes, each with the place of its feature.
    sorted: Vec<(Box<str>, usize)>,
    /// Which of them the first keys of the last object were: objects mostly have their keys in the same order.
    last: Vec<usize>,
    /// A key without its escapes.
    decoded: String,
}

/// What keys are sorted by.
fn order(key: &str) -> (usize, &str) {
    (key.len(), key)
}

impl FeatureKeys {
    pub(super) fn new(features: &[Feature]) -> Self {
        let names = features.iter().enumerate();
        let mut sorted: Vec<(Box<str>, usize)> = names
            .map(|(place, feature)| (feature.name.as_str().into(), place))
            .collect();
        sorted.sort_by(|(one, _), (other, _)| order(one).cmp(&order(other)));
        Self {
            last: vec![0; 2 * sorted.len()],
            sorted,
            decoded: String::new(),
        }
    }

    /// The place of the feature that the `number`th key of `object` names.
    pub(super) fn place(&mut self, number: usize, key: &Token, object: &str) -> Option<usize> {
        let mut name = object.get(key.range.clone())?;
        if key.escaped {
            self.decoded.clear();
            decode(name, &mut self.decoded);
            name = &self.decoded;
        }
        let last = self.last.get_mut(number);
        if let Some(last) = &last
            && let Some((known, place)) = self.sorted.get(**last)
            && **known == *name
        {
            return Some(*place);
        }
        let found = self
            .sorted
            .binary_search_by(|(known, _)| order(known).cmp(&order(name)))
            .ok()?;
        if let Some(last) = last {
            *last = found;
        }
        self.sorted.get(found).map(|(_, place)| *place)
    }
}
