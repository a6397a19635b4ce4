//! Features handed over in training order: one argument each, or the elements of one array.

use pgrx::pg_sys::{self, Datum, NullableDatum, Oid};
use tablenet_core::{Binding, Error, ErrorKind, Feature, Result, Value};

use crate::decoder::Fixed;
use crate::literal::literal;
use crate::scalar::Scalar;
use crate::whole_row::by_name;

/// Refuses any other number of values than the model, which errors call `model`, has features.
pub fn check_count(model: &str, features: &[Feature], given: usize) -> Result<()> {
    if features.len() == given {
        return Ok(());
    }
    let (expected, plural) = (features.len(), if features.len() == 1 { "" } else { "s" });
    let names = features
        .iter()
        .map(|feature| feature.name.as_str())
        .collect::<Vec<_>>()
        .join(", ");
    let message = format!("{model} expects {expected} feature{plural}, not {given}");
    Err(Error::new(ErrorKind::FeatureCount, message)
        .hint(format!("In training order they are: {names}.")))
}

/// One argument per feature, and where it stands.
pub struct Scalars {
    scalars: Vec<(usize, Scalar)>,
}

impl Scalars {
    /// Arguments in training order; checks their number and types.
    pub fn in_order(model: &str, features: &[Feature], types: &[Oid]) -> Result<Self> {
        check_count(model, features, types.len())?;
        let scalars = types
            .iter()
            .enumerate()
            .map(|(index, &type_oid)| Scalar::new(&format!("argument {}", index + 2), type_oid))
            .collect::<Result<Vec<_>>>()?;
        let column_types = scalars.iter().map(Scalar::column_type).collect::<Vec<_>>();
        Binding::positional(features, &column_types)?;
        Ok(Self {
            scalars: scalars.into_iter().enumerate().collect(),
        })
    }

    /// The columns of a row as arguments, behind the list of their names.
    pub fn by_name(
        names: &[String],
        types: &[Oid],
        model: &str,
        features: &[Feature],
        told: &mut bool,
    ) -> Result<Self> {
        let columns = names.iter().map(String::as_str).zip(types.iter().copied());
        let columns = (1..)
            .zip(columns)
            .map(|(place, (name, type_oid))| (place, name, type_oid))
            .collect::<Vec<_>>();
        Ok(Self {
            scalars: by_name(&columns, model, features, told)?,
        })
    }

    /// The same without a detour, if every argument can be read so.
    pub fn direct(&self) -> Option<Direct> {
        let direct = |(place, scalar): &(usize, Scalar)| Some((*place, scalar.fixed()?));
        let arguments = self.scalars.iter().map(direct).collect::<Option<_>>()?;
        Some(Direct { arguments })
    }

    /// Whether one of the arguments is an enum.
    pub fn reads_enum(&self) -> bool {
        self.scalars.iter().any(|(_, scalar)| scalar.is_enum())
    }

    /// Puts the features of one call into `row`.
    ///
    /// # Safety
    /// `arguments` are the values that this was bound for, and live for `'a`.
    #[inline]
    pub unsafe fn read<'a>(
        &'a self,
        arguments: &[NullableDatum],
        features: &[Feature],
        row: &mut [Value<'a>],
    ) -> Result<()> {
        for (((place, scalar), feature), value) in self.scalars.iter().zip(features).zip(row) {
            if let Some(argument) = arguments.get(*place) {
                // SAFETY: by contract.
                unsafe { scalar.put(argument.value, argument.isnull, feature, value)? };
            }
        }
        Ok(())
    }
}

/// Arguments that are numbers of fixed width and booleans: each goes from its datum into the network's input, with no
/// row of values in between.
pub struct Direct {
    arguments: Vec<(usize, Fixed)>,
}

impl Direct {
    /// The features of one call.
    #[inline]
    pub fn row<'a>(
        &'a self,
        arguments: &'a [NullableDatum],
    ) -> impl ExactSizeIterator<Item = Value<'static>> + Clone + 'a {
        self.arguments.iter().map(|(place, fixed)| {
            arguments.get(*place).map_or(Value::Null, |argument| {
                fixed.value(argument.value, argument.isnull)
            })
        })
    }
}

/// `model` is called with one untyped literal that looks like an object: it must be given a type.
///
/// # Safety
/// `argument` is the value of an untyped literal.
pub unsafe fn check_not_object(argument: &NullableDatum) -> Result<()> {
    if argument.isnull {
        return Ok(());
    }
    // SAFETY: by contract.
    if !unsafe { literal(argument.value)? }
        .trim_start()
        .starts_with('{')
    {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::TypeMismatch,
        "cannot tell whether an untyped literal is an object or a text",
    )
    .hint(
        "For an object with the features by name write '{...}'::jsonb, for a text '{...}'::text.",
    ))
}

/// `VARIADIC array`: one element per feature.
pub struct Elements {
    scalar: Scalar,
    length: i16,
    by_value: bool,
    align: std::ffi::c_char,
}

impl Elements {
    /// Checks the type of the elements; their number is known with each array.
    pub fn bind(features: &[Feature], element: Oid) -> Result<Self> {
        let scalar = Scalar::new("array elements", element)?;
        Binding::positional(features, &vec![scalar.column_type(); features.len()])?;
        let (mut length, mut by_value, mut align) = (0, false, 0);
        // SAFETY: fills the three out parameters for a type that exists.
        unsafe { pg_sys::get_typlenbyvalalign(element, &mut length, &mut by_value, &mut align) };
        Ok(Self {
            scalar,
            length,
            by_value,
            align,
        })
    }

    /// Whether the elements are enums.
    pub fn reads_enum(&self) -> bool {
        self.scalar.is_enum()
    }

    /// Puts the elements of `array` into `row`.
    ///
    /// # Safety
    /// `array` is an array of the element type bound, and lives for `'a` like the current memory context.
    pub unsafe fn read<'a>(
        &'a self,
        array: Datum,
        model: &str,
        features: &[Feature],
        row: &mut [Value<'a>],
    ) -> Result<()> {
        let (mut datums, mut nulls, mut count) = (
            std::ptr::null_mut::<Datum>(),
            std::ptr::null_mut::<bool>(),
            0,
        );
        // SAFETY: the array is unpacked if needed; deconstruct_array fills two arrays of `count` values.
        let (datums, nulls) = unsafe {
            let array = pg_sys::pg_detoast_datum(array.cast_mut_ptr()).cast::<pg_sys::ArrayType>();
            let element = (*array).elemtype;
            pg_sys::deconstruct_array(
                array,
                element,
                self.length.into(),
                self.by_value,
                self.align,
                &mut datums,
                &mut nulls,
                &mut count,
            );
            let count = usize::try_from(count).unwrap_or(0);
            check_count(model, features, count)?;
            (
                std::slice::from_raw_parts(datums, count),
                std::slice::from_raw_parts(nulls, count),
            )
        };
        for (((&datum, &is_null), feature), value) in
            datums.iter().zip(nulls).zip(features).zip(row)
        {
            // SAFETY: by contract.
            unsafe { self.scalar.put(datum, is_null, feature, value)? };
        }
        Ok(())
    }
}
