//! Which instruction set the kernels use: the best of this CPU, or a lower one for tests and comparisons.
//!
//! The choice holds for the whole process. An adapter that lets people make it reads it from its own settings: the
//! core reads no environment. Scoring answers the same bits on every level; training sums in another order on some,
//! so a model file is repeatable on one level.

use crate::config::unknown;
use crate::kernels;
use crate::{Error, ErrorKind, Result};
use std::fmt;

/// An instruction set that the kernels are compiled for, from the least to the best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// What every CPU of the target has: SSE2 on x86-64, NEON with fused multiply-add on aarch64.
    Plain,
    /// AVX2 and FMA.
    Avx2,
    /// AVX-512 F, VL, DQ and BW.
    Avx512,
}

impl Level {
    const ALL: [Level; 3] = [Level::Plain, Level::Avx2, Level::Avx512];

    /// Reads `plain`, `avx2` or `avx512`; case does not matter.
    pub fn parse(name: &str) -> Result<Level> {
        let known = Self::ALL.map(Level::name);
        let found = Self::ALL
            .into_iter()
            .find(|level| level.name().eq_ignore_ascii_case(name));
        found.ok_or_else(|| unknown("instruction set", "instruction sets", name, &known))
    }

    /// The word that [`Level::parse`] reads.
    pub fn name(self) -> &'static str {
        match self {
            Level::Plain => "plain",
            Level::Avx2 => "avx2",
            Level::Avx512 => "avx512",
        }
    }

    /// The best that this CPU has.
    pub fn best() -> Level {
        kernels::best()
    }

    /// Those that this CPU has, the least first.
    pub fn available() -> impl Iterator<Item = Level> {
        Self::ALL.into_iter().filter(|level| *level <= Self::best())
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The level in use: [`Level::best`], unless [`set`] chose another.
pub fn level() -> Level {
    kernels::level()
}

/// Makes every kernel of this process use `level` from its next call on.
///
/// `NotSupported` if this CPU lacks it; then nothing changes.
pub fn set(level: Level) -> Result<()> {
    if level > Level::best() {
        let names: Vec<_> = Level::available().map(Level::name).collect();
        return Err(Error::new(
            ErrorKind::NotSupported,
            format!("this CPU has no {level} instructions"),
        )
        .detail(format!("It has {}.", names.join(", "))));
    }
    kernels::set_level(level);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_its_own_names() {
        for level in Level::ALL {
            assert_eq!(Level::parse(level.name()).unwrap(), level);
            assert_eq!(level.to_string(), level.name());
        }
        assert_eq!(Level::parse("AVX512").unwrap(), Level::Avx512);
        let error = Level::parse("avx51").unwrap_err();
        assert_eq!(error.to_string(), "unknown instruction set \"avx51\"");
        assert!(error.hint_text().unwrap().contains("avx512"));
    }

    #[test]
    fn refuses_what_the_cpu_lacks() {
        assert_eq!(Level::available().next(), Some(Level::Plain));
        assert!(Level::available().any(|level| level == Level::best()));
        for level in Level::ALL.into_iter().filter(|l| *l > Level::best()) {
            let error = set(level).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotSupported);
            assert!(error.detail_text().unwrap().starts_with("It has plain"));
        }
    }
}
