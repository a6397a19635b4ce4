#[pgrx::pg_schema]
mod tests {
    use pgrx::prelude::*;

    use crate::guc;
    use crate::in_backend::outcome::{assert_outcome, text};

    #[pg_test]
    fn work_mem_follows_maintenance_work_mem() {
        assert_eq!(text("SHOW tablenet.work_mem"), "-1");
        Spi::run("SET LOCAL maintenance_work_mem = '5MB'").expect("set");
        assert_eq!(guc::work_mem(), 5 << 20);
        Spi::run("SET LOCAL tablenet.work_mem = '7MB'").expect("set");
        assert_eq!(guc::work_mem(), 7 << 20);
    }

    #[pg_test]
    fn defaults_and_bounds() {
        assert_eq!(text("SHOW tablenet.cache_size"), "64MB");
        assert_eq!(text("SHOW tablenet.threads"), "-1");
        assert_eq!(text("SHOW tablenet.max_threads"), "-1");
        assert_outcome(
            "SET tablenet.threads = 1025",
            "22023 1025 is outside the valid range for parameter \"tablenet.threads\" (-1 .. 1024)",
        );
        assert_outcome(
            "SET tablenet.threads = 0",
            "22023 invalid value for parameter \"tablenet.threads\": 0",
        );
    }

    #[pg_test]
    fn threads_follow_the_workers_that_build_an_index() {
        let cpus = std::thread::available_parallelism().expect("Linux").get();
        Spi::run("SET LOCAL max_parallel_maintenance_workers = 0").expect("set");
        assert_eq!(guc::threads(), 1);
        Spi::run("SET LOCAL max_parallel_maintenance_workers = 1").expect("set");
        assert_eq!(guc::threads(), cpus.min(2));
        Spi::run("SET LOCAL tablenet.threads = 100").expect("set");
        assert_eq!(guc::threads(), 100);
        Spi::run("SET LOCAL tablenet.max_threads = 7").expect("set");
        assert_eq!(guc::threads(), 7);
    }

    #[pg_test]
    fn the_prefix_is_reserved() {
        assert_outcome(
            "SET tablenet.thread = 2",
            "42602 invalid configuration parameter name \"tablenet.thread\"",
        );
    }
}
