#[pgrx::pg_schema]
mod tests {
    use pgrx::prelude::*;
    use tablenet_core::{Callback, ErrorKind};

    use crate::error;
    use crate::interrupt::Interrupts;

    fn cancel() {
        // SAFETY: what the signal handler of a cancel sets.
        unsafe {
            pg_sys::QueryCancelPending = 1;
            pg_sys::InterruptPending = 1;
        }
    }

    #[pg_test]
    fn nothing_pending_is_no_error() {
        assert!(Interrupts::new().check().is_ok());
    }

    #[pg_test]
    fn the_clock_runs() {
        let mut interrupts = Interrupts::new();
        Spi::run("SELECT pg_sleep(0.02)").expect("slept");
        assert!(interrupts.elapsed() >= 0.02);
    }

    #[pg_test(error = "canceling statement due to user request")]
    fn a_cancel_comes_back_as_err_and_is_raised_unchanged() {
        cancel();
        let error = Interrupts::new().check().expect_err("cancelled");
        assert_eq!(error.kind(), ErrorKind::Foreign);
        error::raise(error);
    }

    #[pg_test(error = "canceling statement due to user request")]
    fn a_cancel_ends_a_training() {
        crate::in_backend::outcome::houses(100);
        cancel();
        Spi::run("SELECT ml_train('m', 'TABLE houses', 'price', epochs => 1000)")
            .expect("raises instead");
    }
}
