//! What the views show, to whom.

use super::roles::{self, MODELS, ROLES, Right, Role};
use super::texts;

/// The grants there are, but for those of roles that were dropped: model, grantee, privilege, and who sees it besides
/// those who own the model.
const GRANTS: [(&str, &str, &str, &[&str]); 10] = [
    (
        "granted",
        "predictor",
        "predict",
        &["predict", "a stranger through predictor's SECURITY DEFINER"],
    ),
    ("granted", "trainer", "train", &["train"]),
    ("granted", "co_owner", "own", &["own"]),
    (
        "granted",
        "team",
        "predict",
        &["a member of a grantee", "the same after SET ROLE"],
    ),
    (
        "undeployed",
        "predictor",
        "predict",
        &["predict", "a stranger through predictor's SECURITY DEFINER"],
    ),
    ("undeployed", "trainer", "train", &["train"]),
    ("undeployed", "co_owner", "own", &["own"]),
    (
        "undeployed",
        "team",
        "predict",
        &["a member of a grantee", "the same after SET ROLE"],
    ),
    ("open", "public", "predict", &[]),
    (
        "orphan",
        "predictor",
        "predict",
        &["predict", "a stranger through predictor's SECURITY DEFINER"],
    ),
];

/// The models that a role may use at all.
fn seen(role: &Role) -> Vec<&'static str> {
    let mut seen = MODELS.to_vec();
    seen.retain(|model| role.right(model) > Right::Nothing);
    seen.sort_unstable();
    seen
}

/// The privileges by their words.
fn word(right: Right) -> &'static str {
    match right {
        Right::Nothing => "",
        Right::Predict => "predict",
        Right::Train => "train",
        Right::Own => "own",
    }
}

#[test]
fn the_views_show_what_a_role_may_see() {
    let server = roles::server();
    let mut client = server.connect();
    let mut transaction = client.transaction().expect("begins");
    for role in ROLES.iter().filter(|role| role.answers()) {
        let mut ask = |query: &str| texts(&mut transaction, role, query);
        let name = role.name;
        let seen = seen(role);
        let expected: Vec<String> = seen
            .iter()
            .map(|model| format!("{model} {}", word(role.right(model))))
            .collect();
        assert_eq!(
            ask(
                "SELECT model || ' ' || privilege FROM tablenet.models ORDER BY model COLLATE \"C\""
            ),
            expected,
            "{name}"
        );

        // The text of a query is for those who may train.
        let queries: Vec<String> = seen
            .iter()
            .flat_map(|model| {
                [1, 2].map(|version| {
                    format!("{model} {version} {}", role.right(model) >= Right::Train)
                })
            })
            .collect();
        let query = "SELECT concat_ws(' ', model, version, CASE WHEN query = 'TABLE h' THEN 'true' WHEN query IS NULL THEN 'false' END)
                       FROM tablenet.versions ORDER BY model COLLATE \"C\", version";
        assert_eq!(ask(query), queries, "{name}");
        let epochs: Vec<String> = seen.iter().map(|model| format!("{model} 4")).collect();
        assert_eq!(
            ask(
                "SELECT model || ' ' || count(*) FROM tablenet.history GROUP BY model ORDER BY model COLLATE \"C\""
            ),
            epochs,
            "{name}"
        );

        let mut grants: Vec<String> = GRANTS
            .iter()
            .filter(|(model, grantee, _, seen_by)| {
                role.right(model) == Right::Own
                    || seen_by.contains(&name)
                    || *grantee == "public" && role.right(model) > Right::Nothing
            })
            .map(|(model, grantee, privilege, _)| format!("{model} {grantee} {privilege}"))
            .collect();
        grants.sort_unstable();
        assert_eq!(
            ask(
                "SELECT concat_ws(' ', model, grantee, privilege) FROM tablenet.grants ORDER BY model COLLATE \"C\", grantee COLLATE \"C\""
            ),
            grants,
            "{name}"
        );
    }
}

#[test]
fn every_view_that_everybody_reads_is_a_barrier() {
    let server = server::Server::start();
    let query = "SELECT c.relname || ' ' || COALESCE(c.reloptions @> '{security_barrier=true}' OR c.reloptions @> '{security_barrier}', false)
                   FROM pg_class AS c WHERE c.relnamespace = 'tablenet'::regnamespace AND has_table_privilege('pg_monitor', c.oid, 'SELECT')
                    AND c.relkind = 'v'
                  ORDER BY 1";
    let rows = server.connect().query(query, &[]).expect("a catalog query");
    let views: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert!(views.len() >= 4, "{views:?}");
    assert!(
        views.iter().all(|view| view.ends_with(" true")),
        "{views:?}"
    );
}

#[test]
fn an_operator_of_the_reader_is_given_no_row_of_others() {
    let server = roles::server();
    let mut root = server.connect();
    root.batch_execute(
        "GRANT CREATE ON SCHEMA public TO stranger, predictor; ANALYZE;
         CREATE FUNCTION leak(text, text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT COST 0.0001 AS
             $$ BEGIN RAISE 'leaked % %', $1, $2; END $$;
         CREATE FUNCTION leak(regrole, text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE COST 0.0001 AS
             $$ BEGIN IF $1 <> 'zoe'::regrole THEN RAISE 'leaked % %', $1, $2; END IF; RETURN true; END $$;
         CREATE FUNCTION leak_other(text, text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE COST 0.0001 AS
             $$ BEGIN IF $1 NOT IN ('open', 'public', $2) THEN RAISE 'leaked % %', $1, $2; END IF; RETURN true; END $$;
         CREATE OPERATOR <<< (FUNCTION = leak, LEFTARG = text, RIGHTARG = text, RESTRICT = eqsel, JOIN = eqjoinsel);
         CREATE OPERATOR <<< (FUNCTION = leak, LEFTARG = regrole, RIGHTARG = text, RESTRICT = eqsel, JOIN = eqjoinsel);
         CREATE OPERATOR >>> (FUNCTION = leak_other, LEFTARG = text, RIGHTARG = text, RESTRICT = scalargtsel, JOIN = scalargtjoinsel)",
    )
    .expect("creates the operators");
    let mut transaction = root.transaction().expect("begins");
    let stranger = ROLES
        .iter()
        .find(|role| role.name == "a stranger")
        .expect("known");
    for (query, rows) in [
        (
            "SELECT model FROM tablenet.models WHERE model >>> 'open'",
            1,
        ),
        ("SELECT model FROM tablenet.models WHERE owner <<< 'x'", 1),
        (
            "SELECT model FROM tablenet.versions WHERE model >>> 'open'",
            2,
        ),
        (
            "SELECT model FROM tablenet.history WHERE model >>> 'open' AND epoch > 0",
            4,
        ),
        (
            "SELECT model FROM tablenet.grants WHERE model >>> 'open' AND grantee >>> 'open'",
            1,
        ),
        (
            "SELECT a.model FROM tablenet.models AS a JOIN tablenet.grants AS g ON a.model >>> g.model",
            1,
        ),
    ] {
        assert_eq!(
            texts(&mut transaction, stranger, query),
            vec!["open"; rows],
            "{query}"
        );
    }
    // Who may only predict: not the text of the query.
    let predictor = ROLES
        .iter()
        .find(|role| role.name == "predict")
        .expect("known");
    let query = "SELECT model FROM tablenet.versions WHERE COALESCE(query <<< 'text', true) ORDER BY 1, version";
    let seen = [
        "granted",
        "granted",
        "open",
        "open",
        "orphan",
        "orphan",
        "undeployed",
        "undeployed",
    ];
    assert_eq!(texts(&mut transaction, predictor, query), seen);
}
