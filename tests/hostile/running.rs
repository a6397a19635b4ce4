//! Every function called among such objects, by a superuser and by an ordinary role.

use super::{plant, plant_temporary};
use server::Server;

/// Every function: training, scoring and the rest, whose own queries name only what is theirs.
const CALLS: [&str; 30] = [
    "SELECT version FROM ml_train('hostile', 'TABLE public.h', 'y', epochs => 2)",
    "SELECT version FROM ml_train('hostile', 'TABLE public.h', 'y', epochs => 1, warm_start => true, deploy => 'never')",
    "SELECT version FROM ml_train('several', 'TABLE public.h', ARRAY['b'], exclude => '{y}', epochs => 1)",
    "SELECT version FROM ml_partial_fit('hostile@1', 'TABLE public.h', keep_versions => 3)",
    "SELECT ml_predict('hostile', h) FROM public.h",
    "SELECT ml_predict('hostile', 1.5, 2)",
    "SELECT ml_predict('hostile', '{\"a\": 1, \"b\": 2}'::pg_catalog.jsonb)",
    "SELECT ml_predict('hostile', '{a,b}'::pg_catalog.name[], 1.5, 2)",
    "SELECT ml_predict('hostile', VARIADIC ARRAY[1.5, 2])",
    "SELECT ml_predict_class('hostile@2', h) FROM public.h",
    "SELECT ml_predict_proba('hostile', h) FROM public.h",
    "SELECT ml_predict_values('hostile', h) FROM public.h",
    "SELECT * FROM ml_evaluate('hostile', 'TABLE public.h')",
    "SELECT * FROM ml_transform('hostile', 'TABLE public.h')",
    "SELECT * FROM ml_drift('hostile', 'TABLE public.h')",
    "SELECT * FROM ml_history('hostile')",
    "SELECT * FROM ml_summary('hostile')",
    "SELECT * FROM ml_feature_info('hostile')",
    "SELECT ml_deploy('hostile', 1)",
    "SELECT ml_deploy('hostile', 'best')",
    "SELECT ml_deploy('hostile', 'previous')",
    "SELECT ml_rename('hostile', 'moved')",
    "SELECT ml_rename('moved', 'hostile')",
    "SELECT ml_grant('hostile', 'reader', 'predict')",
    "SELECT ml_revoke('hostile', 'reader')",
    "SELECT * FROM tablenet.models, tablenet.versions, tablenet.history",
    "SELECT * FROM tablenet.grants",
    "SELECT * FROM tablenet.progress",
    "SELECT ml_drop('several')",
    "SELECT ml_drop('hostile')",
];

#[test]
fn no_code_of_another_runs_when_functions_are_called() {
    let server = Server::start();
    let mut root = server.connect();
    root.batch_execute(
        "CREATE ROLE mallory; CREATE ROLE ann LOGIN; CREATE ROLE reader; CREATE SCHEMA evil AUTHORIZATION mallory;
         CREATE TABLE h AS SELECT i::float8 AS a, i % 5 AS b, CASE WHEN i % 3 = 0 THEN 'yes' ELSE 'no' END AS y FROM generate_series(1, 40) AS i;
         GRANT SELECT ON h TO PUBLIC",
    )
    .expect("prepares");
    plant(&mut root, "evil");
    root.batch_execute("GRANT USAGE ON SCHEMA evil TO PUBLIC")
        .expect("grants");
    for user in ["ann", "postgres"] {
        for path in [
            "evil, pg_temp, public, pg_catalog",
            "pg_temp, evil, pg_catalog, public",
            "public, evil",
        ] {
            // A session of its own: statements over the catalog are planned once in each.
            let mut session = server.connect_as(user);
            plant_temporary(&mut session);
            session
                .batch_execute(&format!("SET search_path = {path}"))
                .expect("sets");
            let trap = session
                .batch_execute("SELECT 1 OPERATOR(evil.+) 1")
                .expect_err("the trap works");
            assert!(
                trap.as_db_error()
                    .is_some_and(|error| error.message().starts_with("caught: combined")),
                "{trap:?}"
            );
            for call in CALLS {
                session
                    .batch_execute(call)
                    .unwrap_or_else(|error| panic!("{user}, {path}: {call}: {error:?}"));
            }
        }
    }
}

#[test]
fn a_query_of_anothers_functions_runs_as_its_caller_alone() {
    let server = Server::start();
    let mut root = server.connect();
    root.batch_execute(
        "CREATE ROLE ann LOGIN; CREATE ROLE mallory; CREATE TABLE seen (who name); GRANT INSERT ON seen TO PUBLIC;
         CREATE FUNCTION who() RETURNS float8 LANGUAGE plpgsql AS $$ BEGIN
             RAISE NOTICE '%', current_user;
             IF current_user <> 'ann' THEN RAISE 'caught as %', current_user; END IF;
             BEGIN PERFORM 1 FROM tablenet.stored_model; RAISE 'caught: reads the catalog';
             EXCEPTION WHEN insufficient_privilege THEN RETURN random(); END;
         END $$",
    )
    .expect("prepares");
    let query = "SELECT i AS a, who() AS b, i::float8 AS y FROM generate_series(1, 30) AS i";
    let mut ann = server.connect_as("ann");
    for call in [
        "ml_train('m', $q$$query$q$, 'y', epochs => 1)",
        "ml_train('m', $q$$query$q$, 'y', epochs => 1, validation_query => $q$$query$q$)",
        "ml_partial_fit('m', $q$$query$q$)",
        "ml_evaluate('m', $q$$query$q$)",
        "ml_transform('m', $q$$query$q$)",
        "ml_drift('m', $q$$query$q$)",
    ] {
        let statement = format!("SELECT * FROM {}", call.replace("$query", query));
        ann.batch_execute(&statement)
            .unwrap_or_else(|error| panic!("{statement}: {error:?}"));
    }
}
