//! Features handed over as one row: a table's, a subquery's, or `ROW(...)`.

use std::ffi::CStr;

use pgrx::pg_sys::{self, Datum};
use pgrx::varlena;
use tablenet_core::{Binding, Feature, Result, Value};

use crate::datum;
use crate::positional::check_count;
use crate::query::attribute;
use crate::scalar::Scalar;

/// The columns of the rows that one call site is given, and the values of the row at hand.
pub struct Layout {
    type_id: pg_sys::Oid,
    typmod: i32,
    /// The type cache's entry of a named type (it is never freed), and the number it had for this layout.
    entry: *const pg_sys::TypeCacheEntry,
    identifier: u64,
    /// Our own copy, in the memory context of the call site.
    columns: pg_sys::TupleDesc,
    datums: Vec<Datum>,
    nulls: Vec<bool>,
    /// Counts the layouts of a call site, so that a binding knows whether it is up to date.
    serial: u64,
}

impl Layout {
    /// Unpacks `row` into `layout`, which is renewed if the row has another type than the one before.
    ///
    /// # Safety
    /// `row` is a composite value that lives as long as the values are used, like the current memory context;
    /// `context` lives as long as `layout`.
    pub unsafe fn unpack(layout: &mut Option<Self>, row: Datum, context: pg_sys::MemoryContext) {
        // SAFETY: a composite datum is a varlena whose header names its type; `columns` describes it.
        unsafe {
            let mut header: *mut pg_sys::varlena = row.cast_mut_ptr();
            if !varlena::varatt_is_4b_u(header) {
                header = pg_sys::pg_detoast_datum(header);
            }
            let tuple = header.cast::<pg_sys::HeapTupleHeaderData>();
            let (type_id, typmod) = (
                (*tuple).t_choice.t_datum.datum_typeid,
                (*tuple).t_choice.t_datum.datum_typmod,
            );
            if !layout
                .as_ref()
                .is_some_and(|layout| layout.fits(type_id, typmod))
            {
                let serial = match layout.take() {
                    Some(old) => {
                        pg_sys::FreeTupleDesc(old.columns);
                        old.serial + 1
                    }
                    None => 0,
                };
                *layout = Some(Self::new(type_id, typmod, context, serial));
            }
            if let Some(layout) = layout {
                let mut row = pg_sys::HeapTupleData {
                    t_len: varlena::varsize_4b(header) as u32,
                    t_data: tuple,
                    ..Default::default()
                };
                pg_sys::heap_deform_tuple(
                    &mut row,
                    layout.columns,
                    layout.datums.as_mut_ptr(),
                    layout.nulls.as_mut_ptr(),
                );
            }
        }
    }

    /// # Safety
    /// `entry` is null or an entry of the type cache.
    unsafe fn fits(&self, type_id: pg_sys::Oid, typmod: i32) -> bool {
        self.type_id == type_id
            && self.typmod == typmod
            // SAFETY: entries of the type cache are never freed; the number changes with the type's columns.
            && (self.entry.is_null() || unsafe { (*self.entry).tupDesc_identifier } == self.identifier)
    }

    /// # Safety
    /// As for [`Layout::unpack`].
    unsafe fn new(
        type_id: pg_sys::Oid,
        typmod: i32,
        context: pg_sys::MemoryContext,
        serial: u64,
    ) -> Self {
        // SAFETY: the type is the one of a value at hand, so it is known to the type cache.
        unsafe {
            let columns = pg_sys::lookup_rowtype_tupdesc(type_id, typmod);
            let before = pg_sys::MemoryContextSwitchTo(context);
            let copy = pg_sys::CreateTupleDescCopyConstr(columns);
            pg_sys::MemoryContextSwitchTo(before);
            if (*columns).tdrefcount >= 0 {
                pg_sys::DecrTupleDescRefCount(columns);
            }
            let entry: *const pg_sys::TypeCacheEntry = if type_id == pg_sys::RECORDOID {
                std::ptr::null()
            } else {
                pg_sys::lookup_type_cache(type_id, pg_sys::TYPECACHE_TUPDESC as i32)
            };
            let identifier = if entry.is_null() {
                0
            } else {
                (*entry).tupDesc_identifier
            };
            let width = usize::try_from((*copy).natts).unwrap_or(0);
            Self {
                type_id,
                typmod,
                entry,
                identifier,
                columns: copy,
                datums: vec![Datum::null(); width],
                nulls: vec![true; width],
                serial,
            }
        }
    }

    /// The columns that still exist: place, name, type and type modifier of each.
    pub fn fields(&self) -> Result<Vec<(usize, String, pg_sys::Oid, i32)>> {
        self.columns()
            .map(|(place, column)| {
                let name = name(column)?.to_string();
                Ok((place, name, column.atttypid, column.atttypmod))
            })
            .collect()
    }

    /// Whether the row is of no named type.
    pub fn is_anonymous(&self) -> bool {
        self.type_id == pg_sys::RECORDOID
    }

    /// Grows where rows come to have other columns.
    pub fn serial(&self) -> u64 {
        self.serial
    }

    /// The value at a place of the row that was unpacked last, and whether it is NULL.
    #[inline]
    pub fn value(&self, place: usize) -> Option<(Datum, bool)> {
        Some((*self.datums.get(place)?, *self.nulls.get(place)?))
    }

