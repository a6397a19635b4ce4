//! A server for unit tests: it calls entry points as MySQL and MariaDB do.

#![allow(unsafe_code, reason = "builds the server's structures")]

use crate::ffi::{UdfArgs, UdfInit};
use crate::function::{self, Aggregate, Function, RealFunction, TextFunction};
use crate::server::hook;
use std::ffi::{CStr, c_char, c_int, c_ulong};
use std::marker::PhantomData;
use std::ptr::null_mut;

/// An argument of a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Given {
    /// SQL NULL.
    Null,
    /// DOUBLE.
    Real(f64),
    /// BIGINT.
    Integer(i64),
    /// DECIMAL as its digits.
    Decimal(String),
    /// A string in whatever bytes.
    Bytes(Vec<u8>),
}

impl From<f64> for Given {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}

impl From<i64> for Given {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<&str> for Given {
    fn from(value: &str) -> Self {
        Self::Bytes(value.into())
    }
}

impl From<&[u8]> for Given {
    fn from(value: &[u8]) -> Self {
        Self::Bytes(value.into())
    }
}

/// A function between init and deinit.
pub struct Call<F: Function> {
    init: UdfInit,
    args: Box<UdfArgs>,
    declared: Vec<c_int>,
    types: Vec<c_int>,
    values: Vec<*mut c_char>,
    lengths: Vec<c_ulong>,
    maybe_null: Vec<c_char>,
    names: Vec<String>,
    attributes: Vec<*mut c_char>,
    attribute_lengths: Vec<c_ulong>,
    numbers: Vec<[u8; 8]>,
    given: Vec<Given>,
    /// A server calls a function of one row no more once this is set.
    error: u8,
    function: PhantomData<F>,
}

impl<F: Function> Call<F> {
    /// Init with constant arguments, named `f0`, `f1`, ...; the message of its refusal.
    pub fn new(given: &[Given]) -> Result<Self, String> {
        let names: Vec<String> = (0..given.len()).map(|index| format!("f{index}")).collect();
        Self::named(
            given,
            &names.iter().map(String::as_str).collect::<Vec<_>>(),
            true,
        )
    }

    /// Init with arguments under these names, whose values are known to it where they are `constant`.
    pub fn named(given: &[Given], names: &[&str], constant: bool) -> Result<Self, String> {
        let count = given.len();
        let declared: Vec<c_int> = given
            .iter()
            .map(|given| match given {
                Given::Real(_) => 1,
                Given::Integer(_) => 2,
                Given::Decimal(_) => 4,
                Given::Null | Given::Bytes(_) => 0,
            })
            .collect();
        let mut call = Self {
            init: UdfInit {
                maybe_null: 0,
                decimals: 0,
                max_length: 0,
                ptr: null_mut(),
                const_item: 0,
                extension: null_mut(),
            },
            args: Box::new(UdfArgs {
                arg_count: u32::try_from(count).expect("few arguments"),
                arg_type: null_mut(),
                args: null_mut(),
                lengths: null_mut(),
                maybe_null: null_mut(),
                attributes: null_mut(),
                attribute_lengths: null_mut(),
                extension: null_mut(),
            }),
            types: declared.clone(),
            declared,
            values: vec![null_mut(); count],
            lengths: vec![0; count],
            maybe_null: vec![1; count],
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            attributes: Vec::new(),
            attribute_lengths: Vec::new(),
            numbers: vec![[0; 8]; count],
            given: given.to_vec(),
            error: 0,
            function: PhantomData,
        };
        call.attributes = call
            .names
            .iter()
            .map(|name| name.as_ptr().cast_mut().cast())
            .collect();
        call.attribute_lengths = call
            .names
            .iter()
            .map(|name| name.len() as c_ulong)
            .collect();
        if constant {
            call.set(given);
        }
        call.connect();
        let mut message = [0_u8; 512];
        let raw: *mut UdfArgs = &mut *call.args;
        // SAFETY: all structures live through the call and have the server's sizes.
        let status =
            unsafe { function::init::<F>(&mut call.init, raw, message.as_mut_ptr().cast()) };
        if status == 0 {
            // As the server does for every row, now in the types that init asked for.
            call.set(given);
            return Ok(call);
        }
        let text =
            CStr::from_bytes_until_nul(&message).expect("the server's buffer ends with a NUL");
        Err(text.to_string_lossy().into_owned())
    }

    fn connect(&mut self) {
        self.args.arg_type = self.types.as_mut_ptr();
        self.args.args = self.values.as_mut_ptr();
        self.args.lengths = self.lengths.as_mut_ptr();
        self.args.maybe_null = self.maybe_null.as_mut_ptr();
        self.args.attributes = self.attributes.as_mut_ptr();
        self.args.attribute_lengths = self.attribute_lengths.as_mut_ptr();
    }

