//! `tablenet.work_mem` bounds what a training takes, whatever the size of the table.

use server::training::{create_wide, number};
use server::{Process, Server};
use std::time::Instant;

/// 1,000,000 rows of 28 float4 columns, 116 MB of values, in 64 MB: the backend's whole peak, shared memory and mapped
/// files included, stays below 64 MB + 60 MB. Shared buffers are small so that they are a small part of it.
#[test]
fn a_million_rows_train_within_the_limit() {
    let server = Server::with(&["shared_buffers = 16MB", "max_wal_size = 4GB"]);
    create_wide(&mut server.connect(), 1_000_000);

    let mut client = server.connect();
    let backend = Process::backend(&mut client);
    let before = backend.peak_resident();
    client
        .batch_execute("SET tablenet.work_mem = '64MB'")
        .expect("sets");
    let start = Instant::now();
    let query = "SELECT loss FROM ml_train('wide', 'SELECT * FROM wide', 'y', epochs => 1)";
    let loss = number(&mut client, query);
    let peak = backend.peak_resident();
    println!(
        "1,000,000 x 28, one epoch, work_mem 64MB: {:.1} s, loss {loss:.4}, peak resident {} kB ({before} kB before)",
        start.elapsed().as_secs_f64(),
        peak
    );
    assert!(peak <= 124 * 1024, "peak resident {peak} kB");
    assert_eq!(server.temporary_files(), Vec::<std::path::PathBuf>::new());

    drop(client);
    let mut client = server.connect();
    let spilled = "SELECT temp_bytes::float8 FROM pg_stat_database WHERE datname = 'postgres'";
    let patience = Instant::now();
    while number(&mut client, spilled) < 40e6 {
        assert!(
            patience.elapsed().as_secs() < 10,
            "the rows beyond the limit went to a temporary file"
        );
        std::thread::sleep(std::time::Duration::from_millis(100));
        client = server.connect();
    }
}
