//! One stored row: fixed width, four-byte words side by side.
//!
//! A number takes two words (one if every value fits an f32), NULL is NaN since NaN itself is refused; a boolean
//! takes one word (0, 1, [`NULL_BOOLEAN`]), a category its code or its bucket + 1 in one word (0 is NULL). A vector is
//! as many numbers, all NaN where it is NULL; a difference of two columns is a number.

/// The word of a NULL boolean.
pub(crate) const NULL_BOOLEAN: u32 = 2;

/// How one column is stored, and where in the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Field {
    /// Bytes from the record's start.
    pub(crate) offset: usize,
    /// What stands there.
    pub(crate) kind: FieldKind,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldKind {
    /// An f64.
    Double,
    /// An f32.
    Single,
    /// A boolean's word.
    Boolean,
    /// A category's code or bucket.
    Category,
}

impl FieldKind {
    /// Bytes of the field, or of one element of it.
    pub(crate) fn bytes(self) -> usize {
        if self == Self::Double { 8 } else { 4 }
    }
}

impl Field {
    /// The field of the element at `place` of the vector that begins here.
    #[inline]
    pub(crate) fn at(self, place: usize) -> Self {
        let offset = self.offset + place * self.kind.bytes();
        Self { offset, ..self }
    }

    /// Writes a number; NaN is NULL.
    #[inline]
    pub(crate) fn write_number(self, record: &mut [u8], value: f64) {
        if self.kind == FieldKind::Single {
            self.write_word(record, (value as f32).to_bits());
        } else if let Some(place) = record.get_mut(self.offset..self.offset + 8) {
            place.copy_from_slice(&value.to_ne_bytes());
        }
    }

    /// Reads a number; NaN is NULL.
    #[inline]
    pub(crate) fn number(self, record: &[u8]) -> f64 {
        if self.kind == FieldKind::Single {
            f64::from(f32::from_bits(self.word(record)))
        } else {
            record
                .get(self.offset..)
                .and_then(|rest| rest.first_chunk())
                .map_or(f64::NAN, |bytes| f64::from_ne_bytes(*bytes))
        }
    }

    /// Writes a boolean's word or a category's code.
    #[inline]
    pub(crate) fn write_word(self, record: &mut [u8], word: u32) {
        if let Some(place) = record.get_mut(self.offset..self.offset + 4) {
            place.copy_from_slice(&word.to_ne_bytes());
        }
    }

    /// Reads a boolean's word or a category's code.
    #[inline]
    pub(crate) fn word(self, record: &[u8]) -> u32 {
        record
            .get(self.offset..)
            .and_then(|rest| rest.first_chunk())
            .map_or(0, |bytes| u32::from_ne_bytes(*bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_their_values() {
        let mut record = [0; 20];
        let double = Field {
            offset: 0,
            kind: FieldKind::Double,
        };
        let single = Field {
            offset: 8,
            kind: FieldKind::Single,
        };
        let code = Field {
            offset: 16,
            kind: FieldKind::Category,
        };
        double.write_number(&mut record, 0.1);
        single.write_number(&mut record, 0.5);
        code.write_word(&mut record, 7);
        assert_eq!(
            (
                double.number(&record),
                single.number(&record),
                code.word(&record)
            ),
            (0.1, 0.5, 7)
        );
        double.write_number(&mut record, f64::NAN);
        single.write_number(&mut record, f64::NAN);
        assert!(double.number(&record).is_nan() && single.number(&record).is_nan());
    }
}
