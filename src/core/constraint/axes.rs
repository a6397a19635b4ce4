//! The axes of a variable along which norms are taken, as Keras has them.

use crate::config::{Config, invalid};
use crate::{MAX_RANK, Result};
use serde_json::{Value, json};

/// Axes of a variable from 0 on; those below 0 count from behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Axes {
    /// All of them (Keras: None): one norm.
    All,
    /// One.
    One(i64),
    /// So many of these.
    Several([i64; MAX_RANK], usize),
}

impl Axes {
    /// The `axis` of a constraint; 0 where it is left out.
    pub(super) fn read(config: &Config) -> Result<Self> {
        let wrong = |value: &Value| {
            invalid(format!(
                "axis of {} must be a number or a list of up to {MAX_RANK} numbers, not {value}",
                config.what
            ))
        };
        match config.get("axis") {
            None if config.is_null("axis") => Ok(Self::All),
            None => Ok(Self::One(0)),
            Some(value @ Value::Array(list)) => {
                let mut axes = [0; MAX_RANK];
                if list.is_empty() || list.len() > MAX_RANK {
                    return Err(wrong(value));
                }
                for (axis, json) in axes.iter_mut().zip(list) {
                    *axis = json.as_i64().ok_or_else(|| wrong(value))?;
                }
                Ok(Self::Several(axes, list.len()))
            }
            Some(value) => value.as_i64().map(Self::One).ok_or_else(|| wrong(value)),
        }
    }

    /// As Keras writes them.
    pub(super) fn to_json(self) -> Value {
        match self {
            Self::All => Value::Null,
            Self::One(axis) => json!(axis),
            Self::Several(axes, count) => json!(axes.get(..count)),
        }
    }

    /// Which axes of a variable of so many are meant; `None` where it does not have one, or has one twice.
    pub(super) fn reduced(self, rank: usize) -> Option<[bool; MAX_RANK]> {
        let one;
        let axes = match &self {
            Self::All => return (rank <= MAX_RANK).then_some([true; MAX_RANK]),
            Self::One(axis) => {
                one = [*axis];
                &one[..]
            }
            Self::Several(axes, count) => axes.get(..*count)?,
        };
        let mut reduced = [false; MAX_RANK];
        for &axis in axes {
            let from_front = if axis < 0 {
                axis.checked_add(i64::try_from(rank).ok()?)?
            } else {
                axis
            };
            let place = usize::try_from(from_front).ok()?;
            let axis = reduced.get_mut(..rank)?.get_mut(place)?;
            if std::mem::replace(axis, true) {
                return None;
            }
        }
        Some(reduced)
    }
}
