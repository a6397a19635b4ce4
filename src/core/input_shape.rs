//! The shape of a row as the layers state it, of which one dimension may be open: Keras's `Input((None, 1))`.

use crate::config::invalid;
use crate::{Result, Shape};
use serde_json::Value;
use std::fmt;

/// A row of known dimensions, but for one at the most, which is as long as the columns make it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InputShape {
    /// With a 1 in the place of the open dimension.
    dims: Shape,
    open: Option<usize>,
}

impl From<Shape> for InputShape {
    fn from(dims: Shape) -> Self {
        Self { dims, open: None }
    }
}

impl InputShape {
    /// Reads `[null, 24, 1]`, with the `batch` in front, or `[24, 1]`; `null` is the open dimension.
    ///
    /// # Errors
    /// InvalidParameter for more than one open dimension, and for what is no shape.
    pub(crate) fn from_json(json: &Value, batch: bool) -> Result<Self> {
        let wrong = || {
            invalid(format!(
                "the input must be rows of known dimensions, but for one that may be null, not of shape {json}"
            ))
            .hint("The batch comes first: \"batch_shape\": [null, 28], or [null, 24, 1] for 24 steps of one number.")
        };
        let list = json.as_array().map(Vec::as_slice).unwrap_or_default();
        let list = list.get(usize::from(batch)..).unwrap_or_default();
        let (mut dims, mut open) = (Vec::with_capacity(list.len()), None);
        for (i, dim) in list.iter().enumerate() {
            dims.push(match dim.as_u64().map(usize::try_from) {
                Some(Ok(dim)) if dim > 0 => dim,
                None if dim.is_null() && open.is_none() => {
                    open = Some(i);
                    1
                }
                _ => return Err(wrong()),
            });
        }
        if dims.is_empty() {
            return Err(wrong());
        }
        let dims = Shape::new(&dims)?;
        Ok(Self { dims, open })
    }

    /// Whether it says nothing: a row of as many numbers as there are.
    pub(crate) fn is_any_row(self) -> bool {
        self.open.is_some() && self.dims.rank() == 1
    }

    /// What says as much as both do; `None` where they contradict each other.
    pub(crate) fn and(self, other: Self) -> Option<Self> {
        let closes = |it: Self| {
            let shape = it.known()?;
            (self.of(shape.width()).ok() == Some(shape)).then_some(it)
        };
        if self == other {
            return Some(self);
        }
        match self.open {
            Some(_) => closes(other),
            None => other.open.and_then(|_| other.and(self)),
        }
    }

    /// The shape, if all of it is known.
    pub fn known(self) -> Option<Shape> {
        self.open.is_none().then_some(self.dims)
    }

    /// The shape of rows of so many numbers.
    ///
    /// # Errors
    /// InvalidParameter where they cannot have it.
    pub fn of(self, width: usize) -> Result<Shape> {
        let rest = self.dims.width();
        let Some(open) = self.open else {
            return match rest == width {
                true => Ok(self.dims),
                false => Err(invalid(format!(
                    "the layers state {rest} inputs, the data has {width}"
                ))
                .hint("Leave the InputLayer out: the width is taken from the encoded columns.")),
            };
        };
        if width == 0 || !width.is_multiple_of(rest) {
            return Err(invalid(format!(
                "the layers take rows of shape {self}, the data has {width} inputs"
            ))
            .hint(format!("Their number must be a multiple of {rest}.")));
        }
        let mut dims = self.dims.dims().to_vec();
        if let Some(dim) = dims.get_mut(open) {
            *dim = width / rest;
        }
        Shape::new(&dims)
    }

    /// As Keras's JSON has it, with the batch in front: `[null, null, 1]`.
    pub fn to_json(self) -> Value {
        let mut json = self.dims.to_json();
        if let Some(open) = self.open
            && let Some(dim) = json.get_mut(open + 1)
        {
            *dim = Value::Null;
        }
        json
    }
}

impl fmt::Display for InputShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dims: Vec<String> = (0..)
            .zip(self.dims.dims())
            .map(|(i, dim)| match self.open == Some(i) {
                true => "null".to_owned(),
                false => dim.to_string(),
            })
            .collect();
        write!(f, "({})", dims.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<InputShape> {
        InputShape::from_json(&serde_json::from_str(text).unwrap(), true)
    }

    #[test]
    fn the_width_of_the_data_closes_the_open_dimension() {
        for (text, width, shape) in [
            ("[null, null, 1]", 24, "(24, 1)"),
            ("[32, null, 3]", 24, "(8, 3)"),
            ("[null, 4, null]", 24, "(4, 6)"),
            ("[null, 2, null, 3]", 24, "(2, 4, 3)"),
            ("[null, 24, 1]", 24, "(24, 1)"),
            ("[null, null]", 24, "(24)"),
        ] {
            let stated = read(text).unwrap();
            assert_eq!(stated.of(width).unwrap().to_string(), shape);
            assert_eq!(read(&stated.to_json().to_string()).unwrap(), stated);
        }
        let open = read("[null, null, 5]").unwrap();
        assert_eq!(open.to_json().to_string(), "[null,null,5]");
        let error = open.of(24).unwrap_err();
        assert_eq!(
            (error.to_string().as_str(), error.hint_text()),
            (
                "the layers take rows of shape (null, 5), the data has 24 inputs",
                Some("Their number must be a multiple of 5.")
            )
        );
        assert!(open.of(0).is_err());
    }

    #[test]
    fn two_shapes_agree_where_one_closes_the_other() {
        for (one, other, both) in [
            ("[null, null, 2]", "[null, 7, 2]", Some("(7, 2)")),
            ("[null, null, 2]", "[null, null, 2]", Some("(null, 2)")),
            ("[null, null]", "[null, 7]", Some("(7)")),
            ("[null, null, 2]", "[null, 7, 3]", None),
            ("[null, null, 2]", "[null, 7, null]", None),
            ("[null, null]", "[null, 7, 2]", None),
            ("[null, 7, 2]", "[null, 8, 2]", None),
        ] {
            let (one, other) = (read(one).unwrap(), read(other).unwrap());
            for both_ways in [one.and(other), other.and(one)] {
                assert_eq!(both_ways.map(|it| it.to_string()).as_deref(), both);
            }
        }
    }

    #[test]
    fn more_than_one_open_dimension_is_no_shape() {
        for text in [
            "[null, null, null]",
            "[null]",
            "[]",
            "3",
            "[null, 0, 1]",
            "[null, -1, 1]",
            "[null, \"4\", 1]",
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(
                error.starts_with("the input must be rows of known dimensions"),
                "{error}"
            );
        }
    }
}
