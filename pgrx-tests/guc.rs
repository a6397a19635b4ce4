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
    fn work_mem_ends_at_its_ceiling_wherever_it_comes_from() {
        Spi::run("SET LOCAL tablenet.max_work_mem = '6MB'").expect("set");
        for (settings, megabytes) in [
            ("SET LOCAL maintenance_work_mem = '8MB'", 6),
            ("SET LOCAL maintenance_work_mem = '5MB'", 5),
            ("SET LOCAL tablenet.work_mem = '7MB'", 6),
            ("SET LOCAL tablenet.work_mem = '6MB'", 6),
            ("SET LOCAL tablenet.work_mem = '2MB'", 2),
        ] {
            Spi::run(settings).expect("set");
            assert_eq!(guc::work_mem(), megabytes << 20, "{settings}");
        }
        for (given, bytes) in [("7MB", 6 << 20), ("512", 512 << 10), ("0.5MB", 512 << 10)] {
            let memory = guc::Memory::parse(given).expect("a number of bytes");
            assert_eq!(memory.bytes(), bytes, "{given}");
        }
    }

    #[pg_test]
    fn a_hint_names_the_limit_that_binds() {
        let hint = |memory: guc::Memory| memory.named("Raise the memory limit or wait.");
        let of_session = || hint(guc::Memory::of_session());
        let argument = || hint(guc::Memory::parse("4MB").expect("4 MB"));
        assert_eq!(
            of_session(),
            "Raise tablenet.work_mem (now maintenance_work_mem) or wait."
        );
        assert_eq!(argument(), "Raise max_memory or wait.");
        Spi::run("SET LOCAL tablenet.work_mem = '3MB'").expect("set");
        assert_eq!(of_session(), "Raise tablenet.work_mem or wait.");
        Spi::run("SET LOCAL tablenet.max_work_mem = '2MB'").expect("set");
        for bound in [of_session(), argument()] {
            assert_eq!(
                bound,
                "Raise tablenet.max_work_mem (only a superuser can) or wait."
            );
        }
        let lower = guc::Memory::of_session().named("Free memory or lower the memory limit.");
        assert_eq!(lower, "Free memory or lower tablenet.work_mem.");
    }

    #[pg_test]
    fn the_cache_ends_at_its_ceiling() {
        Spi::run("SET LOCAL tablenet.max_cache_size = '10MB'").expect("set");
        assert_eq!(guc::cache_size(), 10 << 20);
        Spi::run("SET LOCAL tablenet.cache_size = '1MB'").expect("set");
        assert_eq!(guc::cache_size(), 1 << 20);
        Spi::run("SET LOCAL tablenet.cache_size = '11MB'").expect("set");
        assert_eq!(guc::cache_size(), 10 << 20);
        Spi::run("SET LOCAL tablenet.max_cache_size = 0").expect("set");
        assert_eq!(guc::cache_size(), 0);
        Spi::run("SET LOCAL tablenet.max_cache_size = -1").expect("set");
        assert_eq!(guc::cache_size(), 11 << 20);
    }

    #[pg_test]
    fn what_is_no_value_is_refused() {
        for (setting, outcome) in [
            (
                "work_mem = 'lots'",
                "22023 invalid value for parameter \"tablenet.work_mem\": \"lots\"",
            ),
            (
                "work_mem = '1 parsec'",
                "22023 invalid value for parameter \"tablenet.work_mem\": \"1 parsec\"",
            ),
            (
                "cache_size = -1",
                "22023 -1 kB is outside the valid range for parameter \"tablenet.cache_size\" (0 .. 2147483647)",
            ),
            (
                "max_model_size = -2",
                "22023 -2 kB is outside the valid range for parameter \"tablenet.max_model_size\" (-1 .. 2147483647)",
            ),
            (
                "progress = loud",
                "22023 invalid value for parameter \"tablenet.progress\": \"loud\"",
            ),
        ] {
            // PostgreSQL 18 names the unit of the bounds, too.
            let found = crate::in_backend::outcome::outcome(&format!("SET tablenet.{setting}"));
            assert_eq!(
                found
                    .replace("(0 kB .. 2147483647 kB)", "(0 .. 2147483647)")
                    .replace("(-1 kB .. 2147483647 kB)", "(-1 .. 2147483647)"),
                outcome,
                "{setting}"
            );
        }
    }

    #[pg_test]
    fn defaults_and_bounds() {
        assert_eq!(text("SHOW tablenet.cache_size"), "64MB");
        for ceiling in ["max_work_mem", "max_cache_size"] {
            assert_eq!(text(&format!("SHOW tablenet.{ceiling}")), "-1");
        }
        assert_eq!(text("SHOW tablenet.max_model_size"), "1GB");
        assert_eq!(guc::max_model_size(), 1 << 30);
        assert_eq!(text("SHOW tablenet.progress"), "activity");
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
