//! CREATE EXTENSION and ALTER EXTENSION UPDATE among such objects.

use super::{plant, plant_temporary, plant_types};
use postgres::Client;
use server::training::refusal;
use server::{Server, catalog};

const PATH: &str = "SET search_path = pg_temp, public, pg_catalog";

/// A server without the extension, on which mallory may make what she wants in public.
fn server() -> Server {
    let server = Server::start();
    let script = "DROP EXTENSION tablenet; CREATE ROLE mallory; GRANT CREATE, USAGE ON SCHEMA public TO mallory;
                  CREATE SCHEMA ml; GRANT CREATE, USAGE ON SCHEMA ml TO mallory";
    server.connect().batch_execute(script).expect("prepares");
    server
}

/// What the extension is when nobody interferes, installed into `schema`.
fn undisturbed(client: &mut Client, schema: &str) -> Vec<String> {
    client
        .batch_execute(&format!("CREATE EXTENSION tablenet SCHEMA {schema}"))
        .expect("installs");
    let lines = catalog::extension(client);
    client
        .batch_execute("DROP EXTENSION tablenet")
        .expect("drops");
    lines
}

#[test]
fn nothing_that_somebody_made_before_takes_part_in_an_installation() {
    let server = server();
    let mut root = server.connect();
    let schemas = ["public", "ml"];
    let expected = schemas.map(|schema| undisturbed(&mut root, schema));
    for (schema, expected) in schemas.iter().zip(&expected) {
        plant(&mut root, schema);
        plant_types(&mut root, schema);
        let mut session = server.connect();
        plant_temporary(&mut session);
        for path in [
            PATH,
            "SET search_path = public, ml, pg_temp",
            "SET search_path = ''",
            &format!("SET search_path = {schema}, pg_catalog"),
        ] {
            session.batch_execute(path).expect("sets");
            let install = format!("CREATE EXTENSION tablenet SCHEMA {schema}");
            session
                .batch_execute(&install)
                .unwrap_or_else(|error| panic!("{path}: {error:?}"));
            catalog::assert_same(&catalog::extension(&mut root), expected);
            session
                .batch_execute("DROP EXTENSION tablenet")
                .expect("drops");
        }
    }
}

#[test]
fn nothing_that_somebody_made_before_takes_part_in_an_update() {
    let server = server();
    let mut root = server.connect();
    let expected = undisturbed(&mut root, "public");
    plant(&mut root, "public");
    plant_types(&mut root, "public");
    let mut session = server.connect();
    session
        .batch_execute("CREATE EXTENSION tablenet SCHEMA public VERSION '0.1.0'")
        .expect("installs");
    plant_temporary(&mut session);
    session
        .batch_execute(&format!("{PATH}; ALTER EXTENSION tablenet UPDATE"))
        .expect("updates");
    catalog::assert_same(&catalog::extension(&mut root), &expected);
}

#[test]
fn a_function_that_is_there_already_makes_the_installation_fail() {
    let server = server();
    let mut root = server.connect();
    root.batch_execute("CREATE EXTENSION tablenet")
        .expect("installs");
    // Of a type that is not there nobody can have made a function before.
    let functions = "SELECT format('%I(%s)', p.proname, pg_get_function_identity_arguments(p.oid)), prorettype = 'void'::regtype
                       FROM pg_depend AS d JOIN pg_proc AS p ON p.oid = d.objid
                      WHERE d.classid = 'pg_proc'::regclass AND d.deptype = 'e' AND p.pronamespace = 'public'::regnamespace
                        AND NOT 'tablenet.model'::regtype = ANY (p.proargtypes)
                        AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'tablenet')";
    let rows = root.query(functions, &[]).expect("a catalog query");
    let functions: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert!(functions.len() > 20, "{functions:?}");
    root.batch_execute("DROP EXTENSION tablenet")
        .expect("drops");
    for function in functions {
        // Those that take anything at all can only be written in C, which only superusers may.
        let own = function.contains("\"any\"");
        // Parameters that the function returns are no part of what tells it from others.
        let arguments = function.split(", OUT ").next().unwrap_or(&function);
        let signature = if arguments.ends_with(')') {
            arguments.to_owned()
        } else {
            format!("{arguments})")
        };
        let body = match own {
            true => "RETURNS int LANGUAGE internal AS 'int4pl'",
            false => "RETURNS int LANGUAGE sql AS 'SELECT 1'",
        };
        let role = if own { "postgres" } else { "mallory" };
        let create =
            format!("SET ROLE {role}; CREATE FUNCTION public.{signature} {body}; RESET ROLE");
        root.batch_execute(&create)
            .unwrap_or_else(|error| panic!("{create}: {error}"));
        assert_eq!(
            refusal(&mut root, "CREATE EXTENSION tablenet"),
            "42723",
            "{signature}"
        );
        let left = "SELECT 1 FROM pg_namespace WHERE nspname = 'tablenet'";
        assert!(
            root.query_opt(left, &[])
                .expect("a catalog query")
                .is_none(),
            "{signature}"
        );
        root.batch_execute(&format!("DROP FUNCTION public.{signature}"))
            .expect("drops");
    }
}

#[test]
fn default_privileges_open_nothing() {
    let server = server();
    let mut root = server.connect();
    let expected = undisturbed(&mut root, "public");
    root.batch_execute(
        "CREATE ROLE \"an \"\" app; --\"; CREATE ROLE \"PUBLIC\"; CREATE ROLE dumper;
         ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO mallory WITH GRANT OPTION;
         ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO \"an \"\" app; --\", PUBLIC;
         ALTER DEFAULT PRIVILEGES GRANT TRIGGER ON TABLES TO \"PUBLIC\";
         ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO mallory, PUBLIC;
         ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO mallory, PUBLIC",
    )
    .expect("sets");
    root.batch_execute("CREATE EXTENSION tablenet")
        .expect("installs");
    catalog::assert_same(&catalog::extension(&mut root), &expected);

    // 0.1.0 left them as they came; its update takes them, as all that was given on the tables.
    let given =
        "SELECT concat_ws(' ', has_table_privilege('mallory', 'tablenet.stored_model', 'TRIGGER'),
                        has_table_privilege('dumper', 'tablenet.stored_model', 'SELECT'),
                        has_schema_privilege('mallory', 'tablenet', 'CREATE'))";
    root.batch_execute(
        "DROP EXTENSION tablenet; CREATE EXTENSION tablenet VERSION '0.1.0'; GRANT SELECT ON tablenet.stored_model TO dumper",
    )
    .expect("installs");
    let before: String = root.query_one(given, &[]).expect("a catalog query").get(0);
    assert_eq!(before, "t t t");
    root.batch_execute("ALTER EXTENSION tablenet UPDATE")
        .expect("updates");
    let after: String = root.query_one(given, &[]).expect("a catalog query").get(0);
    assert_eq!(after, "f f f");
    catalog::assert_same(&catalog::extension(&mut root), &expected);
}

#[test]
fn only_a_superuser_installs() {
    let server = server();
    let mut root = server.connect();
    root.batch_execute(
        "CREATE ROLE manager; GRANT ALL ON DATABASE postgres TO manager; SET ROLE manager",
    )
    .expect("grants");
    assert_eq!(refusal(&mut root, "CREATE EXTENSION tablenet"), "42501");
}
