//! One test for each of the two servers, and for each of the three engines.

/// Makes tests of functions that take a [`crate::Flavour`]. MySQL's are ignored without TABLENET_MYSQL.
#[macro_export]
macro_rules! on_both_servers {
    ($($test:ident),+ $(,)?) => {
        mod mariadb {
            $(#[test] fn $test() {
                super::$test($crate::Flavour::MariaDb);
            })+
        }
        mod mysql {
            $(#[test] #[ignore = "needs TABLENET_MYSQL"] fn $test() {
                super::$test($crate::Flavour::MySql);
            })+
        }
    };
}

/// Makes tests of functions that take an [`crate::engine::Engine`].
#[macro_export]
macro_rules! on_every_engine {
    ($($scenario:ident),+ $(,)?) => {
        mod postgresql {
            $(#[test] fn $scenario() {
                super::$scenario(&mut $crate::engine::PostgreSql::shared());
            })+
        }
        mod mariadb {
            $(#[test] fn $scenario() {
                super::$scenario(&mut $crate::engine::MySql::shared($crate::Flavour::MariaDb));
            })+
        }
        mod mysql {
            $(#[test] #[ignore = "needs TABLENET_MYSQL"] fn $scenario() {
                super::$scenario(&mut $crate::engine::MySql::shared($crate::Flavour::MySql));
            })+
        }
    };
}
