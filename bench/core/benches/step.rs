//! One training step on one thread: `cargo bench -p tablenet-bench --bench step`.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::time::Instant;
use tablenet_bench::{network, train};

fn step(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("step");
    for (widths, rows) in [
        (&[64, 64], 32),
        (&[64, 64], 256),
        (&[64, 64], 1024),
        (&[64, 64], 4096),
        (&[256, 256], 256),
    ] {
        let name = format!("28-{}-{}-1", widths[0], widths[1]);
        group.throughput(Throughput::Elements(rows as u64));
        group.bench_function(BenchmarkId::new(name, rows), |bencher| {
            let mut model = network(28, widths).expect("a network");
            bencher.iter_custom(|steps| {
                let begun = Instant::now();
                train(&mut model, rows, steps).expect("a training");
                begun.elapsed()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, step);
criterion_main!(benches);
