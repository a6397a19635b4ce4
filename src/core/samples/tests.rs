//! Rows come back, wherever they are.

use super::*;
use crate::ErrorKind;
use crate::fixture::{CancelAt, NoCallback, ToMemory};

/// A store whose row `i` begins with the number `i`.
fn filled(rows: u32, row_bytes: usize, limit: u64, spill_at: Option<u32>) -> Result<Samples> {
    let mut samples = Samples::new(row_bytes, Budget::new(limit));
    for row in 0..rows {
        if spill_at == Some(row) {
            samples.spill(&mut ToMemory, &mut NoCallback)?;
        }
        samples.append()?[..4].copy_from_slice(&row.to_ne_bytes());
    }
    if spill_at == Some(rows) {
        samples.spill(&mut ToMemory, &mut NoCallback)?;
    }
    Ok(samples)
}

fn walked(samples: &mut Samples) -> Result<Vec<u32>> {
    let row_bytes = samples.row_bytes();
    let mut seen = Vec::new();
    samples.for_each(&mut NoCallback, |rows| {
        let first = |row: &[u8]| u32::from_ne_bytes([row[0], row[1], row[2], row[3]]);
        seen.extend(rows.chunks_exact(row_bytes).map(first));
        Ok(())
    })?;
    Ok(seen)
}

#[test]
fn rows_come_back_in_order_wherever_they_are() -> Result<()> {
    // Row sizes that divide a block, that do not, and that are larger than one.
    for (row_bytes, rows) in [(4, 70_000), (112, 5_000), (100_000, 9)] {
        let expected: Vec<u32> = (0..rows).collect();
        let block = (BLOCK / row_bytes).max(1) as u32;
        for spill_at in [
            None,
            Some(0),
            Some(1),
            Some(block),
            Some(block + 1),
            Some(rows),
        ] {
            let mut samples = filled(rows, row_bytes, 64 << 20, spill_at)?;
            assert_eq!(walked(&mut samples)?, expected, "{row_bytes} {spill_at:?}");
            assert_eq!(samples.rows(), u64::from(rows));
            if spill_at.is_none() {
                assert!((0..rows).all(|row| samples.row(row)[..4] == row.to_ne_bytes()));
            }
        }
    }
    Ok(())
}

#[test]
fn memory_is_charged_before_it_is_taken_and_given_back() -> Result<()> {
    let budget = Budget::new(1 << 20);
    let mut samples = Samples::new(1 << 10, budget.clone());
    let mut stored = 0;
    let error = loop {
        match samples.append() {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
    };
    assert_eq!((error.kind(), stored), (ErrorKind::OutOfMemory, 1024));
    samples.spill(&mut ToMemory, &mut NoCallback)?;
    assert_eq!(samples.charged(), BLOCK as u64);
    drop(samples);
    assert_eq!(budget.available(), budget.limit());
    Ok(())
}

#[test]
fn an_empty_store_spills_and_walks() -> Result<()> {
    assert!(walked(&mut filled(0, 8, 1 << 20, Some(0))?)?.is_empty());
    assert!(walked(&mut filled(0, 8, 1 << 20, None)?)?.is_empty());
    Ok(())
}

#[test]
fn walking_and_spilling_can_be_cancelled() -> Result<()> {
    let mut samples = filled(100_000, 8, 64 << 20, None)?;
    assert!(
        samples
            .for_each(&mut CancelAt { left: 3 }, |_| Ok(()))
            .is_err()
    );
    assert!(
        samples
            .spill(&mut ToMemory, &mut CancelAt { left: 3 })
            .is_err()
    );
    Ok(())
}

#[test]
fn rows_that_are_left_out_are_gone_wherever_they_were() -> Result<()> {
    for (row_bytes, rows) in [(4, 70_000), (112, 5_000), (100_000, 9)] {
        for spill_at in [None, Some(0), Some(rows / 2), Some(rows)] {
            for keep in [
                |row: u32| !row.is_multiple_of(3),
                |row: u32| row > 40_000,
                |_: u32| true,
                |_: u32| false,
            ] {
                let mut samples = filled(rows, row_bytes, 64 << 20, spill_at)?;
                samples.retain(&mut ToMemory, &mut NoCallback, |row| {
                    keep(u32::from_ne_bytes([row[0], row[1], row[2], row[3]]))
                })?;
                let mut expected: Vec<u32> = (0..rows).filter(|row| keep(*row)).collect();
                assert_eq!(walked(&mut samples)?, expected, "{row_bytes} {spill_at:?}");
                assert_eq!(samples.rows(), expected.len() as u64);
                let block = samples.block_rows() * samples.row_bytes();
                let blocks = samples.charged() / block as u64;
                let needed = expected.len().div_ceil(samples.block_rows()) as u64;
                assert_eq!(blocks, if spill_at.is_some() { 1 } else { needed });
                // It goes on as if they had never been there.
                for row in 0..2 * samples.block_rows() as u32 {
                    samples.append()?[..4].copy_from_slice(&row.to_ne_bytes());
                    expected.push(row);
                }
                assert_eq!(walked(&mut samples)?, expected);
            }
        }
    }
    Ok(())
}
