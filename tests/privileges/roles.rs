//! Who asks: roles with every kind of right there is, and what each may do with each model.

use server::Server;

/// What a role may do with a model; each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    Nothing,
    Predict,
    Train,
    Own,
}

use Right::{Nothing, Own, Predict, Train};

/// The models, each of two versions. `granted` and `undeployed` are ann's, with grants; of `undeployed` no version is deployed.
/// `foreign` and `open` are zoe's, `open` granted to public. The owner of `orphan` was dropped.
pub const MODELS: [&str; 5] = ["granted", "undeployed", "foreign", "open", "orphan"];

pub struct Role {
    pub name: &'static str,
    /// Statements that make a superuser's session this one.
    become_it: &'static str,
    /// Calls go through this function, which runs any statement.
    through: Option<&'static str>,
    /// The rights on `granted` and `undeployed`, `foreign`, `open` and `orphan`.
    rights: [Right; 4],
}

const fn role(name: &'static str, become_it: &'static str, rights: [Right; 4]) -> Role {
    Role {
        name,
        become_it,
        through: None,
        rights,
    }
}

/// Everybody, and the table that counts: all else in these tests follows from it.
#[rustfmt::skip]
pub const ROLES: [Role; 17] = [
    //                                                                         granted  foreign  open     orphan
    role("superuser", "", [Own, Own, Own, Own]),
    role("the extension's owner", "SET LOCAL ROLE installer", [Own, Own, Own, Own]),
    role("the model's owner", "SET LOCAL ROLE ann", [Own, Nothing, Predict, Nothing]),
    role("a member of the owner", "SET LOCAL ROLE colleague", [Own, Nothing, Predict, Nothing]),
    role("another owner", "SET LOCAL ROLE zoe", [Nothing, Own, Own, Nothing]),
    role("predict", "SET LOCAL ROLE predictor", [Predict, Nothing, Predict, Predict]),
    role("train", "SET LOCAL ROLE trainer", [Train, Nothing, Predict, Nothing]),
    role("own", "SET LOCAL ROLE co_owner", [Own, Nothing, Predict, Nothing]),
    role("a member of a grantee", "SET LOCAL ROLE in_team", [Predict, Nothing, Predict, Nothing]),
    role("a member that does not inherit", "SET LOCAL ROLE apart", [Nothing, Nothing, Predict, Nothing]),
    role("the same after SET ROLE", "SET LOCAL SESSION AUTHORIZATION apart; SET LOCAL ROLE team", [Predict, Nothing, Predict, Nothing]),
    role("revoked", "SET LOCAL ROLE revoked", [Nothing, Nothing, Predict, Nothing]),
    role("a stranger", "SET LOCAL ROLE stranger", [Nothing, Nothing, Predict, Nothing]),
    role("pg_read_all_data", "SET LOCAL ROLE reader", [Nothing, Nothing, Predict, Nothing]),
    role("pg_write_all_data", "SET LOCAL ROLE writer", [Nothing, Nothing, Predict, Nothing]),
    Role {
        name: "a stranger through predictor's SECURITY DEFINER",
        become_it: "SET LOCAL ROLE stranger",
        through: Some("as_predictor"),
        rights: [Predict, Nothing, Predict, Predict],
    },
    Role {
        name: "a stranger through ann's SECURITY INVOKER",
        become_it: "SET LOCAL ROLE stranger",
        through: Some("as_caller"),
        rights: [Nothing, Nothing, Predict, Nothing],
    },
];

impl Role {
    /// The right on one of [`MODELS`]; on what is missing nobody has any.
    pub fn right(&self, model: &str) -> Right {
        match model {
            "granted" | "undeployed" => self.rights[0],
            "foreign" => self.rights[1],
            "open" => self.rights[2],
            "orphan" => self.rights[3],
            _ => Nothing,
        }
    }

    /// `statement` as this role, for a superuser's transaction.
    pub fn says(&self, statement: &str) -> String {
        match self.through {
            Some(function) => {
                format!(
                    "{}; SELECT {function}($say${statement}$say$)",
                    self.become_it
                )
            }
            None => format!("{}; {statement}", self.become_it),
        }
    }

    /// Whether it answers with the rows of what it is asked.
    pub fn answers(&self) -> bool {
        self.through.is_none()
    }
}

/// A server with the roles, the models, their grants and a table `h` that all may read. The extension belongs to another
/// superuser than the one that connects.
pub fn server() -> Server {
    let server = Server::start();
    let mut root = server.connect();
    root.batch_execute(
        "DROP EXTENSION tablenet; CREATE ROLE installer SUPERUSER LOGIN;
         SET SESSION AUTHORIZATION installer; CREATE EXTENSION tablenet; RESET SESSION AUTHORIZATION;
         CREATE ROLE ann; CREATE ROLE zoe; CREATE ROLE gone; CREATE ROLE went; CREATE ROLE predictor; CREATE ROLE trainer;
         CREATE ROLE co_owner; CREATE ROLE team; CREATE ROLE revoked; CREATE ROLE stranger;
         CREATE ROLE colleague IN ROLE ann; CREATE ROLE in_team IN ROLE team; CREATE ROLE apart NOINHERIT IN ROLE team;
         CREATE ROLE reader IN ROLE pg_read_all_data; CREATE ROLE writer IN ROLE pg_write_all_data;
         CREATE FUNCTION as_caller(statement text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE statement; END $$;
         CREATE FUNCTION as_predictor(statement text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN EXECUTE statement; END $$;
         ALTER FUNCTION as_caller OWNER TO ann; ALTER FUNCTION as_predictor OWNER TO predictor;
         CREATE TABLE h AS SELECT i::float8 AS a, i % 5 AS b, CASE WHEN i % 3 = 0 THEN 'yes' ELSE 'no' END AS y FROM generate_series(1, 40) AS i;
         GRANT SELECT ON h TO PUBLIC",
    )
    .expect("creates the roles");
    for (owner, model, deploy) in [
        ("ann", "granted", "always"),
        ("ann", "undeployed", "never"),
        ("zoe", "foreign", "always"),
        ("zoe", "open", "always"),
        ("gone", "orphan", "always"),
    ] {
        let train = format!(
            "SELECT ml_train('{model}', 'TABLE h', 'y', epochs => 2, deploy => '{deploy}')"
        );
        root.batch_execute(&format!("SET ROLE {owner}; {train}; {train}; RESET ROLE"))
            .expect("trains");
    }
    for model in ["granted", "undeployed"] {
        root.batch_execute(&format!(
            "SET ROLE ann; SELECT ml_grant('{model}', 'predictor', 'predict'), ml_grant('{model}', 'trainer', 'train'),
                    ml_grant('{model}', 'co_owner', 'own'), ml_grant('{model}', 'team', 'predict'),
                    ml_grant('{model}', 'went', 'predict'),
                    ml_grant('{model}', 'revoked', 'train'), ml_revoke('{model}', 'revoked'); RESET ROLE"
        ))
        .expect("grants");
    }
    root.batch_execute(
        "SET ROLE zoe; SELECT ml_grant('open', 'public', 'predict'); RESET ROLE;
         SET ROLE gone; SELECT ml_grant('orphan', 'predictor', 'predict'); RESET ROLE; DROP ROLE gone; DROP ROLE went",
    )
    .expect("grants and drops");
    server
}