    /// The arguments of the next call; each of the type it was declared with, or NULL.
    pub fn set(&mut self, given: &[Given]) -> &mut Self {
        self.given = given.to_vec();
        for index in 0..given.len() {
            let (value, length) = match &self.given[index] {
                Given::Null => (null_mut(), 0),
                Given::Bytes(bytes) => (bytes.as_ptr().cast_mut().cast(), bytes.len()),
                Given::Decimal(digits) if self.types[index] == 4 => {
                    (digits.as_ptr().cast_mut().cast(), digits.len())
                }
                number => {
                    self.numbers[index] = match (number, self.types[index]) {
                        (Given::Real(value), _) => value.to_ne_bytes(),
                        (Given::Integer(value), 2) => value.to_ne_bytes(),
                        (Given::Integer(value), _) => (*value as f64).to_ne_bytes(),
                        (Given::Decimal(digits), _) => {
                            digits.parse::<f64>().expect("digits").to_ne_bytes()
                        }
                        _ => unreachable!("matched above"),
                    };
                    (self.numbers[index].as_mut_ptr().cast(), 8)
                }
            };
            self.values[index] = value;
            self.lengths[index] = length as c_ulong;
        }
        self.connect();
        self
    }

    /// What init asked for, by argument: 0 string, 1 real, 2 integer, 4 decimal.
    pub fn asked(&self) -> (&[c_int], &[c_int]) {
        (&self.declared, &self.types)
    }

    fn raw(&mut self) -> (*mut UdfInit, *mut UdfArgs) {
        (&raw mut self.init, &raw mut *self.args)
    }
}

impl<F: RealFunction> Call<F> {
    /// Answers a row; `Err` where an error is raised.
    pub fn real(&mut self) -> Result<Option<f64>, ()> {
        let (mut is_null, raised) = (0, hook::count());
        let (init, args) = self.raw();
        // SAFETY: the structures are this call's.
        let value = unsafe { function::real::<F>(init, args, &mut is_null, &mut self.error) };
        assert_eq!(self.error, 0);
        let answer = (is_null == 0).then_some(value);
        answered(answer, raised)
    }
}

/// An answer of one row, which fails where an error was raised since there were `raised`; then it is NULL.
fn answered<T>(answer: Option<T>, raised: usize) -> Result<Option<T>, ()> {
    if hook::count() == raised {
        return Ok(answer);
    }
    assert!(answer.is_none(), "a value beside an error");
    Err(())
}

/// An answer of bytes, as the server reads it.
///
/// # Safety
/// `start` is null, or `length` bytes lie there.
unsafe fn read(
    start: *const c_char,
    length: c_ulong,
    is_null: u8,
    error: u8,
) -> Result<Option<Vec<u8>>, ()> {
    if error != 0 {
        return Err(());
    }
    if is_null != 0 {
        return Ok(None);
    }
    // Servers look at the byte behind an empty text; where an empty vector points there is none.
    assert!(length > 0 || start.addr() >= 4096, "no address");
    // SAFETY: by contract.
    Ok(Some(
        unsafe { std::slice::from_raw_parts(start.cast::<u8>(), length as usize) }.to_vec(),
    ))
}

impl<F: TextFunction> Call<F> {
    /// Answers a row; `Err` where an error is raised.
    pub fn bytes(&mut self) -> Result<Option<Vec<u8>>, ()> {
        let (mut length, mut is_null, raised) = (0, 0, hook::count());
        let (init, args) = self.raw();
        let error = &mut self.error;
        // SAFETY: the structures are this call's.
        let answer = unsafe {
            let start = function::row::<F>(init, args, &mut length, &mut is_null, error);
            read(start, length, is_null, *error)
        };
        assert_eq!(self.error, 0);
        answered(answer?, raised)
    }

    /// The same as text.
    pub fn text(&mut self) -> Result<Option<String>, ()> {
        Ok(self
            .bytes()?
            .map(|bytes| String::from_utf8(bytes).expect("UTF-8")))
    }
}

/// Calls of an aggregate. `Err` where the error flag is set.
impl<F: Aggregate> Call<F> {
    /// A group begins.
    pub fn clear(&mut self) -> Result<(), ()> {
        let (mut is_null, mut error) = (0, 0);
        let (init, _) = self.raw();
        // SAFETY: the structures are this call's.
        unsafe { function::clear::<F>(init, &mut is_null, &mut error) };
        if error != 0 { Err(()) } else { Ok(()) }
    }

    /// A row comes.
    pub fn add(&mut self, given: &[Given]) -> Result<(), ()> {
        self.set(given);
        let (mut is_null, mut error) = (0, 0);
        let (init, args) = self.raw();
        // SAFETY: the structures are this call's.
        unsafe { function::add::<F>(init, args, &mut is_null, &mut error) };
        if error != 0 { Err(()) } else { Ok(()) }
    }

    /// The group ends.
    pub fn answer(&mut self) -> Result<Option<Vec<u8>>, ()> {
        let (mut length, mut is_null, mut error) = (0, 0, 0);
        let (init, args) = self.raw();
        // SAFETY: the structures are this call's.
        unsafe {
            let start = function::answer::<F>(init, args, &mut length, &mut is_null, &mut error);
            read(start, length, is_null, error)
        }
    }
}

impl<F: Function> Drop for Call<F> {
    fn drop(&mut self) {
        // SAFETY: once, with the structure of init; after a refusal there is nothing in it.
        unsafe { function::deinit::<F>(&mut self.init) };
    }
}
