//! What the last outputs mean.

use super::quote::{number, numbers, texts};
use crate::target::TargetKind;
use crate::{Error, ErrorKind, Loss, Result, Target};

/// What the function returns.
pub(super) struct Answer {
    pub(super) expression: String,
    pub(super) sql_type: &'static str,
}

/// The answer of a network, trained with `loss`, whose outputs are the array `x` of the subquery after so many layers.
///
/// # Errors
/// NotSupported for three and more classes without probabilities.
pub(super) fn of(target: &Target, loss: Loss, layers: usize) -> Result<Answer> {
    let x = format!("l{layers}.x");
    Ok(match &target.kind {
        TargetKind::Regression { outputs } => match outputs.as_slice() {
            [one] => Answer {
                expression: format!("{x}[1] * {} + {}", number(one.std), number(one.mean)),
                sql_type: "double precision",
            },
            all => Answer {
                expression: format!(
                    "(SELECT array_agg(t.v * t.std + t.mean ORDER BY t.i)\n          FROM unnest({x}, {}, {}) WITH ORDINALITY AS t (v, std, mean, i))",
                    numbers(all.iter().map(|it| it.std)),
                    numbers(all.iter().map(|it| it.mean)),
                ),
                sql_type: "double precision[]",
            },
        },
        // What the network answers, of two outputs the second less the first.
        TargetKind::Classes { labels } if labels.len() == 2 && !loss.gives_probabilities() => {
            Answer {
                expression: format!(
                    "CASE cardinality({x}) WHEN 2 THEN {x}[2] - {x}[1] ELSE {x}[1] END"
                ),
                sql_type: "double precision",
            }
        }
        TargetKind::Classes { .. } if !loss.gives_probabilities() => {
            let message = format!(
                "{} cannot be plain SQL: loss {} gives no probabilities",
                target.words(),
                loss.name()
            );
            return Err(Error::new(ErrorKind::NotSupported, message)
                .hint("Train it with a crossentropy, or use ml_export() for the network."));
        }
        TargetKind::Classes { labels } if labels.len() == 2 => Answer {
            // One output or two: the last is the positive one.
            expression: format!("least(greatest({x}[cardinality({x})], 0), 1)"),
            sql_type: "double precision",
        },
        TargetKind::Classes { labels } => Answer {
            expression: format!(
                "(SELECT jsonb_object_agg(t.label, t.p ORDER BY t.i)\n          FROM unnest({}, {x}) WITH ORDINALITY AS t (label, p, i))",
                texts(labels)
            ),
            sql_type: "jsonb",
        },
    })
}
