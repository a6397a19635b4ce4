//! The same rows, settings and seed give the same bytes.

use postgres::Client;
use server::Server;
use server::training::{create_houses, create_wide, digest, number};

const TRAIN: &str = "SELECT * FROM ml_train('m', 'SELECT area, rooms, city, price FROM houses ORDER BY id', 'price', epochs => 3, seed => ";

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let server = Server::start();
    let mut client = server.connect();
    create_houses(&mut client);
    let mut train = |seed: u32| {
        client
            .batch_execute(&format!("{TRAIN} {seed})"))
            .expect("trains");
        digest(&mut client, "m")
    };
    let first = train(7);
    assert_ne!(train(8), first);
    assert_eq!(train(7), first);

    let mut other = server.connect();
    other.batch_execute(&format!("{TRAIN} 7)")).expect("trains");
    assert_eq!(digest(&mut other, "m"), first, "another session");
}

#[test]
fn the_number_of_threads_does_not_matter() {
    let server = Server::start();
    let mut client = server.connect();
    create_houses(&mut client);
    create_wide(&mut client, 30_000);
    // 2.5 MB of rows in memory, and in a file.
    let wide = "SELECT * FROM ml_train('m', 'SELECT * FROM wide ORDER BY f1', 'y', epochs => 2, batch_size => ";
    let trainings = [
        format!("{TRAIN} 1, batch_size => 32)"),
        format!("{TRAIN} 1, batch_size => 700)"),
        format!("SET tablenet.work_mem = '64MB'; {wide} 1000)"),
        format!("SET tablenet.work_mem = '3MB'; {wide} 100)"),
        format!("SET tablenet.work_mem = '3MB'; {wide} 1000)"),
    ];
    for training in trainings {
        let mut digests = Vec::new();
        let before = spilled(&mut client);
        for threads in [1, 2, 3, 8] {
            let script = format!("SET tablenet.threads = {threads}; {training}");
            client.batch_execute(&script).expect("trains");
            digests.push(digest(&mut client, "m"));
        }
        assert!(
            digests.iter().all(|digest| *digest == digests[0]),
            "{training}: {digests:02x?}"
        );
        assert_eq!(
            spilled(&mut client) > before,
            training.contains("3MB"),
            "{training}"
        );
    }
}

/// Bytes of temporary files so far.
fn spilled(client: &mut Client) -> f64 {
    // Sorting takes no part in it.
    client
        .batch_execute("SET work_mem = '64MB'; SELECT pg_stat_force_next_flush()")
        .expect("flushes");
    let query =
        "SELECT temp_bytes::float8 FROM pg_stat_database WHERE datname = current_database()";
    number(client, query)
}

#[test]
fn the_stored_pieces_are_the_digested_bytes() {
    let server = Server::start();
    let mut client = server.connect();
    create_houses(&mut client);
    client
        .batch_execute(&format!("{TRAIN} 1)"))
        .expect("trains");
    let query = "SELECT sha256(string_agg(bytes, ''::bytea ORDER BY chunk)), sum(octet_length(bytes))::bigint FROM tablenet.stored_chunk";
    let row = client.query_one(query, &[]).expect("a query");
    assert_eq!(row.get::<_, Vec<u8>>(0), digest(&mut client, "m"));
    let size: i64 = client
        .query_one("SELECT size FROM tablenet.stored_version", &[])
        .expect("a query")
        .get(0);
    assert_eq!(row.get::<_, i64>(1), size);
}
