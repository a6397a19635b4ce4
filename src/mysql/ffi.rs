//! The server's C structures for loadable functions. Their layout is the same in MySQL and MariaDB.

use std::ffi::{c_char, c_int, c_uint, c_ulong, c_void};

/// `UDF_INIT`: what a function tells the server about its result.
#[repr(C)]
pub struct UdfInit {
    /// Not 0 if the result may be NULL.
    pub maybe_null: u8,
    /// Decimals of a REAL result; 31 means "not fixed".
    pub decimals: c_uint,
    /// The longest result in bytes.
    pub max_length: c_ulong,
    /// The function's own state between init and deinit.
    pub ptr: *mut c_char,
    /// Not 0 if the result is the same for every row.
    pub const_item: u8,
    /// The server's own; never touched.
    pub extension: *mut c_void,
}

/// `UDF_ARGS`: the arguments of one call. The arrays hold `arg_count` entries each.
#[repr(C)]
pub struct UdfArgs {
    /// The number of arguments.
    pub arg_count: c_uint,
    /// `Item_result` of each: 0 string, 1 real, 2 integer, 3 row, 4 decimal.
    pub arg_type: *mut c_int,
    /// The values; null is SQL NULL, and in init also a value that is not constant.
    pub args: *mut *mut c_char,
    /// The length of each string value in bytes.
    pub lengths: *mut c_ulong,
    /// Not 0 where an argument may be NULL.
    pub maybe_null: *mut c_char,
    /// The name or text of each argument's expression, not NUL-terminated.
    pub attributes: *mut *mut c_char,
    /// The length of each attribute in bytes.
    pub attribute_lengths: *mut c_ulong,
    /// The server's own; never touched.
    pub extension: *mut c_void,
}
