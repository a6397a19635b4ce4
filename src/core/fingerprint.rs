//! What the rows of a training are recognised by: a digest that does not depend on their order, on threads, on spills or on
//! the database they came from. It is the same in every release.
//!
//! A value stands in it as what it is, a category as its text, a number as an f64, and a row as the sum of what its values
//! add, mixed. The rows of a set are added up, so that they may come in any order.

#[cfg(test)]
mod tests;

use crate::encoder::hash;
use crate::kernels::fingerprint::{Keys, NULL, keyed, sum_doubles, sum_singles};
use crate::record::{Field, FieldKind};
use crate::slot::{Form, Slot};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The fingerprint of the rows read so far.
#[derive(Debug)]
pub(crate) struct Fingerprint {
    /// Role, name, type and elements of each column.
    columns: Vec<Value>,
    runs: Vec<Run>,
    /// The booleans.
    words: Vec<(Field, u64)>,
    /// The keys of the texts, in the order in which they come.
    texts: Vec<u64>,
    /// Texts of the row that have come, and what they add.
    come: usize,
    row: u64,
    /// Of rows that validate and of rows that train.
    sets: [Set; 2],
}

/// Numbers of one precision without a gap, and the key of each.
#[derive(Debug)]
struct Run {
    field: Field,
    keys: Keys,
}

/// Rows in any order.
#[derive(Debug, Clone, Copy, Default)]
struct Set {
    rows: u64,
    /// Of the hashes: never too large, as rows are fewer than 2^64.
    sum: u128,
}

/// What hashes of texts begin with.
const SEED: u64 = 0x243f_6a88_85a3_08d3;

impl Fingerprint {
    /// Of no row yet; a row's values stand in these slots, each with what it is for.
    pub(crate) fn new<'s>(slots: impl Iterator<Item = (&'static str, &'s Slot)>) -> Self {
        let mut fingerprint = Self {
            columns: Vec::new(),
            runs: Vec::new(),
            words: Vec::new(),
            texts: Vec::new(),
            come: 0,
            row: 0,
            sets: [Set::default(); 2],
        };
        // One for every value, odd: the sequence of splitmix64.
        let mut state = 0_u64;
        let mut key = || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            mixed(state) | 1
        };
        let mut runs: Vec<(Field, Vec<u64>)> = Vec::new();
        for (role, slot) in slots {
            let elements = match slot.form {
                // It says nothing that its two columns do not.
                Form::Difference(_) => continue,
                Form::Number => 1,
                Form::Vector(elements) => elements,
                Form::Boolean => {
                    fingerprint.words.push((slot.field, key()));
                    0
                }
                Form::Text | Form::Bucket(_) => {
                    fingerprint.texts.push(key());
                    0
                }
            };
            for place in 0..elements {
                let field = slot.field.at(place);
                let follows = |(first, keys): &&mut (Field, Vec<u64>)| {
                    first.kind == field.kind && first.at(keys.len()) == field
                };
                match runs.last_mut().filter(follows) {
                    Some((_, keys)) => keys.push(key()),
                    None => runs.push((field, vec![key()])),
                }
            }
            let length = (elements > 1 || matches!(slot.form, Form::Vector(_))).then_some(elements);
            let column = json!([role, slot.name, slot.column_type, length]);
            fingerprint.columns.push(column);
        }
        let runs = runs.into_iter().map(|(field, keys)| Run {
            field,
            keys: Keys::new(&keys),
        });
        fingerprint.runs = runs.collect();
        fingerprint
    }

    /// Takes the next text of a row.
    #[inline]
    pub(crate) fn text(&mut self, text: Option<&str>) {
        let key = self.texts.get(self.come).copied().unwrap_or(1);
        self.come += 1;
        let bits = text.map_or(NULL, |text| hash(text.as_bytes(), SEED));
        self.row = self.row.wrapping_add(keyed(bits, key));
    }

    /// Takes the rest of a row, whose texts have come.
    #[inline]
    pub(crate) fn take(&mut self, record: &[u8], training: bool) {
        self.come = 0;
        let mut row = std::mem::take(&mut self.row);
        for Run { field, keys } in &self.runs {
            let values = record.get(field.offset..).unwrap_or_default();
            row = row.wrapping_add(if field.kind == FieldKind::Single {
                sum_singles(values.as_chunks().0, keys)
            } else {
                sum_doubles(values.as_chunks().0, keys)
            });
        }
        for (field, key) in &self.words {
            row = row.wrapping_add(keyed(u64::from(field.word(record)), *key));
        }
        let [validation, train] = &mut self.sets;
        let set = if training { train } else { validation };
        set.rows += 1;
        set.sum = set.sum.wrapping_add(u128::from(mixed(row)));
    }

    /// The digest; what validates is a set of its own where it was `apart`, not held out by chance.
    pub(crate) fn digest(&self, apart: bool) -> [u8; 32] {
        let [validation, train] = self.sets;
        let sets = if apart {
            vec![train, validation]
        } else {
            vec![Set {
                rows: train.rows + validation.rows,
                sum: train.sum.wrapping_add(validation.sum),
            }]
        };
        let sets: Vec<Value> = sets
            .iter()
            .map(|set| json!([set.rows, format!("{:032x}", set.sum)]))
            .collect();
        Sha256::digest(json!(["rows", 1, self.columns, sets]).to_string()).into()
    }
}

/// Steele, Lea and Flood's splitmix64: every bit of the answer depends on every bit.
#[inline]
fn mixed(bits: u64) -> u64 {
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}
