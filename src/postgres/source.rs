//! Where the feature values of one model come from at one call site.

use pgrx::pg_sys::{MemoryContext, NullableDatum, UNKNOWNOID};
use tablenet_core::{ColumnType, Feature, Result, Value};

use crate::arguments::Arguments;
use crate::json_object::JsonObject;
use crate::positional::{Direct, Elements, Scalars, check_not_object};
use crate::whole_row::{Layout, WholeRow};

/// The arguments of a call, bound to the features of a model.
pub enum Source {
    /// One argument per feature.
    Scalars(Scalars),
    /// The same, of types that are read on the way.
    Direct(Direct),
    /// An array with one element per feature.
    Elements(Elements),
    /// A row.
    Row(WholeRow),
    /// A json or jsonb object.
    Object(JsonObject),
}

impl Source {
    /// Binds `arguments` to the features of `model`; `values` are those of the call in progress. `told` is whether the call
    /// site has listed columns that are no features.
    ///
    /// # Safety
    /// `values` have the types of `arguments`.
    pub unsafe fn bind(
        arguments: &Arguments,
        values: &[NullableDatum],
        model: &str,
        features: &[Feature],
        told: &mut bool,
    ) -> Result<Self> {
        Ok(match arguments {
            Arguments::Scalars(types) => {
                let is_array =
                    matches!(features, [feature] if feature.column_type == ColumnType::Vector);
                if let ([UNKNOWNOID], [value], false) = (&types[..], values, is_array) {
                    // SAFETY: by contract an untyped literal.
                    unsafe { check_not_object(value)? };
                }
                Self::of(Scalars::in_order(model, features, types)?)
            }
            Arguments::Columns { names, types } => {
                Self::of(Scalars::by_name(names, types, model, features, told)?)
            }
            Arguments::Array { element } => Self::Elements(Elements::bind(features, *element)?),
            Arguments::Row { anonymous } => Self::Row(WholeRow::new(*anonymous)),
            Arguments::Object { binary } => Self::Object(JsonObject::bind(*binary, features)?),
        })
    }

    fn of(scalars: Scalars) -> Self {
        match scalars.direct() {
            Some(direct) => Self::Direct(direct),
            None => Self::Scalars(scalars),
        }
    }

    /// Whether it holds labels of an enum, which another statement may see changed.
    pub fn reads_enum(&self) -> bool {
        match self {
            Self::Scalars(scalars) => scalars.reads_enum(),
            Self::Direct(_) => false,
            Self::Elements(elements) => elements.reads_enum(),
            Self::Row(row) => row.reads_enum(),
            Self::Object(_) => false,
        }
    }

    /// Puts the features into `row`, unless they are [`Direct`]; `false` if there is no row, array or object to take them from.
    ///
    /// # Safety
    /// `values` have the types bound and live for `'a` like the current memory context; `context` lives as long as
    /// `layout`.
    #[inline]
    pub unsafe fn read<'a>(
        &'a mut self,
        values: &[NullableDatum],
        model: &str,
        features: &[Feature],
        (layout, told): (&mut Option<Layout>, &mut bool),
        context: MemoryContext,
        row: &mut [Value<'a>],
    ) -> Result<bool> {
        // SAFETY: the contract is passed on.
        unsafe {
            if let Self::Scalars(scalars) = self {
                scalars.read(values, features, row)?;
                return Ok(true);
            }
            let Some(value) = values.first().filter(|value| !value.isnull) else {
                return Ok(false);
            };
            match self {
                Self::Scalars(_) | Self::Direct(_) => {}
                Self::Elements(elements) => elements.read(value.value, model, features, row)?,
                Self::Object(object) => object.read(value.value, features, row)?,
                Self::Row(whole) => {
                    Layout::unpack(layout, value.value, context);
                    if let Some(layout) = layout {
                        whole.read(layout, model, features, row, told)?;
                    }
                }
            }
        }
        Ok(true)
    }
}
