//! How much memory a training may take, and which limit says so.

use std::ffi::{CStr, CString};

use pgrx::pg_sys;
use tablenet_core::{Error, ErrorKind, Result};

use super::WORK_MEM;

/// The memory of one training.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    kilobytes: u64,
    limit: Limit,
}

/// Where a number comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Limit {
    /// The argument max_memory.
    Argument,
    /// tablenet.work_mem.
    WorkMem,
    /// maintenance_work_mem, where tablenet.work_mem is -1.
    MaintenanceWorkMem,
    /// tablenet.max_work_mem.
    Ceiling,
}

impl Memory {
    /// What the settings of the session allow.
    pub fn of_session() -> Self {
        match WORK_MEM.given() {
            Some(kilobytes) => Self::new(kilobytes, Limit::WorkMem),
            None => {
                // SAFETY: a plain integer, read on the backend's only thread that calls PostgreSQL.
                let kilobytes = unsafe { pg_sys::maintenance_work_mem };
                let kilobytes = u64::try_from(kilobytes).unwrap_or(0);
                Self::new(kilobytes, Limit::MaintenanceWorkMem)
            }
        }
    }

    /// What the argument max_memory asks for, such as "256MB"; a number without a unit counts kB, as in settings.
    ///
    /// # Errors
    /// 22023 for anything else.
    pub fn parse(text: &str) -> Result<Self> {
        let refused = |message: String| Error::new(ErrorKind::InvalidParameter, message);
        let unreadable = || refused(format!("invalid value for max_memory: \"{text}\""));
        let given = CString::new(text).map_err(|_| unreadable())?;
        let (mut kilobytes, mut hint) = (0, std::ptr::null());
        // SAFETY: a C string; the hint becomes a literal or stays NULL.
        unsafe {
            let unit = pg_sys::GUC_UNIT_KB as i32;
            if !pg_sys::parse_int(given.as_ptr(), &mut kilobytes, unit, &mut hint) {
                return Err(match hint.is_null() {
                    true => unreadable().hint("It is a number with a unit, such as 256MB."),
                    false => unreadable().hint(CStr::from_ptr(hint).to_string_lossy()),
                });
            }
        }
        match u64::try_from(kilobytes) {
            Ok(kilobytes) if kilobytes > 0 => Ok(Self::new(kilobytes, Limit::Argument)),
            _ => Err(refused(format!(
                "max_memory must be at least 1kB, not {text}"
            ))),
        }
    }

    fn new(kilobytes: u64, limit: Limit) -> Self {
        let bound = WORK_MEM.bound(kilobytes);
        Self {
            kilobytes: bound,
            limit: if bound < kilobytes {
                Limit::Ceiling
            } else {
                limit
            },
        }
    }

    /// The number of bytes.
    pub fn bytes(self) -> u64 {
        self.kilobytes.saturating_mul(1024)
    }

    /// An error with the name of this limit in its hint.
    pub fn explain(self, error: Error) -> Error {
        match error.hint_text().map(|hint| self.named(hint)) {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }

    /// A hint of the core, which speaks of "the memory limit", with its name.
    pub fn named(self, hint: &str) -> String {
        let (raise, lower) = match self.limit {
            Limit::Argument => ("max_memory", "max_memory"),
            Limit::WorkMem => ("tablenet.work_mem", "tablenet.work_mem"),
            Limit::MaintenanceWorkMem => (
                "tablenet.work_mem (now maintenance_work_mem)",
                "tablenet.work_mem",
            ),
            Limit::Ceiling => (
                "tablenet.max_work_mem (only a superuser can)",
                "tablenet.work_mem",
            ),
        };
        hint.replace("lower the memory limit", &format!("lower {lower}"))
            .replace("the memory limit", raise)
    }
}
