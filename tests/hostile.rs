//! Objects that somebody made to be taken for others: at CREATE EXTENSION, at its update, and when functions are called. None
//! of their code may run as somebody else.

#[path = "hostile/injection.rs"]
mod injection;
#[path = "hostile/installing.rs"]
mod installing;
#[path = "hostile/roles.rs"]
mod roles;
#[path = "hostile/running.rs"]
mod running;

use postgres::Client;

/// Functions, operators, types and casts of mallory's in a schema, each with a name and with arguments that the extension
/// uses. Whatever is called says so and fails. That the schema and mallory are there is for the caller.
pub fn plant(client: &mut Client, schema: &str) {
    let mut script = format!(
        "SET search_path = {schema}, pg_catalog; SET ROLE mallory; SET check_function_bodies = off;\n"
    );
    let mut function = |name: &str, arguments: &str, result: &str| {
        script.push_str(&format!(
            "CREATE FUNCTION {schema}.{name}({arguments}) RETURNS {result} LANGUAGE plpgsql AS
                 $$ BEGIN RAISE 'caught: {name}({arguments}) as %', current_user; END $$;\n"
        ));
    };
    for (name, arguments, result) in [
        ("pg_has_role", "oid, text", "boolean"),
        ("pg_has_role", "regrole, text", "boolean"),
        ("pg_has_role", "regrole, unknown_text", "boolean"),
        ("array_position", "text[], text", "int"),
        ("array_to_string", "text[], text", "text"),
        ("jsonb_array_elements", "jsonb", "SETOF jsonb"),
        ("pg_get_userbyid", "oid", "name"),
        ("pg_get_userbyid", "regrole", "name"),
        ("clock_timestamp", "", "timestamptz"),
        ("pg_extension_config_dump", "regclass, text", "void"),
        ("pg_extension_config_dump", "text, text", "void"),
        ("aclexplode", "aclitem[]", "SETOF record"),
        ("format", "text, text", "text"),
        ("format", "text, VARIADIC text[]", "text"),
    ] {
        function(name, arguments, result);
    }
    let pairs = [
        ("text", "text"),
        ("bigint", "bigint"),
        ("int", "int"),
        ("bigint", "int"),
        ("int", "bigint"),
        ("oid", "oid"),
        ("oid", "int"),
        ("regrole", "regrole"),
        ("regrole", "int"),
        ("regrole", "oid"),
        ("name", "text"),
        ("name", "name"),
        ("regclass", "regclass"),
        ("oid", "regnamespace"),
        ("oid", "regclass"),
        ("boolean", "boolean"),
        ("float8", "float8"),
        ("anyelement", "anyarray"),
        ("bytea", "bytea"),
        ("anyarray", "anyarray"),
    ];
    for (left, right) in pairs {
        function("compared", &format!("{left}, {right}"), "boolean");
    }
    for (left, right) in [
        ("jsonb", "text"),
        ("jsonb", "int"),
        ("text", "text"),
        ("int", "int"),
        ("bigint", "bigint"),
    ] {
        function("combined", &format!("{left}, {right}"), left);
    }
    for (left, right) in pairs {
        for operator in ["=", "<>", "<", "<=", ">", ">="] {
            script.push_str(&format!(
                "CREATE OPERATOR {schema}.{operator} (FUNCTION = {schema}.compared, LEFTARG = {left}, RIGHTARG = {right});\n"
            ));
        }
    }
    for (left, right, operators) in [
        ("jsonb", "text", &["->", "->>", "-"][..]),
        ("jsonb", "int", &["->", "->>"]),
        ("text", "text", &["||"]),
        ("int", "int", &["+", "-", "*"]),
        ("bigint", "bigint", &["+", "-", "*"]),
    ] {
        for operator in operators {
            script.push_str(&format!(
                "CREATE OPERATOR {schema}.{operator} (FUNCTION = {schema}.combined, LEFTARG = {left}, RIGHTARG = {right});\n"
            ));
        }
    }
    let script = script.replace("unknown_text", "unknown");
    for statement in script.split_inclusive(";\n") {
        let made = client.batch_execute(statement);
        // A pseudo-type that an argument may not have in this language.
        let allowed = statement.contains("unknown") || statement.contains("anyelement, anyarray");
        assert!(made.is_ok() || allowed, "{statement}: {made:?}");
    }
    client
        .batch_execute("RESET ROLE; RESET search_path; RESET check_function_bodies")
        .expect("resets");
}

/// Types of mallory's that are named like those of the catalog, and a cast.
pub fn plant_types(client: &mut Client, schema: &str) {
    let mut script = String::from("SET ROLE mallory;");
    for name in [
        "regrole",
        "regclass",
        "regnamespace",
        "jsonb",
        "bytea",
        "timestamptz",
        "float8",
        "text",
        "int8",
        "int4",
        "name",
        "oid",
    ] {
        script.push_str(&format!(
            "CREATE TYPE {schema}.{name} AS (x pg_catalog.int4);\n"
        ));
    }
    script.push_str(&format!(
        "CREATE FUNCTION {schema}.turned({schema}.regrole) RETURNS pg_catalog.text LANGUAGE plpgsql AS
             $$ BEGIN RAISE 'caught: cast as %', current_user; END $$;
         CREATE CAST ({schema}.regrole AS pg_catalog.text) WITH FUNCTION {schema}.turned({schema}.regrole) AS IMPLICIT;
         RESET ROLE"
    ));
    client.batch_execute(&script).expect("creates the types");
}

/// Temporary tables and views with names of catalogs and of the extension's own, in the session's own schema.
pub fn plant_temporary(client: &mut Client) {
    let mut script = String::new();
    for name in [
        "pg_class",
        "pg_proc",
        "pg_namespace",
        "pg_roles",
        "pg_authid",
        "pg_init_privs",
        "pg_extension",
        "pg_type",
        "stored_model",
        "stored_version",
        "stored_chunk",
        "stored_state",
        "stored_grant",
        "usable_model",
        "models",
        "versions",
        "history",
        "grants",
    ] {
        script.push_str(&format!("CREATE TEMP TABLE {name} (oid pg_catalog.oid, name pg_catalog.text, owner pg_catalog.oid);\n"));
    }
    client
        .batch_execute(&script)
        .expect("creates temporary tables");
}
