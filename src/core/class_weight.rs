//! How much the rows of each class count in the loss (Keras: `class_weight`).

use crate::config::{invalid, word_or_json};
use crate::nearest::nearest;
use crate::target::listed;
use crate::{ErrorKind, Result};
use serde_json::{Map, Value};

/// A factor for the loss of every training row, by its class. Validation rows all count alike.
#[derive(Debug, Clone, PartialEq)]
pub enum ClassWeight {
    /// Every class counts as much as any other: rows / (classes * rows of the class), as scikit-learn has it.
    Balanced,
    /// By label; 1 for those that are not named.
    Labels(Vec<(String, f64)>),
}

impl ClassWeight {
    /// Reads the word `balanced` or an object: `{"yes": 5, "no": 1}`.
    pub fn parse(text: &str) -> Result<Self> {
        let hint = r#"It is the word balanced or an object like {"yes": 5, "no": 1}."#;
        match word_or_json("class_weight", text)? {
            Value::String(word) if word.trim().eq_ignore_ascii_case("balanced") => {
                Ok(Self::Balanced)
            }
            Value::Object(labels) => {
                let weight = |(label, weight): (&String, &Value)| {
                    match weight.as_f64() {
                    Some(number) if is_weight(number) => Ok((label.clone(), number)),
                    _ => Err(invalid(format!(
                        "the class_weight of \"{label}\" must be a number of at least 0, not {weight}"
                    ))
                    .hint(hint)),
                }
                };
                let labels: Vec<_> = labels.iter().map(weight).collect::<Result<_>>()?;
                if labels.is_empty() {
                    return Err(invalid("the class_weight names no label").hint(hint));
                }
                Ok(Self::Labels(labels))
            }
            Value::String(word) => {
                Err(invalid(format!("unknown class_weight \"{word}\"")).hint(hint))
            }
            _ => Err(invalid("the class_weight must be a word or a JSON object").hint(hint)),
        }
    }

    /// The form that [`ClassWeight::parse`] reads.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Balanced => "balanced".into(),
            Self::Labels(labels) => {
                let entry = |(label, weight): &(String, f64)| (label.clone(), (*weight).into());
                Value::Object(labels.iter().map(entry).collect::<Map<_, _>>())
            }
        }
    }

    /// The weight of each of `labels`, which the target `name` has in so many training rows each.
    ///
    /// `InvalidParameter` for a label that the target does not have, and where no row would count.
    pub(crate) fn weights(&self, name: &str, labels: &[String], rows: &[u64]) -> Result<Vec<f64>> {
        let weights = match self {
            Self::Balanced => {
                let all: u64 = rows.iter().sum();
                let share = all as f64 / labels.len() as f64;
                rows.iter()
                    .map(|rows| share / (*rows).max(1) as f64)
                    .collect()
            }
            Self::Labels(given) => {
                let mut weights = vec![1.0; labels.len()];
                for (label, weight) in given {
                    let known = labels.iter().zip(&mut weights);
                    match known.into_iter().find(|(known, _)| *known == label) {
                        Some((_, place)) => *place = *weight,
                        None => return Err(unknown(name, label, labels)),
                    }
                }
                weights
            }
        };
        if weights
            .iter()
            .zip(rows)
            .all(|(weight, rows)| *weight == 0.0 || *rows == 0)
        {
            return Err(invalid("the class_weight of every class is 0")
                .hint("Give the classes that count a weight above 0."));
        }
        Ok(weights)
    }
}

/// What a weight can be, and be as an f32.
pub(crate) fn is_weight(weight: f64) -> bool {
    weight >= 0.0 && (weight as f32).is_finite()
}

fn unknown(name: &str, label: &str, labels: &[String]) -> crate::Error {
    let error = crate::Error::new(
        ErrorKind::InvalidParameter,
        format!("target \"{name}\" has no label \"{label}\", which class_weight names"),
    );
    let known = format!("Known labels: {}.", listed(labels));
    match nearest(label, labels.iter().map(String::as_str)) {
        Some(near) => error.hint(format!("Did you mean \"{near}\"? {known}")),
        None => error.hint(known),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels() -> Vec<String> {
        ["no", "yes", "maybe"].map(String::from).to_vec()
    }

    #[test]
    fn balanced_weights_equal_scikit_learn() -> Result<()> {
        // from sklearn.utils.class_weight import compute_class_weight
        // compute_class_weight("balanced", classes=np.array([0, 1, 2]), y=np.repeat([0, 1, 2], [70, 20, 10]))
        let expected = [
            0.476_190_476_190_476_2,
            1.666_666_666_666_666_7,
            3.333_333_333_333_333_5,
        ];
        let weights = ClassWeight::Balanced.weights("y", &labels(), &[70, 20, 10])?;
        assert!(
            weights
                .iter()
                .zip(expected)
                .all(|(a, b)| (a - b).abs() < 1e-15),
            "{weights:?}"
        );
        Ok(())
    }

    #[test]
    fn labels_have_their_own_or_one() -> Result<()> {
        let given = ClassWeight::parse(r#"{"yes": 5, "no": 0.5}"#)?;
        assert_eq!(given.weights("y", &labels(), &[1, 1, 1])?, [0.5, 5.0, 1.0]);
        assert_eq!(ClassWeight::parse(&given.to_json().to_string())?, given);
        assert_eq!(ClassWeight::parse(" Balanced ")?, ClassWeight::Balanced);
        Ok(())
    }

    #[test]
    fn refuses_the_rest_by_name() {
        let error = |text: &str| ClassWeight::parse(text).expect_err("refused");
        assert_eq!(
            error("balance").to_string(),
            "unknown class_weight \"balance\""
        );
        assert_eq!(error("{}").to_string(), "the class_weight names no label");
        for weight in ["-1", "1e300", "null", "\"5\""] {
            assert_eq!(
                error(&format!(r#"{{"yes": {weight}}}"#)).to_string(),
                format!("the class_weight of \"yes\" must be a number of at least 0, not {weight}")
                    .replace("1e300", "1e+300")
            );
        }
        let unknown = ClassWeight::Labels(vec![("yess".into(), 1.0)]);
        let error = unknown
            .weights("y", &labels(), &[1, 1, 1])
            .expect_err("unknown");
        assert_eq!(
            error.to_string(),
            "target \"y\" has no label \"yess\", which class_weight names"
        );
        let hint = "Did you mean \"yes\"? Known labels: no, yes, maybe.";
        assert_eq!(error.hint_text(), Some(hint));
        let none = ClassWeight::Labels(labels().into_iter().map(|label| (label, 0.0)).collect());
        assert!(none.weights("y", &labels(), &[1, 1, 1]).is_err());
    }
}
