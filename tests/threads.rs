//! By default a training starts no thread; what it starts on request is gone when it returns.

use server::training::create_wide;
use server::{Process, Server};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The most threads the backend had while `statement` ran.
fn most_threads(client: &mut postgres::Client, statement: &str) -> usize {
    let backend = Process::backend(client);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut most = 0;
            while !done.load(Ordering::Relaxed) {
                most = most.max(backend.threads());
                std::thread::sleep(Duration::from_millis(1));
            }
            most
        });
        let result = client.batch_execute(statement);
        done.store(true, Ordering::Relaxed);
        result.expect("works");
        watch.join().expect("no panic")
    })
}

#[test]
fn a_training_has_as_many_threads_as_it_was_given() {
    let server = Server::start();
    let mut client = server.connect();
    create_wide(&mut client, 20_000);
    let backend = Process::backend(&mut client);
    assert_eq!(backend.threads(), 1);
    // Large enough for any library that starts threads by size to start them.
    let train =
        "SELECT * FROM ml_train('m', 'SELECT * FROM wide', 'y', epochs => 3, batch_size => 4096)";
    assert_eq!(most_threads(&mut client, train), 1);
    assert_eq!(
        most_threads(&mut client, "SELECT sum(ml_predict('m', w)) FROM wide w"),
        1
    );
    assert_eq!(backend.threads(), 1);

    client
        .batch_execute("SET tablenet.threads = 3")
        .expect("sets");
    assert_eq!(most_threads(&mut client, train), 3);
    assert_eq!(
        backend.threads(),
        1,
        "they are joined before the call returns"
    );

    client
        .batch_execute("RESET tablenet.threads")
        .expect("resets");
    assert_eq!(most_threads(&mut client, train), 1);
}
