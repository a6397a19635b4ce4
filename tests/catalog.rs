//! What the extension is in the system catalogs, by names: two databases with the same lines have the same extension.

use postgres::Client;

/// Members of the extension and what belongs to them, as `members (classid, objid)`.
const MEMBERS: &str = "
    WITH RECURSIVE members (classid, objid) AS (
        SELECT d.classid, d.objid FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
         WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'tablenet'
        UNION
        SELECT d.classid, d.objid FROM members m JOIN pg_depend d ON d.refclassid = m.classid AND d.refobjid = m.objid
         WHERE d.deptype IN ('a', 'i', 'e'))";

/// One line each; what has a number of its own in every database is left out of them.
const QUERIES: [&str; 12] = [
    "SELECT concat_ws(' | ', 'extension', extname, extversion, extrelocatable, extnamespace::regnamespace, extowner::regrole,
                      extconfig::regclass[], extcondition, obj_description(oid, 'pg_extension')) FROM pg_extension",
    "SELECT concat_ws(' | ', 'relation', c.oid::regclass, relkind, relowner::regrole, relpersistence, reloptions,
                      coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's'::\"char\" ELSE 'r' END, relowner)),
                      relrowsecurity, relhasrules, relhastriggers, relreplident, amname, obj_description(c.oid, 'pg_class'),
                      (SELECT concat_ws(' ', t.relpersistence, t.reloptions) FROM pg_class t WHERE t.oid = c.reltoastrelid))
       FROM members JOIN pg_class c ON c.oid = objid AND classid = 'pg_class'::regclass LEFT JOIN pg_am a ON a.oid = c.relam
      WHERE relkind <> 't' AND relnamespace <> 'pg_toast'::regnamespace",
    "SELECT concat_ws(' | ', 'column', attrelid::regclass, attnum, attname, format_type(atttypid, atttypmod), attnotnull,
                      atthasdef, atthasmissing, attidentity, attgenerated, attstorage, attcompression, attisdropped, attislocal,
                      -- PostgreSQL 15.20 counts the versions of columns in an option.
                      ARRAY(SELECT o FROM unnest(attoptions) AS o WHERE o NOT LIKE 'pg_attver=%'), attacl, (SELECT collname FROM pg_collation l WHERE l.oid = attcollation),
                      col_description(attrelid, attnum), (SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef
                        WHERE adrelid = attrelid AND adnum = attnum))
       FROM members JOIN pg_class c ON c.oid = objid AND classid = 'pg_class'::regclass JOIN pg_attribute ON attrelid = c.oid
      WHERE relkind <> 't' AND (c.relnamespace <> 'pg_toast'::regnamespace)",
    "SELECT concat_ws(' | ', 'constraint', conrelid::regclass, conname, contype, pg_get_constraintdef(c.oid), convalidated)
       FROM members JOIN pg_constraint c ON c.oid = objid AND classid = 'pg_constraint'::regclass",
    "SELECT concat_ws(' | ', 'definition', c.oid::regclass, CASE relkind WHEN 'v' THEN pg_get_viewdef(c.oid)
                      WHEN 'i' THEN pg_get_indexdef(c.oid) ELSE (SELECT s::text FROM (SELECT seqtypid::regtype, seqstart, seqincrement,
                      seqmax, seqmin, seqcache, seqcycle FROM pg_sequence WHERE seqrelid = c.oid) AS s) END)
       FROM members JOIN pg_class c ON c.oid = objid AND classid = 'pg_class'::regclass
      WHERE relkind IN ('v', 'i', 'S') AND relnamespace <> 'pg_toast'::regnamespace",
    "SELECT concat_ws(' | ', 'function', pg_get_functiondef(p.oid), proowner::regrole, proacl, prosecdef, proconfig,
                      obj_description(p.oid, 'pg_proc'))
       FROM members JOIN pg_proc p ON p.oid = objid AND classid = 'pg_proc'::regclass WHERE prokind <> 'a'",
    "SELECT concat_ws(' | ', 'aggregate', p.oid::regprocedure, pg_get_function_arguments(p.oid), aggtransfn, aggfinalfn, aggtranstype::regtype,
                      aggtransspace, aggfinalmodify, aggfinalextra, aggcombinefn, agginitval, proparallel, provolatile, proowner::regrole,
                      proacl, obj_description(p.oid, 'pg_proc'))
       FROM members JOIN pg_proc p ON p.oid = objid AND classid = 'pg_proc'::regclass JOIN pg_aggregate a ON a.aggfnoid = p.oid",
    "SELECT concat_ws(' | ', 'type', t.oid::regtype, typlen, typbyval, typcategory, typispreferred, typdelim, typinput, typoutput,
                      typreceive, typsend, typalign, typstorage, typowner::regrole, typacl, obj_description(t.oid, 'pg_type'))
       FROM members JOIN pg_type t ON t.oid = objid AND classid = 'pg_type'::regclass WHERE typtype = 'b'",
    "SELECT concat_ws(' | ', 'cast', castsource::regtype, casttarget::regtype, castfunc::regprocedure, castcontext, castmethod)
       FROM members JOIN pg_cast c ON c.oid = objid AND classid = 'pg_cast'::regclass",
    "SELECT concat_ws(' | ', 'schema', nspname, nspowner::regrole, nspacl, obj_description(n.oid, 'pg_namespace'))
       FROM members JOIN pg_namespace n ON n.oid = objid AND classid = 'pg_namespace'::regclass",
    "SELECT concat_ws(' | ', 'initial privileges', pg_describe_object(i.classoid, i.objoid, i.objsubid), privtype, initprivs)
       FROM members JOIN pg_init_privs i ON i.objoid = objid AND i.classoid = classid LEFT JOIN pg_class c ON c.oid = objid
      -- pg_upgrade leaves out what is so by default.
      WHERE initprivs IS DISTINCT FROM acldefault(CASE relkind WHEN 'S' THEN 's'::\"char\" ELSE 'r' END, relowner)",
    "SELECT regexp_replace(concat_ws(' | ', 'dependency', pg_describe_object(d.classid, d.objid, d.objsubid), deptype,
                      pg_describe_object(refclassid, refobjid, refobjsubid)), 'pg_toast_\\d+', 'pg_toast', 'g')
       FROM members JOIN pg_depend d USING (classid, objid)",
];

/// The extension of this database as lines in order.
pub fn extension(client: &mut Client) -> Vec<String> {
    // Names with their schemas, whatever the session's search path was.
    client
        .batch_execute("SET search_path = pg_catalog")
        .expect("sets");
    let mut lines = Vec::new();
    for query in QUERIES {
        let rows = client
            .query(&format!("{MEMBERS} {query}"), &[])
            .unwrap_or_else(|error| panic!("{query}: {error}"));
        assert!(!rows.is_empty(), "nothing found: {query}");
        lines.extend(rows.iter().map(|row| row.get::<_, String>(0)));
    }
    client.batch_execute("RESET search_path").expect("resets");
    lines.sort();
    lines
}

/// Fails with the lines that only one of the two has.
pub fn assert_same(found: &[String], expected: &[String]) {
    let only = |these: &[String], those: &[String]| -> String {
        let only = these.iter().filter(|line| !those.contains(line));
        only.map(|line| format!("  {line}\n")).collect()
    };
    let (surplus, missing) = (only(found, expected), only(expected, found));
    assert!(
        surplus.is_empty() && missing.is_empty() && found.len() == expected.len(),
        "only found:\n{surplus}only expected:\n{missing}"
    );
}
