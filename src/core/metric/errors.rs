//! Means of errors in the target's own units: mae, mse, rmse, mape, msle and log_cosh (Keras: the losses of those names).

use super::Kind;
use super::state::{Elements, Pair, State, Subject};

/// Keras's epsilon.
const LEAST: f64 = 1e-7;

macro_rules! errors {
    ($($(#[$doc:meta])* $metric:ident is $names:expr, $f:expr, $finish:expr;)+) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Default, PartialEq)]
            pub(super) struct $metric;

            impl Kind for $metric {
                const NAMES: &'static [&'static str] = &$names;

                fn fits(of: &Subject<'_>) -> bool {
                    of.numbers()
                }

                fn state(&self, of: &Subject<'_>) -> Box<dyn State> {
                    Elements::finished(of, $f, $finish)
                }
            }
        )+
    };
}

errors! {
    /// mean |p - y|
    Mae is ["mae", "mean_absolute_error"], |it: Pair| it.error.abs(), |mean| mean;
    /// mean (p - y)^2
    Mse is ["mse", "mean_squared_error"], |it: Pair| it.error * it.error, |mean| mean;
    /// root of the mean (p - y)^2
    Rmse is ["rmse", "root_mean_squared_error"], |it: Pair| it.error * it.error, f64::sqrt;
    /// mean 100 |p - y| / |y|
    Mape is ["mape", "mean_absolute_percentage_error"],
        |it: Pair| 100.0 * it.error.abs() / it.target.abs().max(LEAST), |mean| mean;
    /// mean (ln(1 + p) - ln(1 + y))^2
    Msle is ["msle", "mean_squared_logarithmic_error"], |it: Pair| {
        let log = |v: f64| libm::log1p(v.max(LEAST));
        let e = log(it.answer) - log(it.target);
        e * e
    }, |mean| mean;
    /// mean ln cosh(p - y)
    LogCosh is ["log_cosh", "log_cosh_error"], |it: Pair| {
        let a = it.error.abs();
        a + libm::log1p(libm::exp(-2.0 * a)) - std::f64::consts::LN_2
    }, |mean| mean;
}