    /// The columns that still exist, each with its place in the row.
    fn columns(&self) -> impl Iterator<Item = (usize, &pg_sys::FormData_pg_attribute)> {
        (0..self.datums.len())
            // SAFETY: our own copy, not changed while `self` lives, with as many columns as there are datums.
            .map(|place| (place, unsafe { &*attribute(self.columns, place) }))
            .filter(|(_, column)| !column.attisdropped)
    }
}

/// Which columns of a layout are the features of one model.
pub struct WholeRow {
    anonymous: bool,
    serial: Option<u64>,
    features: Vec<(usize, Scalar)>,
}

impl WholeRow {
    /// To be bound with the first row.
    pub fn new(anonymous: bool) -> Self {
        Self {
            anonymous,
            serial: None,
            features: Vec::new(),
        }
    }

    /// Puts the features of the row unpacked in `layout` into `row`.
    ///
    /// # Safety
    /// The row still lives, and does so for `'a`.
    pub unsafe fn read<'a>(
        &'a mut self,
        layout: &Layout,
        model: &str,
        features: &[Feature],
        row: &mut [Value<'a>],
        told: &mut bool,
    ) -> Result<()> {
        if self.serial != Some(layout.serial) {
            self.bind(layout, model, features, told)?;
        }
        for (((column, scalar), feature), value) in self.features.iter().zip(features).zip(row) {
            if let (Some(&datum), Some(&is_null)) =
                (layout.datums.get(*column), layout.nulls.get(*column))
            {
                // SAFETY: by contract.
                unsafe { scalar.put(datum, is_null, feature, value)? };
            }
        }
        Ok(())
    }

    /// Whether one of the columns is an enum.
    pub fn reads_enum(&self) -> bool {
        self.features.iter().any(|(_, scalar)| scalar.is_enum())
    }

    fn bind(
        &mut self,
        layout: &Layout,
        model: &str,
        features: &[Feature],
        told: &mut bool,
    ) -> Result<()> {
        self.serial = None;
        let columns = layout
            .columns()
            .map(|(place, column)| Ok((place, name(column)?, column.atttypid)))
            .collect::<Result<Vec<_>>>()?;
        let known = |name: &str| Binding::knows(features, name);
        // Columns called f1, f2 ... are those of a row without names, unless the model knows them.
        let nameless = layout.type_id == pg_sys::RECORDOID
            && invented(columns.iter().map(|(_, name, _)| name.as_bytes()))
            && !columns.iter().any(|(_, name, _)| known(name));
        self.features = if self.anonymous || nameless {
            check_count(model, features, columns.len())?;
            let bound = columns
                .iter()
                .map(|(place, name, type_oid)| Ok((*place, scalar(name, *type_oid)?)))
                .collect::<Result<Vec<_>>>()?;
            Binding::positional(
                features,
                &bound
                    .iter()
                    .map(|(_, scalar)| scalar.column_type())
                    .collect::<Vec<_>>(),
            )?;
            bound
        } else {
            by_name(&columns, model, features, told)?
        };
        self.serial = Some(layout.serial);
        Ok(())
    }
}

/// For each feature the place of the column of its name, and how to read it. The other columns are listed in a DEBUG1
/// message, unless a call site has `told` of its own before.
pub fn by_name(
    columns: &[(usize, &str, pg_sys::Oid)],
    model: &str,
    features: &[Feature],
    told: &mut bool,
) -> Result<Vec<(usize, Scalar)>> {
    // Columns that are no features may have any type.
    let mut scalars = columns
        .iter()
        .map(|(_, name, type_oid)| {
            Binding::knows(features, name)
                .then(|| scalar(name, *type_oid))
                .transpose()
        })
        .collect::<Result<Vec<_>>>()?;
    let named = columns
        .iter()
        .zip(&scalars)
        .map(|((_, name, _), scalar)| (*name, scalar.as_ref().and_then(Scalar::column_type)))
        .collect::<Vec<_>>();
    let chosen = Binding::by_name(features, &named)?;
    // SAFETY: reads settings of the session.
    if !*told && unsafe { pg_sys::message_level_is_interesting(pg_sys::DEBUG1 as i32) } {
        *told = true;
        let others = columns.iter().zip(&scalars);
        let others = others
            .filter(|(_, scalar)| scalar.is_none())
            .map(|((_, name, _), _)| *name)
            .collect::<Vec<_>>();
        if !others.is_empty() {
            // pgrx holds interrupts while it reports, so nothing can jump over these frames.
            let others = others.join(", ");
            pgrx::debug1!("columns that are no features of {model}: {others}");
        }
    }
    // Every feature has a column of its own.
    Ok(chosen
        .into_iter()
        .filter_map(|index| Some((columns.get(index)?.0, scalars.get_mut(index)?.take()?)))
        .collect())
}

fn scalar(name: &str, type_oid: pg_sys::Oid) -> Result<Scalar> {
    Scalar::new(&format!("column \"{name}\""), type_oid)
}

/// Whether columns are called f1, f2, ..., as those of a row without names are.
pub fn invented<'a>(names: impl Iterator<Item = &'a [u8]>) -> bool {
    names
        .enumerate()
        .all(|(index, name)| name == format!("f{}", index + 1).as_bytes())
}

fn name(column: &pg_sys::FormData_pg_attribute) -> Result<&str> {
    // SAFETY: NUL-terminated text in the encoding of the database.
    unsafe { datum::utf8(CStr::from_ptr(column.attname.data.as_ptr()).to_bytes()) }
}
