//! `instructions WORK COUNT` does COUNT times one fixed piece of work with the AVX2 kernels (valgrind knows no AVX-512),
//! for scripts/instructions to count: the difference between two counts is free of the set-up.

use std::process::ExitCode;
use tablenet_bench::{Idle, network, number, train};
use tablenet_core::simd::{self, Level};
use tablenet_core::{Plan, Result};

fn work(name: &str, count: u64) -> Result<bool> {
    let mut model = network(28, &[64, 64])?;
    match name {
        "step_32" => train(&mut model, 32, count)?,
        "step_1024" => train(&mut model, 1024, count)?,
        "score" => {
            let plan = Plan::new(&model, &mut Idle)?;
            let mut scratch = plan.scratch()?;
            for _ in 0..count {
                for (i, input) in scratch.input_mut().iter_mut().enumerate() {
                    *input = number(i);
                }
                std::hint::black_box(plan.run(&mut scratch));
            }
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn main() -> ExitCode {
    if let Err(error) = simd::set(Level::Avx2) {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match &arguments[..] {
        [name, count] => count.parse().map(|count| work(name, count)),
        _ => Ok(Ok(false)),
    };
    match done {
        Ok(Ok(true)) => ExitCode::SUCCESS,
        Ok(Err(error)) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
        _ => {
            eprintln!("usage: instructions step_32|step_1024|score COUNT");
            ExitCode::FAILURE
        }
    }
}
