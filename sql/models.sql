-- What becomes of models: versions, names and rights.
CREATE FUNCTION ml_deploy(model text, version text) RETURNS int
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT COST 1000
    AS 'MODULE_PATHNAME', 'tablenet_deploy';
COMMENT ON FUNCTION ml_deploy(text, text) IS
    'puts another version of a model to use: a number, ''previous'' (in use before) or ''best'' (the lowest val_loss); its number';

CREATE FUNCTION ml_deploy(model text, version int) RETURNS int
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT COST 1000
    AS 'MODULE_PATHNAME', 'tablenet_deploy_version';
COMMENT ON FUNCTION ml_deploy(text, int) IS
    'puts another version of a model to use; its number';

CREATE FUNCTION ml_rename(model text, new_name text) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT COST 1000
    AS 'MODULE_PATHNAME', 'tablenet_rename';
COMMENT ON FUNCTION ml_rename(text, text) IS
    'gives a model another name; its versions and grants stay with it';

CREATE FUNCTION ml_drop(model text) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT COST 1000
    AS 'MODULE_PATHNAME', 'tablenet_drop';
COMMENT ON FUNCTION ml_drop(text) IS
    'deletes a model with all its versions';

CREATE FUNCTION ml_drop(model text, version int) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT COST 1000
    AS 'MODULE_PATHNAME', 'tablenet_drop_version';
COMMENT ON FUNCTION ml_drop(text, int) IS
    'deletes one version of a model, not the deployed one';

CREATE FUNCTION ml_grant(model text, role name, privilege text) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT COST 1000
    AS 'MODULE_PATHNAME', 'tablenet_grant';
COMMENT ON FUNCTION ml_grant(text, name, text) IS
    'lets a role, or public, predict with a model, train it, or do everything that its owner may: predict, train or own';

CREATE FUNCTION ml_revoke(model text, role name, privilege text DEFAULT NULL) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT COST 1000
    AS 'MODULE_PATHNAME', 'tablenet_revoke';
COMMENT ON FUNCTION ml_revoke(text, name, text) IS
    'takes back what ml_grant() gave to a role: one privilege, or all';
