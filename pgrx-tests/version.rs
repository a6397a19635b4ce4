#[pgrx::pg_schema]
mod tests {
    use pgrx::prelude::*;

    #[pg_test]
    fn version_is_the_packages() {
        assert_eq!(
            Spi::get_one::<String>("SELECT ml_version()"),
            Ok(Some(env!("CARGO_PKG_VERSION").to_string()))
        );
    }
}
