//! A setting that every user may change, up to a ceiling that superusers set.

use std::ffi::CStr;

use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting};
use pgrx::pg_sys;

/// A setting and its ceiling, of which -1 is none. A higher value is taken as the ceiling.
pub struct Bounded {
    setting: GucSetting<i32>,
    ceiling: GucSetting<i32>,
}

/// What PostgreSQL says of a setting.
pub struct Words {
    /// Its name.
    pub name: &'static CStr,
    /// What it sets.
    pub short: &'static CStr,
    /// What follows from it.
    pub long: &'static CStr,
}

impl Bounded {
    /// A setting without a ceiling.
    pub const fn new(default: i32) -> Self {
        Self {
            setting: GucSetting::<i32>::new(default),
            ceiling: GucSetting::<i32>::new(-1),
        }
    }

    /// What was asked for; `None` for -1, which leaves the choice to us.
    pub fn given(&self) -> Option<u64> {
        u64::try_from(self.setting.get()).ok()
    }

    /// The ceiling, if there is one.
    pub fn ceiling(&self) -> Option<u64> {
        u64::try_from(self.ceiling.get()).ok()
    }

    /// `wanted`, or the ceiling where that is lower.
    pub fn bound(&self, wanted: u64) -> u64 {
        wanted.min(self.ceiling().unwrap_or(u64::MAX))
    }

    /// Registers both: the setting from `least` on, both up to `most`. `check` may refuse a value.
    ///
    /// # Safety
    /// `check` touches what PostgreSQL hands to it, and cannot panic.
    pub unsafe fn define(
        &'static self,
        [setting, ceiling]: [Words; 2],
        (least, most): (i32, i32),
        flags: GucFlags,
        check: pg_sys::GucIntCheckHook,
    ) {
        for (words, variable, least, context) in [
            (setting, &self.setting, least, GucContext::Userset),
            (ceiling, &self.ceiling, -1, GucContext::Suset),
        ] {
            // SAFETY: as promised.
            unsafe {
                GucRegistry::define_int_guc_with_hooks(
                    words.name,
                    words.short,
                    words.long,
                    variable,
                    least,
                    most,
                    context,
                    flags,
                    check,
                    None,
                    None,
                );
            }
        }
    }
}
