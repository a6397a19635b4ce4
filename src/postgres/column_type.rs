//! Which types columns can have beyond those with an OID of their own, and what to do about the others.

use std::ffi::CStr;

use pgrx::pg_sys::{self, Oid};
use tablenet_core::{Error, ErrorKind};

use crate::datum::type_name;

/// Whether `type_oid` is the type of the extension pgvector. Its OID differs from database to database, and its name alone could
/// be anybody's.
pub fn is_pgvector(type_oid: Oid) -> bool {
    // SAFETY: lookups in the system catalogs. A name is palloc'd and NUL-terminated, or null; a tuple found is pinned
    // until it is released.
    unsafe {
        let cache = pg_sys::SysCacheIdentifier::TYPEOID as i32;
        let tuple = pg_sys::SearchSysCache1(cache, type_oid.into());
        if tuple.is_null() {
            return false;
        }
        let row = pg_sys::GETSTRUCT(tuple).cast::<pg_sys::FormData_pg_type>();
        let named = CStr::from_ptr((*row).typname.data.as_ptr()) == c"vector";
        pg_sys::ReleaseSysCache(tuple);
        if !named {
            return false;
        }
        let extension = pg_sys::getExtensionOfObject(pg_sys::TypeRelationId, type_oid);
        if extension == pg_sys::InvalidOid {
            return false;
        }
        let name = pg_sys::get_extension_name(extension);
        !name.is_null() && CStr::from_ptr(name) == c"vector"
    }
}

/// The error for `what`, whose type is none of ours.
pub fn unusable(what: &str, type_oid: Oid) -> Error {
    let name = type_name(type_oid);
    let message = format!("cannot use {what} of type {name}");
    Error::new(ErrorKind::NotSupported, message)
        .detail("Columns may be numbers, booleans, text, enums, uuids, dates, times, intervals and arrays of numbers.")
        .hint(format!(
            "{}; or leave the column out with exclude.",
            remedy(type_oid, &name)
        ))
}

/// What to write in the query in place of a column of this type.
fn remedy(type_oid: Oid, name: &str) -> &'static str {
    // SAFETY: lookups in the system caches, for a type that exists.
    let (base, element, class) = unsafe {
        let base = pg_sys::getBaseType(type_oid);
        (
            base,
            pg_sys::get_element_type(base),
            pg_sys::get_typtype(base) as u8,
        )
    };
    match base {
        pg_sys::JSONOID | pg_sys::JSONBOID => "Take out what matters, as in (x->>'price')::float8",
        pg_sys::BYTEAOID => "Take out what matters, as in get_byte(x, 0) or length(x)",
        pg_sys::XMLOID => {
            "Take out what matters, as in (xpath('//price/text()', x))[1]::text::float8"
        }
        pg_sys::MONEYOID => "Cast it: x::numeric",
        pg_sys::BITOID | pg_sys::VARBITOID => "Cast it: x::int or x::text",
        pg_sys::OIDOID => "Cast it: x::bigint for its number, x::text for a category",
        pg_sys::INETOID | pg_sys::CIDROID => {
            "Cast it to text, or take out what matters, as in network(x)::text or masklen(x)"
        }
        pg_sys::POINTOID => "Take its coordinates: x[0] and x[1]",
        pg_sys::TSVECTOROID | pg_sys::TSQUERYOID => {
            "Use the text that it was made of, or length(x)"
        }
        _ if element != pg_sys::InvalidOid => {
            "An array must have numbers: cast it, or take out elements: x[1]"
        }
        _ if class == pg_sys::TYPTYPE_RANGE => "Take its bounds: lower(x) and upper(x)",
        _ if class == pg_sys::TYPTYPE_COMPOSITE => "Take its fields: (x).field",
        _ if matches!(name.rsplit('.').next(), Some("halfvec" | "sparsevec")) => {
            "Cast it: x::vector"
        }
        _ => "Cast it to one of these: x::text for a category",
    }
}
