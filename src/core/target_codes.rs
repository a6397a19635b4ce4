//! How a stored target becomes `y`: standardised numbers, or the number of a class.

use crate::Result;
use crate::encoder::too_far;
use crate::record::Field;
use crate::target::Standard;

/// How a stored target becomes `y`.
#[derive(Debug)]
pub(crate) enum TargetCodes {
    /// The standardised values: the field, scale and name of each.
    Scaled(Vec<(Field, Standard, String)>),
    /// The class of each stored word.
    Words(Field, Vec<Option<u32>>),
    /// The class of each value, by value.
    Integers(Field, Vec<(i64, u32)>),
}

/// What stands in the record for classes, in the order of their labels.
#[derive(Debug)]
pub(crate) enum StoredClasses {
    /// Words.
    Words(Vec<u32>),
    /// Numbers.
    Integers(Vec<i64>),
}

impl StoredClasses {
    /// The codes of classes with these `numbers`; those without one have no rows.
    pub(crate) fn codes(self, field: Field, numbers: Vec<Option<u32>>) -> TargetCodes {
        match self {
            Self::Words(words) => {
                let most = words.iter().max().map_or(0, |most| *most as usize + 1);
                let mut classes = vec![None; most];
                for (word, number) in words.into_iter().zip(numbers) {
                    if let Some(class) = classes.get_mut(word as usize) {
                        *class = number;
                    }
                }
                TargetCodes::Words(field, classes)
            }
            Self::Integers(values) => {
                let numbered = values.into_iter().zip(numbers);
                let numbered = numbered.filter_map(|(value, number)| Some((value, number?)));
                TargetCodes::Integers(field, numbered.collect())
            }
        }
    }
}

impl TargetCodes {
    /// Appends `y` of a stored row: standardised values or a class number.
    #[inline]
    pub(crate) fn encode(&self, record: &[u8], y: &mut Vec<f32>) -> Result<()> {
        match self {
            Self::Scaled(outputs) => {
                for (field, scale, name) in outputs {
                    let value = field.number(record);
                    let scaled = scale.apply(value);
                    if !scaled.is_finite() {
                        return Err(too_far(value, name));
                    }
                    y.push(scaled);
                }
            }
            Self::Words(field, classes) => {
                let class = classes.get(field.word(record) as usize);
                y.push(class.copied().flatten().unwrap_or(0) as f32);
            }
            Self::Integers(field, values) => {
                let value = field.number(record) as i64;
                let found = values.binary_search_by_key(&value, |(value, _)| *value);
                let class = found.ok().and_then(|place| values.get(place));
                y.push(class.map_or(0, |(_, class)| *class) as f32);
            }
        }
        Ok(())
    }

    /// Numbers of `y`.
    pub(crate) fn width(&self) -> usize {
        match self {
            Self::Scaled(outputs) => outputs.len(),
            Self::Words(..) | Self::Integers(..) => 1,
        }
    }
}
