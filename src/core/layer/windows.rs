//! Windows over the steps of a row, as convolution and pooling have them.

use crate::config::{Config, invalid};
use crate::{Error, ErrorKind, Result};
use serde_json::{Map, Value, json};
use std::ops::Range;

/// What stands before the first step and behind the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    /// Nothing: windows lie within the row.
    Valid,
    /// Zeros, or nothing that counts, on both sides: as many windows as steps where the stride is 1.
    Same,
    /// Zeros before the first step: a window ends at its step.
    Causal,
}

impl Padding {
    const NAMES: [(&'static str, Padding); 3] = [
        ("valid", Padding::Valid),
        ("same", Padding::Same),
        ("causal", Padding::Causal),
    ];

    /// Reads Keras's word; pooling has no causal one.
    pub(super) fn read(config: &Config, causal: bool) -> Result<Self> {
        let Some(word) = config.string("padding")? else {
            return Ok(Self::Valid);
        };
        let known = &Self::NAMES[..2 + usize::from(causal)];
        let found = known.iter().find(|(name, _)| *name == word);
        found.map(|(_, padding)| *padding).ok_or_else(|| {
            let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
            crate::config::unknown("padding", "paddings", word, &names)
        })
    }

    /// Keras's word.
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize].0
    }
}

/// The longest window, and the widest stride.
const MOST: u64 = 1 << 20;

/// How windows lie, before a row is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry {
    /// Steps in a window.
    pub size: usize,
    /// Steps from one window to the next.
    pub stride: usize,
    /// Steps from one number in a window to the next.
    pub dilation: usize,
    /// What stands outside the row.
    pub padding: Padding,
}

impl Geometry {
    /// A whole number, or a list of one, as Keras writes it.
    pub(super) fn number(config: &Config, key: &str) -> Result<Option<usize>> {
        let one = match config.get(key) {
            Some(Value::Array(list)) => match &list[..] {
                [one] => Some(one),
                _ => {
                    return Err(invalid(format!(
                        "{key} of {} must be one number",
                        config.what
                    )));
                }
            },
            one => one,
        };
        let Some(one) = one else {
            return Ok(None);
        };
        match one.as_u64().filter(|n| (1..=MOST).contains(n)) {
            Some(n) => Ok(Some(n as usize)),
            None => Err(invalid(format!(
                "{key} of {} must be an integer from 1 to {MOST}, not {one}",
                config.what
            ))),
        }
    }

    /// Guards what a caller may have built by hand.
    pub(super) fn check(&self, layer: &str) -> Result<()> {
        let all = [self.size, self.stride, self.dilation];
        if all.iter().any(|&n| n == 0 || n as u64 > MOST) {
            return Err(invalid(format!(
                "windows of {layer} must be from 1 to {MOST} steps long and apart"
            )));
        }
        if self.stride > 1 && self.dilation > 1 {
            return Err(invalid(format!(
                "{layer} cannot have both strides {} and dilation_rate {}",
                self.stride, self.dilation
            )));
        }
        Ok(())
    }

    /// Writes what convolution and pooling share.
    pub(super) fn write(&self, size: &str, map: &mut Map<String, Value>) {
        map.insert(size.to_owned(), json!([self.size]));
        map.insert("strides".into(), json!([self.stride]));
        map.insert("padding".into(), json!(self.padding.name()));
        map.insert("data_format".into(), json!("channels_last"));
    }

    /// The windows over `steps`.
    ///
    /// # Errors
    /// InvalidParameter where not one fits.
    pub(super) fn over(self, layer: &str, steps: usize) -> Result<Windows> {
        let long = (self.size - 1)
            .checked_mul(self.dilation)
            .and_then(|long| long.checked_add(1))
            .ok_or_else(|| Error::new(ErrorKind::LimitExceeded, "a window is too long"))?;
        let (count, before) = match self.padding {
            Padding::Valid if long > steps => {
                return Err(invalid(format!(
                    "a window of {layer} is {long} steps long, and a row has {steps}"
                ))
                .hint("Make it shorter, or pad the row: \"padding\": \"same\"."));
            }
            Padding::Valid => ((steps - long) / self.stride + 1, 0),
            Padding::Same => {
                let count = steps.div_ceil(self.stride);
                let needed = (count - 1) * self.stride + long;
                (count, needed.saturating_sub(steps) / 2)
            }
            Padding::Causal => (steps.div_ceil(self.stride), long - 1),
        };
        Ok(Windows {
            steps,
            count,
            before,
            geometry: self,
        })
    }
}

/// Windows over rows of so many steps.
#[derive(Debug, Clone, Copy)]
pub(super) struct Windows {
    pub steps: usize,
    pub count: usize,
    /// Steps of padding before the first.
    before: usize,
    geometry: Geometry,
}

impl Windows {
    /// For every number of the `i`th window the step it stands on; `None` in the padding.
    pub fn places(&self, i: usize) -> impl Iterator<Item = Option<usize>> {
        let Self {
            steps,
            before,
            geometry,
            ..
        } = *self;
        (0..geometry.size).map(move |k| {
            let place = i * geometry.stride + k * geometry.dilation;
            place.checked_sub(before).filter(|&step| step < steps)
        })
    }

    /// The most steps of the row in one window.
    pub fn longest(&self) -> usize {
        self.geometry.size.min(self.steps)
    }

    /// The steps of the `i`th window that are in the row, where nothing lies between them.
    pub fn range(&self, i: usize) -> Range<usize> {
        let from = i * self.geometry.stride;
        let to = (from + self.geometry.size).saturating_sub(self.before);
        from.saturating_sub(self.before)..to.min(self.steps)
    }
}
