//! The same rows, settings and seed give the same bytes.

use server::Server;
use server::training::{create_houses, digest};

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
    let mut digests = Vec::new();
    for threads in [1, 2, 3] {
        let script = format!("SET tablenet.threads = {threads}; {TRAIN} 1, batch_size => 700)");
        client.batch_execute(&script).expect("trains");
        digests.push(digest(&mut client, "m"));
    }
    assert!(
        digests.iter().all(|digest| *digest == digests[0]),
        "{digests:02x?}"
    );
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
