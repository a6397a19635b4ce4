#[pgrx::pg_schema]
mod tests {
    use pgrx::prelude::*;
    use tablenet_core::SpillFactory;

    use crate::error;
    use crate::in_backend::outcome::assert_outcome;
    use crate::in_backend::release::temp_file_limit_exceeded;
    use crate::spill::Spills;

    fn temporary_files() -> i64 {
        Spi::get_one("SELECT count(*) FROM pg_ls_tmpdir()")
            .expect("listed")
            .expect("a count")
    }

    #[pg_test]
    fn blocks_are_read_back_and_the_file_goes() {
        let mut file = Spills::new()
            .create()
            .unwrap_or_else(|error| error::raise(error));
        let block = |number: u8| vec![number; 100_000];
        for number in 0..20 {
            file.append(&block(number))
                .unwrap_or_else(|error| error::raise(error));
        }
        assert_eq!(temporary_files(), 1);
        let mut buffer = vec![0; 100_000];
        for number in [7, 0, 19, 3] {
            file.read_at(u64::from(number) * 100_000, &mut buffer)
                .unwrap_or_else(|error| error::raise(error));
            assert!(buffer == block(number), "block {number}");
        }
        file.append(&block(20))
            .unwrap_or_else(|error| error::raise(error));
        let mut edge = [0; 2];
        file.read_at(20 * 100_000 - 1, &mut edge)
            .unwrap_or_else(|error| error::raise(error));
        assert_eq!(edge, [19, 20]);
        assert!(
            file.read_at(21 * 100_000 - 1, &mut edge).is_err(),
            "beyond the end"
        );
        drop(file);
        assert_eq!(temporary_files(), 0);
    }

    #[pg_test]
    fn temp_file_limit_holds() {
        Spi::run("SET LOCAL temp_file_limit = '1MB'").expect("set");
        assert_outcome(
            "SELECT tests.spill_four_megabytes()",
            &temp_file_limit_exceeded(1024),
        );
    }

    #[pg_extern]
    fn spill_four_megabytes() {
        let mut file = Spills::new()
            .create()
            .unwrap_or_else(|error| error::raise(error));
        let failure = (0..40).find_map(|_| file.append(&[1; 100_000]).err());
        drop(file);
        if let Some(failure) = failure {
            error::raise(failure);
        }
    }
}
