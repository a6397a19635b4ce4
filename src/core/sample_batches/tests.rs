//! Every row once an epoch, in an order of the seed alone, in bounded memory.

use super::*;
use crate::encoder::fixture::learn;
use crate::fixture::{CancelAt, NoCallback, ToMemory, column};
use crate::record::FieldKind;
use crate::target::Standard;
use crate::{Column, ColumnType, Value};

/// Rows whose feature is constant and whose target is the row's number.
fn batches(rows: u32, spilled: bool, shuffle: bool, limit: u64) -> Result<SampleBatches> {
    let budget = Budget::new(limit);
    let field = |offset| Field {
        offset,
        kind: FieldKind::Single,
    };
    let constant = Column {
        single_precision: true,
        ..column("x", ColumnType::Number)
    };
    let learned = learn(&[constant], "{}", &[vec![Value::Number(3.0)]], &[])?;
    let mut samples = Samples::new(8, budget.clone());
    if spilled {
        samples.spill(&mut ToMemory, &mut NoCallback)?;
    }
    for row in 0..rows {
        let record = samples.append()?;
        field(0).write_number(record, 3.0);
        field(4).write_number(record, f64::from(row));
    }
    let encoder = SampleEncoder {
        features: learned.encoder,
        target: TargetCodes::Scaled(vec![(
            field(4),
            Standard {
                mean: 0.0,
                std: 1.0,
            },
            "y".into(),
        )]),
    };
    SampleBatches::new(samples, Rc::new(encoder), shuffle, limit / 4, &budget)
}

fn epoch(batches: &mut SampleBatches, shuffle: Option<u64>, size: usize) -> Result<Vec<f32>> {
    let mut batch = Batch::default();
    let mut seen = Vec::new();
    batches.start(shuffle, &mut NoCallback)?;
    loop {
        batches.next(size, &mut batch, &mut NoCallback)?;
        if batch.rows == 0 {
            return Ok(seen);
        }
        assert!(batch.rows == size || seen.len() + batch.rows == batches.rows() as usize);
        assert_eq!((batch.x.len(), batch.y.len()), (batch.rows, batch.rows));
        assert!(batch.x.iter().all(|&x| x == 0.0));
        seen.append(&mut batch.y);
    }
}

#[test]
fn every_row_comes_once_an_epoch() -> Result<()> {
    for rows in [1, 2, 31, 32, 33, 8_192, 8_193, 50_000] {
        let stored: Vec<f32> = (0..rows).map(|row| row as f32).collect();
        for spilled in [false, true] {
            let mut batches = batches(rows, spilled, true, 1 << 20)?;
            assert_eq!(epoch(&mut batches, None, 32)?, stored, "{rows} {spilled}");
            let mut one = epoch(&mut batches, Some(1), 32)?;
            let mut two = epoch(&mut batches, Some(2), 1000)?;
            assert!(rows < 31 || (one != stored && one != two));
            assert_eq!(
                epoch(&mut batches, Some(1), 7)?,
                one,
                "the seed alone decides"
            );
            one.sort_by(f32::total_cmp);
            two.sort_by(f32::total_cmp);
            assert!(one == stored && two == stored, "{rows} {spilled}");
        }
    }
    Ok(())
}

#[test]
fn a_spill_is_shuffled_across_blocks() -> Result<()> {
    // 25 blocks of 8,192 rows; a window of 256 kB holds 2 of them.
    let mut batches = batches(200_000, true, true, 1 << 20)?;
    let order = epoch(&mut batches, Some(0), 1024)?;
    let first: std::collections::HashSet<u32> =
        order[..8192].iter().map(|row| *row as u32 / 8192).collect();
    assert!(first.len() >= 2, "{first:?}");
    let steps = order
        .windows(2)
        .filter(|pair| pair[1] == pair[0] + 1.0)
        .count();
    assert!(steps < 200, "{steps} neighbours stayed neighbours");
    Ok(())
}

#[test]
fn an_epoch_can_be_left_and_begun_again() -> Result<()> {
    for spilled in [false, true] {
        let mut batches = batches(20_000, spilled, true, 1 << 20)?;
        let whole = epoch(&mut batches, Some(5), 100)?;
        batches.start(Some(4), &mut NoCallback)?;
        batches.next(100, &mut Batch::default(), &mut NoCallback)?;
        assert_eq!(epoch(&mut batches, Some(5), 100)?, whole);
    }
    Ok(())
}

#[test]
fn memory_for_the_order_is_charged() -> Result<()> {
    assert!(batches(100_000, false, true, 1_300_000).is_ok());
    let error = batches(100_000, false, true, 1_000_000)
        .err()
        .map(|error| error.kind());
    assert_eq!(error, Some(crate::ErrorKind::OutOfMemory));
    assert!(batches(100_000, false, false, 1_000_000).is_ok());
    Ok(())
}

#[test]
fn ordering_and_encoding_can_be_cancelled() -> Result<()> {
    for spilled in [false, true] {
        let mut batches = batches(300_000, spilled, true, 64 << 20)?;
        batches.start(Some(0), &mut NoCallback)?;
        let result = batches.next(300_000, &mut Batch::default(), &mut CancelAt { left: 1 });
        assert!(result.is_err(), "{spilled}");
    }
    let mut batches = batches(300_000, false, true, 64 << 20)?;
    assert!(batches.start(Some(0), &mut CancelAt { left: 1 }).is_err());
    let mut order = Vec::new();
    number(&mut order, 300_000, &mut NoCallback)?;
    assert!(order.iter().rev().copied().eq(0..300_000));
    assert!(number(&mut order, 300_000, &mut CancelAt { left: 2 }).is_err());
    Ok(())
}
