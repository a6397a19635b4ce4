//! Where a category stands: one definition for the codes of stored rows and for the texts of scored ones.

use super::encoding::{CategoryNull, Code, Encoding, Unseen, Vocabulary};

/// The place of a category among inputs or vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// This one, counted from 0.
    At(u32),
    /// None: its inputs are all 0.
    Nowhere,
    /// The category is refused.
    Refused,
}

impl Place {
    fn of(place: Option<usize>) -> Self {
        place.map_or(Self::Nowhere, |place| Self::At(place as u32))
    }
}

impl Vocabulary {
    /// The input of a category, or of NULL, in a one-hot encoding.
    pub(crate) fn input(&self, given: Option<Code>) -> Place {
        self.place(
            given,
            Place::of(self.other_input()),
            self.missing_input(),
            0,
        )
    }

    /// The place of a category's vector, or of NULL's, in an embedding.
    pub(crate) fn vector(&self, given: Option<Code>) -> Place {
        let missing = self.missing.then_some(1 + self.categories.len());
        self.place(given, Place::At(0), missing, 1)
    }

    fn place(
        &self,
        given: Option<Code>,
        other: Place,
        missing: Option<usize>,
        first: u32,
    ) -> Place {
        let null = || match self.null {
            CategoryNull::Missing if missing.is_none() => other,
            CategoryNull::Missing => Place::of(missing),
            CategoryNull::Category(place) => Place::At(first + place),
            CategoryNull::Refused => Place::Refused,
        };
        match given {
            None => null(),
            Some(Code::Category(place)) => Place::At(first + place),
            Some(Code::Other) => other,
            Some(Code::Unseen) => match self.unseen {
                Unseen::Other => other,
                Unseen::Missing => null(),
                Unseen::Error => Place::Refused,
            },
        }
    }
}

/// The bucket of `text`: its FNV-1a hash of 64 bits, mixed once more (MurmurHash3's finish), times `buckets`, by 2^64.
pub(crate) fn bucket(text: &str, buckets: u32) -> u32 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in text.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^= hash >> 33;
    ((u128::from(hash) * u128::from(buckets)) >> 64) as u32
}

/// The place of NULL among buckets, the last of which it may have for itself.
pub(crate) fn bucket_of_null(
    null: CategoryNull,
    buckets: u32,
    missing: bool,
    one_hot: bool,
) -> Place {
    match null {
        CategoryNull::Missing if missing => Place::At(buckets),
        // Nothing stands for others among buckets: without an input all zeros, without a vector that of the empty text.
        CategoryNull::Missing if one_hot => Place::Nowhere,
        CategoryNull::Missing => Place::At(bucket("", buckets)),
        CategoryNull::Category(place) => Place::At(place),
        CategoryNull::Refused => Place::Refused,
    }
}

/// The input of a position in an order, or of what has none, and whether it counts as missing; NaN where it is refused.
pub(crate) fn position(encoding: &Encoding, given: Option<Code>) -> [f32; 2] {
    let Encoding::Ordinal { number, unseen, .. } = encoding else {
        return [f32::NAN; 2];
    };
    let scaling = super::Scaling::new(number);
    match (given, unseen) {
        (Some(Code::Category(place)), _) => [scaling.apply(f64::from(place)), 0.0],
        (Some(_), Unseen::Error) => [f32::NAN, 0.0],
        (Some(_), Unseen::Other) => [scaling.null(), 0.0],
        (Some(_), Unseen::Missing) | (None, _) => [scaling.null(), 1.0],
    }
}

impl Encoding {
    /// Whether NULL is refused, where values are texts.
    pub(crate) fn refuses_null(&self) -> bool {
        match self {
            Self::OneHot(vocabulary) => vocabulary.input(None) == Place::Refused,
            Self::Embedding { vocabulary, .. } => vocabulary.vector(None) == Place::Refused,
            Self::Ordinal { .. } => position(self, None)[0].is_nan(),
            Self::Hash { null, .. } => *null == CategoryNull::Refused,
            _ => false,
        }
    }

    /// Whether `text` is refused, because training rows did not have it.
    pub(crate) fn refuses(&self, text: &str) -> bool {
        let unseen = Some(Code::Unseen);
        let (known, refused) = match self {
            Self::OneHot(it) => (&it.categories, it.input(unseen) == Place::Refused),
            Self::Embedding { vocabulary: it, .. } => {
                (&it.categories, it.vector(unseen) == Place::Refused)
            }
            Self::Ordinal { order, .. } => (order, position(self, unseen)[0].is_nan()),
            _ => return false,
        };
        refused && known.iter().all(|it| it != text)
    }
}
