#[pgrx::pg_schema]
mod tests {
    use pgrx::prelude::*;
    use tablenet_core::{Error, ErrorKind};

    use crate::error;
    use crate::in_backend::outcome::text;

    const KINDS: [ErrorKind; 15] = [
        ErrorKind::InvalidParameter,
        ErrorKind::NotSupported,
        ErrorKind::UnknownColumn,
        ErrorKind::DuplicateColumn,
        ErrorKind::TypeMismatch,
        ErrorKind::NullNotAllowed,
        ErrorKind::FeatureCount,
        ErrorKind::NotFinite,
        ErrorKind::InvalidText,
        ErrorKind::NoRows,
        ErrorKind::TooFew,
        ErrorKind::WrongTask,
        ErrorKind::OutOfMemory,
        ErrorKind::LimitExceeded,
        ErrorKind::Damaged,
    ];

    #[pg_test]
    fn every_kind_has_its_own_sqlstate() {
        for (index, kind) in KINDS.iter().enumerate() {
            for other in &KINDS[..index] {
                assert_ne!(
                    error::sqlstate(*kind),
                    error::sqlstate(*other),
                    "{kind:?} and {other:?}"
                );
            }
            assert_ne!(
                error::sqlstate(*kind),
                PgSqlErrorCode::ERRCODE_INTERNAL_ERROR
            );
        }
    }

    #[pg_test(error = "a\u{fffd}b is wrong")]
    fn a_nul_does_not_break_the_message() {
        let failure = Error::new(ErrorKind::InvalidParameter, "a\0b is wrong");
        error::raise(failure.detail("d\0.").hint("h\0."));
    }

    #[pg_test]
    fn the_hint_of_a_memory_limit_names_the_setting() {
        Spi::run(
            "SET LOCAL tablenet.work_mem = '64kB';
             DO $do$ DECLARE hint text; BEGIN
                 PERFORM ml_train('m', 'SELECT i AS x, i * 2.0 AS y FROM generate_series(1, 5000) AS i', 'y');
             EXCEPTION WHEN out_of_memory THEN
                 GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
                 PERFORM set_config('test.hint', hint, true);
             END $do$",
        )
        .expect("the error is caught");
        assert_eq!(
            text("SELECT current_setting('test.hint')"),
            "Raise tablenet.work_mem or make the model or the batch smaller."
        );
    }

    #[pg_test(error = "division by zero")]
    fn an_error_of_postgresql_survives_messages_in_between() {
        // SAFETY: int4div takes two integers.
        let caught = error::catch(|| unsafe {
            let (one, zero) = (pg_sys::Datum::from(1), pg_sys::Datum::from(0));
            pg_sys::DirectFunctionCall2Coll(Some(int4div), pg_sys::InvalidOid, one, zero)
        });
        pgrx::debug1!("something else is said meanwhile");
        error::raise(caught.expect_err("one divided by zero"));
    }

    unsafe extern "C-unwind" {
        fn int4div(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum;
    }
}
