#[pgrx::pg_schema]
mod tests {
    use pgrx::prelude::*;

    use crate::in_backend::outcome::{houses, text};
    use crate::threads;

    fn running() -> usize {
        std::fs::read_dir("/proc/self/task").expect("Linux").count()
    }

    /// The signals blocked in every thread but the first, as the kernel prints them.
    fn blocked_in_workers() -> Vec<u64> {
        let own = std::process::id().to_string();
        let tasks = std::fs::read_dir("/proc/self/task")
            .expect("Linux")
            .flatten();
        let workers = tasks.filter(|task| task.file_name().to_string_lossy() != own);
        workers
            .map(|task| {
                let status = std::fs::read_to_string(task.path().join("status")).expect("a status");
                let mask = status
                    .lines()
                    .find_map(|line| line.strip_prefix("SigBlk:"))
                    .expect("a mask");
                u64::from_str_radix(mask.trim(), 16).expect("hexadecimal")
            })
            .collect()
    }

    #[pg_test]
    fn workers_block_signals_and_are_joined() {
        let before = running();
        Spi::run("SET LOCAL tablenet.threads = 3").expect("set");
        let pool = threads::pool().unwrap_or_else(|error| crate::error::raise(error));
        assert_eq!(running(), before + 2);
        // SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM and SIGTERM are bits 0, 1, 2, 9, 11, 13 and 14.
        for mask in blocked_in_workers() {
            assert_eq!(mask & 0x6a07, 0x6a07, "{mask:x}");
        }
        drop(pool);
        assert_eq!(running(), before);
    }

    #[pg_test]
    fn training_leaves_no_thread_and_the_same_model() {
        houses(500);
        let train = "SELECT ml_train('m', 'SELECT area, rooms, price FROM houses', 'price', epochs => 2, batch_size => 256)::text";
        let sha256 = "SELECT encode(sha256, 'hex') FROM tablenet.models WHERE model = 'm'";
        text(train);
        let one = text(sha256);
        let before = running();
        Spi::run("SET LOCAL tablenet.threads = 4").expect("set");
        text(train);
        assert_eq!(running(), before);
        assert_eq!(text(sha256), one);
    }
}
