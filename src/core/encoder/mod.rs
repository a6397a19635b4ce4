//! From columns to the network's inputs: learned on training rows, frozen before any weight moves, replayed in scoring.

mod calendar;
mod categories;
mod consistency;
mod distribution;
mod drift;
mod encoding;
mod info;
mod learner;
mod lookup;
mod median;
mod number;
mod place;
mod preprocessing;
mod profile;
mod record_encoder;
mod refusal;
mod row_encoder;
#[cfg(test)]
mod tests;
mod transform;

pub use drift::{Drift, FeatureDrift};
pub use info::FeatureInfo;
pub use transform::Transform;

pub(crate) use calendar::{DAY, Date};
pub(crate) use categories::Categories;
pub(crate) use distribution::{Distribution, Profile};
pub(crate) use encoding::{
    CategoryNull, Code, Encoding, Null, Number, Part, Scale, Unseen, Vocabulary,
};
pub(crate) use learner::{Learner, MAX_CATEGORIES};
pub(crate) use lookup::Lookup;
pub(crate) use median::{SAMPLE, medians};
pub(crate) use number::Scaling;
pub(crate) use place::bucket;
pub(crate) use preprocessing::{Difference, Preprocessing};
pub(crate) use profile::Moments;
pub(crate) use record_encoder::RecordEncoder;
pub(crate) use refusal::{length_differs, not_finite, too_far, width_differs, wrong_type};
pub(crate) use row_encoder::RowEncoder;
