//! All that turns rows into inputs, as it is stored in the model file.

use super::consistency;
use super::distribution::Profile;
use super::encoding::{Encoding, Number, Vocabulary};
use crate::{EmbeddingInput, Feature, Inputs};
use serde::{Deserialize, Serialize};

/// The features in the order of the query, and what is made of several of them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Preprocessing {
    /// One per column.
    pub(crate) features: Vec<Feature>,
    /// Their inputs stand behind those of the features.
    pub(crate) differences: Vec<Difference>,
}

/// The seconds from one point in time to another, `value(to) - value(from)`; NULL where either is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Difference {
    /// "to - from"
    pub(crate) name: String,
    /// The feature that is subtracted, by its place.
    pub(crate) from: usize,
    /// The feature that it is subtracted from, by its place.
    pub(crate) to: usize,
    /// How the seconds are scaled.
    pub(crate) number: Number,
    /// The training values.
    pub(crate) profile: Profile,
}

impl Preprocessing {
    /// Inputs of a row.
    pub(crate) fn width(&self) -> usize {
        let features = self.features.iter().map(|feature| feature.encoding.width());
        let differences = self.differences.iter().map(|it| it.number.width());
        features.chain(differences).sum()
    }

    /// The inputs as the network gets them.
    pub(crate) fn inputs(&self) -> Inputs {
        Inputs {
            width: self.width(),
            embeddings: self.embeddings(),
        }
    }

    /// The inputs that are places of vectors, in input order.
    pub(crate) fn embeddings(&self) -> Vec<EmbeddingInput> {
        let mut input = 0;
        let mut found = Vec::new();
        for feature in &self.features {
            if let Some((vocabulary, dim)) = feature.encoding.embedding() {
                found.push(EmbeddingInput {
                    input,
                    vocabulary,
                    dim,
                });
            }
            input += feature.encoding.width();
        }
        found
    }

    /// The inputs' names in their order.
    pub(crate) fn input_names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for feature in &self.features {
            feature.input_names(&mut names);
        }
        for difference in &self.differences {
            difference.input_names(&mut names);
        }
        names
    }

    /// Says what is wrong with it, if anything is: it may come from a hostile file.
    pub(crate) fn check(&self) -> Result<(), String> {
        consistency::check(self)
    }
}

impl Difference {
    /// Appends the names of its inputs.
    pub(crate) fn input_names(&self, names: &mut Vec<String>) {
        number(&self.name, &self.name, self.number.missing, names);
    }
}

impl Feature {
    /// Appends the names of its inputs.
    pub(crate) fn input_names(&self, names: &mut Vec<String>) {
        let name = &self.name;
        match &self.encoding {
            Encoding::Number(it) | Encoding::Ordinal { number: it, .. } => {
                number(name, name, it.missing, names);
            }
            Encoding::Boolean { missing, .. } => number(name, name, *missing, names),
            Encoding::OneHot(vocabulary) => one_hot(name, vocabulary, names),
            Encoding::Embedding { .. } | Encoding::Hash { dim: Some(_), .. } => {
                names.push(name.clone());
            }
            Encoding::Hash {
                buckets, missing, ..
            } => {
                names.extend((0..*buckets).map(|bucket| format!("{name} in bucket {bucket}")));
                is_missing(name, *missing, names);
            }
            Encoding::Calendar { parts, epoch } => {
                for part in parts {
                    let part = part.name();
                    names.extend(["sin", "cos"].map(|wave| format!("{name} {part} {wave}")));
                }
                number(name, &format!("{name} epoch"), epoch.missing, names);
            }
            Encoding::Vector { elements, missing } => {
                names.extend((1..=elements.len()).map(|place| format!("{name}[{place}]")));
                is_missing(name, *missing, names);
            }
        }
    }
}

fn number(column: &str, name: &str, missing: bool, names: &mut Vec<String>) {
    names.push(name.to_owned());
    is_missing(column, missing, names);
}

fn one_hot(name: &str, vocabulary: &Vocabulary, names: &mut Vec<String>) {
    let categories = vocabulary.categories.iter();
    names.extend(categories.map(|category| format!("{name} = {category}")));
    if vocabulary.other {
        names.push(format!("{name} is other"));
    }
    is_missing(name, vocabulary.missing, names);
}

fn is_missing(name: &str, missing: bool, names: &mut Vec<String>) {
    if missing {
        names.push(format!("{name} is missing"));
    }
}
