//! The elements of a vector as the model file has them: attribute by attribute. As an object each, JSON would take
//! fifty times the memory of the numbers.

use super::{Null, Number, Scale};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What all elements share, and a list of each that differs.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Attributes {
    scale: Scale,
    center: Vec<f64>,
    divisor: Vec<f64>,
    /// None where no element is clipped.
    clip: Option<Vec<Option<[f64; 2]>>>,
    /// None where NULL is refused.
    null: Option<Vec<f64>>,
}

/// Writes elements, which one column's options gave the same scale and the same way with NULL.
pub(super) fn serialize<S: Serializer>(elements: &[Number], to: S) -> Result<S::Ok, S::Error> {
    let null = |element: &Number| match element.null {
        Null::Value(value) => Some(value),
        Null::Refused => None,
    };
    let clipped = elements.iter().any(|element| element.clip.is_some());
    Attributes {
        scale: elements
            .first()
            .map_or(Scale::None, |element| element.scale),
        center: elements.iter().map(|element| element.center).collect(),
        divisor: elements.iter().map(|element| element.divisor).collect(),
        clip: clipped.then(|| elements.iter().map(|element| element.clip).collect()),
        null: elements.iter().map(null).collect(),
    }
    .serialize(to)
}

/// Reads what [`serialize`] wrote; lists of different lengths are an error.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Number>, D::Error> {
    let Attributes {
        scale,
        center,
        divisor,
        clip,
        null,
    } = Attributes::deserialize(from)?;
    let length = center.len();
    let lengths = [
        Some(divisor.len()),
        clip.as_ref().map(Vec::len),
        null.as_ref().map(Vec::len),
    ];
    if lengths.into_iter().flatten().any(|other| other != length) {
        return Err(D::Error::custom("the lists of a vector differ in length"));
    }
    let numbers = center.into_iter().zip(divisor).enumerate();
    Ok(numbers
        .map(|(place, (center, divisor))| Number {
            scale,
            clip: clip
                .as_ref()
                .and_then(|clip| clip.get(place).copied().flatten()),
            center,
            divisor,
            null: match null.as_ref().and_then(|null| null.get(place)) {
                Some(value) => Null::Value(*value),
                None => Null::Refused,
            },
            missing: false,
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::super::Encoding;
    use super::*;

    fn element(center: f64, clip: Option<[f64; 2]>, null: Null<f64>) -> Number {
        Number {
            scale: Scale::Robust,
            clip,
            center,
            divisor: 2.0,
            null,
            missing: false,
        }
    }

    #[test]
    fn elements_come_back_as_they_were() {
        for null in [Null::Value(0.1), Null::Refused] {
            for clip in [None, Some([-1.0, 1.5])] {
                let elements = vec![element(0.5, clip, null), element(0.25, None, null)];
                let encoding = Encoding::Vector {
                    elements,
                    missing: true,
                };
                let text = serde_json::to_string(&encoding).expect("written");
                let again: Encoding = serde_json::from_str(&text).expect("read");
                assert_eq!(again, encoding);
            }
        }
    }

    #[test]
    fn lists_of_different_lengths_are_refused() {
        let text = r#"{"vector": {"elements": {"scale": "none", "center": [0, 0], "divisor": [1], "clip": null, "null": null}, "missing": false}}"#;
        let error = serde_json::from_str::<Encoding>(text).expect_err("refused");
        assert!(error.to_string().contains("differ in length"), "{error}");
    }
}
