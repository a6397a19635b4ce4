//! Features handed over in training order: one argument each, or the elements of one array.

use pgrx::pg_sys::{self, Datum, NullableDatum, Oid};
use tablenet_core::{Binding, Error, ErrorKind, Feature, Result, Value};

use crate::scalar::{Scalar, literal};

/// Refuses any other number of values than the model has features.
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
    let message = format!("model \"{model}\" expects {expected} feature{plural}, not {given}");
    Err(Error::new(ErrorKind::FeatureCount, message)
        .hint(format!("In training order they are: {names}.")))
}

/// One argument per feature.
pub struct Scalars {
    scalars: Vec<Scalar>,
}

impl Scalars {
    /// Checks number and types of the arguments.
    pub fn bind(model: &str, features: &[Feature], types: &[Oid]) -> Result<Self> {
        check_count(model, features, types.len())?;
        let scalars = types
            .iter()
            .enumerate()
            .map(|(index, &type_oid)| Scalar::new(&format!("argument {}", index + 2), type_oid))
            .collect::<Result<Vec<_>>>()?;
        let column_types = scalars.iter().map(Scalar::column_type).collect::<Vec<_>>();
        Binding::positional(features, &column_types)?;
        Ok(Self { scalars })
    }

    /// Whether one of the arguments is an enum.
    pub fn reads_enum(&self) -> bool {
        self.scalars.iter().any(Scalar::is_enum)
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
        for (((scalar, argument), feature), value) in
            self.scalars.iter().zip(arguments).zip(features).zip(row)
        {
            // SAFETY: by contract.
            unsafe { scalar.put(argument.value, argument.isnull, feature, value)? };
        }
        Ok(())
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
