//! From columns to the network's inputs: learned on training rows, frozen before any weight moves, replayed in scoring.

mod calendar;
mod codes;
mod consistency;
mod counts;
mod distribution;
mod drift;
mod elements;
mod encoding;
#[cfg(test)]
pub(crate) mod fixture;
mod freeze;
mod info;
mod layout;
mod learner;
mod lookup;
mod moments;
mod number;
mod outliers;
mod pass;
mod place;
mod preprocessing;
mod quantiles;
mod record_encoder;
mod refusal;
mod row_encoder;
mod runs;
mod shape;
mod skew;
mod skips;
#[cfg(test)]
mod tests;
mod texts;
mod transform;

pub use drift::{Drift, FeatureDrift};
pub use info::FeatureInfo;
pub use transform::Transform;

pub(crate) use calendar::{DAY, Date};
pub(crate) use distribution::{Distribution, Profile};
pub(crate) use encoding::{
    CategoryNull, Code, Encoding, MAX_PLACES, Null, Number, Part, Scale, Unseen, Vocabulary,
};
pub(crate) use freeze::{freeze, freezing_bytes, frozen_encoder};
pub(crate) use layout::{frozen_layout, layout};
pub(crate) use learner::Learner;
pub(crate) use lookup::{Lookup, hash};
pub(crate) use moments::{Moments, divisor};
pub(crate) use number::Scaling;
pub(crate) use outliers::drop_outliers;
pub(crate) use pass::Pass;
pub(crate) use place::{Place, bucket, position};
pub(crate) use preprocessing::{Difference, Preprocessing};
pub(crate) use record_encoder::RecordEncoder;
pub(crate) use refusal::{
    length_differs, not_finite, too_far, unseen_refused, width_differs, wrong_type,
};
pub(crate) use row_encoder::RowEncoder;
pub(crate) use runs::Runs;
pub(crate) use skips::Skips;
