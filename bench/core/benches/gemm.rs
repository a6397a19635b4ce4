//! The three products of a dense layer, by the crates that could compute them and by the core's own kernels, on one
//! thread: `cargo bench -p tablenet-bench --bench gemm` prints the tables of docs/gemm.md.
#![allow(unsafe_code)] // The crates take pointers.

use std::time::Instant;
use tablenet_bench::number;
use tablenet_core::products::Products;

const BATCHES: [usize; 4] = [32, 256, 1024, 4096];
const WIDTHS: [usize; 7] = [8, 16, 32, 64, 128, 256, 512];

/// A matrix of f32 in row-major order, or the transposed of one.
#[derive(Clone, Copy)]
struct Factor<'a> {
    data: &'a [f32],
    /// Distances between rows and between columns.
    strides: (usize, usize),
}

fn rows(data: &[f32], width: usize) -> Factor<'_> {
    Factor {
        data,
        strides: (width, 1),
    }
}

fn columns(data: &[f32], width: usize) -> Factor<'_> {
    Factor {
        data,
        strides: (1, width),
    }
}

/// (m, k) (k, n)
type Shape = (usize, usize, usize);

fn check((m, k, n): Shape, a: Factor<'_>, b: Factor<'_>, c: &[f32]) {
    assert!(a.data.len() == m * k && b.data.len() == k * n && c.len() == m * n);
}

fn by_gemm((m, k, n): Shape, a: Factor<'_>, b: Factor<'_>, c: &mut [f32]) {
    check((m, k, n), a, b, c);
    // SAFETY: the strides are those of matrices that fill their slices, as checked.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c.as_mut_ptr(),
            1,
            n as isize,
            false,
            a.data.as_ptr(),
            a.strides.1 as isize,
            a.strides.0 as isize,
            b.data.as_ptr(),
            b.strides.1 as isize,
            b.strides.0 as isize,
            0.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

fn by_matrixmultiply((m, k, n): Shape, a: Factor<'_>, b: Factor<'_>, c: &mut [f32]) {
    check((m, k, n), a, b, c);
    // SAFETY: the strides are those of matrices that fill their slices, as checked.
    unsafe {
        matrixmultiply::sgemm(
            m,
            k,
            n,
            1.0,
            a.data.as_ptr(),
            a.strides.0 as isize,
            a.strides.1 as isize,
            b.data.as_ptr(),
            b.strides.0 as isize,
            b.strides.1 as isize,
            0.0,
            c.as_mut_ptr(),
            n as isize,
            1,
        );
    }
}

#[cfg(target_arch = "x86_64")]
fn by_private_gemm((m, k, n): Shape, a: Factor<'_>, b: Factor<'_>, c: &mut [f32]) {
    use private_gemm_x86::*;
    use std::ptr::null;
    check((m, k, n), a, b, c);
    let set = if is_x86_feature_detected!("avx512f") {
        InstrSet::Avx512
    } else {
        InstrSet::Avx256
    };
    let one = 1f32;
    // SAFETY: the strides are those of matrices that fill their slices, as checked; it needs AVX2 at least.
    unsafe {
        gemm(
            DType::F32,
            IType::U64,
            set,
            m,
            n,
            k,
            c.as_mut_ptr().cast(),
            n as isize,
            1,
            null(),
            null(),
            DstKind::Full,
            Accum::Replace,
            a.data.as_ptr().cast(),
            a.strides.0 as isize,
            a.strides.1 as isize,
            false,
            null(),
            0,
            b.data.as_ptr().cast(),
            b.strides.0 as isize,
            b.strides.1 as isize,
            false,
            (&raw const one).cast(),
            1,
        );
    }
}

type Gemm = fn(Shape, Factor<'_>, Factor<'_>, &mut [f32]);

const CRATES: &[(&str, Gemm)] = &[
    ("gemm", by_gemm),
    #[cfg(target_arch = "x86_64")]
    ("private-gemm-x86", by_private_gemm),
    ("matrixmultiply", by_matrixmultiply),
];

/// The median GFLOP/s of 31 measurements of at least 100 us each.
fn speed(flops: usize, mut product: impl FnMut()) -> f64 {
    let mut seconds = |times: u32| {
        let begun = Instant::now();
        (0..times).for_each(|_| product());
        begun.elapsed().as_secs_f64() / f64::from(times)
    };
    seconds(2);
    let times = (1e-4 / seconds(2)).clamp(1.0, 1e4) as u32;
    let mut all: Vec<f64> = (0..31).map(|_| seconds(times)).collect();
    all.sort_by(f64::total_cmp);
    flops as f64 / all[15] / 1e9
}

fn same(what: &str, expected: &[f32], got: &[f32]) {
    let off = |(e, g): (&f32, &f32)| (e - g).abs() > 1e-3 * (1.0 + e.abs());
    assert!(!expected.iter().zip(got).any(off), "{what} is wrong");
}

fn table(name: &str, product: usize) {
    println!("\n{name}\n");
    let crates: Vec<&str> = CRATES.iter().map(|(name, _)| *name).collect();
    println!("| batch | width | tablenet | {} |", crates.join(" | "));
    println!("|---|---|---|{}", "---|".repeat(crates.len()));
    for m in BATCHES {
        for width in WIDTHS {
            let numbers = |count: usize| (0..count).map(number).collect::<Vec<f32>>();
            let (x, w) = (numbers(m * width), numbers(width * width));
            let (shape, a, b) = match product {
                0 => ((m, width, width), rows(&x, width), rows(&w, width)),
                1 => ((width, m, width), columns(&x, width), rows(&x, width)),
                _ => ((m, width, width), rows(&x, width), columns(&w, width)),
            };
            let flops = 2 * m * width * width;
            let mut own = vec![0.0; shape.0 * shape.2];
            let mut products = Products::new(width, width).expect("room for a product");
            let mut row = vec![speed(flops, || match product {
                0 => products.forward(&x, &w, &mut own),
                1 => products.weight_gradient(&x, &x, &mut own),
                _ => products.input_gradient(&x, &w, &mut own),
            })];
            for (name, gemm) in CRATES {
                let mut other = vec![0.0; own.len()];
                row.push(speed(flops, || gemm(shape, a, b, &mut other)));
                same(name, &own, &other);
            }
            let row: Vec<String> = row.iter().map(|speed| format!("{speed:.0}")).collect();
            println!("| {m} | {width} | {} |", row.join(" | "));
        }
    }
}

fn main() {
    // `cargo test --benches` and `cargo bench` tell a program without the usual harness so.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let side = 1024;
    let (a, mut c) = (vec![0.5; side * side], vec![0.0; side * side]);
    let peak = speed(2 * side * side * side, || {
        by_gemm((side, side, side), rows(&a, side), rows(&a, side), &mut c);
    });
    println!("gemm at 1024 x 1024 x 1024: {peak:.0} GFLOP/s");
    table("Forward, x w", 0);
    table("Gradient of the weights, x' dz", 1);
    table("Gradient of the inputs, dz w'", 2);
}
