-- Everything of tablenet that is not a function. Nobody but the extension's owner may touch the tables: the functions
-- read and write them with fixed statements and check the rights of the caller themselves. rights.sql, which runs last, gives and takes.
-- No foreign keys and no triggers, so that a logical restore may load the tables in any order.
CREATE SCHEMA tablenet;
COMMENT ON SCHEMA tablenet IS 'models trained by ml_train()';

CREATE TABLE tablenet.stored_model (
    model_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name     text COLLATE "C" NOT NULL UNIQUE,
    owner    regrole NOT NULL,
    deployed int,
    next_version int NOT NULL,
    previous int
);
COMMENT ON TABLE tablenet.stored_model IS 'one row per model: its owner, the version in use and the one before';

CREATE TABLE tablenet.stored_version (
    model_id        bigint NOT NULL,
    version         int NOT NULL,
    target          text[] NOT NULL,
    task            text NOT NULL,
    query           text NOT NULL,
    settings        jsonb NOT NULL,
    rows            bigint NOT NULL,
    training_rows   bigint NOT NULL,
    validation_rows bigint NOT NULL,
    epochs          int NOT NULL,
    loss            float8 NOT NULL,
    val_loss        float8,
    metrics         jsonb NOT NULL,
    history         jsonb NOT NULL,
    parameters      bigint NOT NULL,
    size            bigint NOT NULL,
    sha256          bytea NOT NULL,
    state_size      bigint,
    state_sha256    bytea,
    seconds         float8 NOT NULL,
    trained_at      timestamptz NOT NULL,
    trained_by      regrole NOT NULL,
    library_version text NOT NULL,
    parent           int,
    validation_query text,
    fingerprint      bytea,
    compared_version int,
    compared_loss    float8,
    PRIMARY KEY (model_id, version)
);
COMMENT ON TABLE tablenet.stored_version IS 'what one training used and reached';

CREATE TABLE tablenet.stored_chunk (
    model_id bigint NOT NULL,
    version  int NOT NULL,
    chunk    int NOT NULL,
    bytes    bytea NOT NULL,
    PRIMARY KEY (model_id, version, chunk)
);
COMMENT ON TABLE tablenet.stored_chunk IS 'the model file, cut into pieces';
-- The weights do not compress, and pieces must be readable without unpacking.
ALTER TABLE tablenet.stored_chunk ALTER COLUMN bytes SET STORAGE EXTERNAL;

CREATE TABLE tablenet.stored_state (
    model_id bigint NOT NULL,
    version  int NOT NULL,
    chunk    int NOT NULL,
    bytes    bytea NOT NULL,
    PRIMARY KEY (model_id, version, chunk)
);
COMMENT ON TABLE tablenet.stored_state IS
    'what the optimizer has when a training ends, cut into pieces; only a training that continues reads it';
ALTER TABLE tablenet.stored_state ALTER COLUMN bytes SET STORAGE EXTERNAL;

-- 0 is PUBLIC.
CREATE TABLE tablenet.stored_grant (
    model_id  bigint NOT NULL,
    grantee   regrole NOT NULL,
    privilege text COLLATE "C" NOT NULL,
    PRIMARY KEY (model_id, grantee, privilege)
);
COMMENT ON TABLE tablenet.stored_grant IS 'who else may use a model: predict, train or own';

-- pg_dump carries the models, and the sequence with them. What was granted to a role that was dropped is left out: its
-- number may be another role's elsewhere.
SELECT pg_catalog.pg_extension_config_dump('tablenet.stored_model', '');
SELECT pg_catalog.pg_extension_config_dump('tablenet.stored_model_model_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('tablenet.stored_version', '');
SELECT pg_catalog.pg_extension_config_dump('tablenet.stored_chunk', '');
SELECT pg_catalog.pg_extension_config_dump('tablenet.stored_state', '');
SELECT pg_catalog.pg_extension_config_dump('tablenet.stored_grant',
    'WHERE grantee OPERATOR(pg_catalog.=) 0 OR grantee OPERATOR(pg_catalog.=) ANY (SELECT oid FROM pg_catalog.pg_roles)');

-- Nobody reads this one directly: the others show what the current user may see of it.
CREATE VIEW tablenet.usable_model WITH (security_barrier) AS
SELECT m.model_id,
       m.name,
       m.owner,
       m.deployed,
       CASE WHEN pg_catalog.pg_has_role(m.owner, 'USAGE') THEN 'own' ELSE g.privilege END AS privilege
  FROM tablenet.stored_model AS m
  LEFT JOIN LATERAL (
      SELECT g.privilege
        FROM tablenet.stored_grant AS g
       WHERE g.model_id OPERATOR(pg_catalog.=) m.model_id
         AND (g.grantee OPERATOR(pg_catalog.=) 0 OR pg_catalog.pg_has_role(g.grantee, 'USAGE'))
       ORDER BY pg_catalog.array_position('{own,train,predict}', g.privilege)
       LIMIT 1) AS g ON true
 WHERE pg_catalog.pg_has_role(m.owner, 'USAGE') OR g.privilege IS NOT NULL;
COMMENT ON VIEW tablenet.usable_model IS 'the models that the current user may use, and the highest privilege on each';

CREATE VIEW tablenet.versions WITH (security_barrier) AS
SELECT m.name AS model,
       v.version,
       v.version OPERATOR(pg_catalog.=) m.deployed IS TRUE AS deployed,
       v.parent,
       v.task,
       pg_catalog.array_to_string(v.target, ', ') AS target,
       v.rows,
       v.training_rows,
       v.validation_rows,
       v.epochs,
       v.loss,
       v.val_loss,
       v.compared_version,
       v.compared_loss,
       v.metrics,
       v.settings,
       v.parameters,
       v.size,
       v.seconds,
       v.trained_at,
       v.trained_by,
       CASE WHEN m.privilege OPERATOR(pg_catalog.<>) 'predict' THEN v.query END AS query,
       CASE WHEN m.privilege OPERATOR(pg_catalog.<>) 'predict' THEN v.validation_query END AS validation_query,
       v.fingerprint,
       v.sha256,
       v.library_version
  FROM tablenet.usable_model AS m
  JOIN tablenet.stored_version AS v ON v.model_id OPERATOR(pg_catalog.=) m.model_id;
COMMENT ON VIEW tablenet.versions IS
    'the versions of the models that you may use: what each was trained on, with which settings, and what it reached';

CREATE VIEW tablenet.models WITH (security_barrier) AS
SELECT m.name AS model,
       m.owner,
       m.privilege,
       v.version,
       v.task,
       v.target,
       v.rows,
       v.training_rows,
       v.validation_rows,
       v.epochs,
       v.loss,
       v.val_loss,
       v.metrics,
       v.settings,
       v.parameters,
       v.size,
       v.seconds,
       v.trained_at,
       v.trained_by,
       v.query,
       v.sha256,
       v.library_version
  FROM tablenet.usable_model AS m
  LEFT JOIN tablenet.versions AS v
    ON v.model OPERATOR(pg_catalog.=) m.name AND v.deployed;
COMMENT ON VIEW tablenet.models IS
    'the models that you may use: one row each, with the settings used and the result reached by the version in use';

CREATE VIEW tablenet.history WITH (security_barrier) AS
SELECT m.name AS model,
       v.version,
       (e.logs OPERATOR(pg_catalog.->>) 'epoch')::int AS epoch,
       (e.logs OPERATOR(pg_catalog.->>) 'loss')::float8 AS loss,
       (e.logs OPERATOR(pg_catalog.->>) 'val_loss')::float8 AS val_loss,
       (e.logs OPERATOR(pg_catalog.->>) 'seconds')::float8 AS seconds
  FROM tablenet.usable_model AS m
  JOIN tablenet.stored_version AS v ON v.model_id OPERATOR(pg_catalog.=) m.model_id
 CROSS JOIN LATERAL pg_catalog.jsonb_array_elements(v.history OPERATOR(pg_catalog.->) 'epochs') AS e (logs);
COMMENT ON VIEW tablenet.history IS 'what the trainings of the models that you may use logged: one row per version and epoch';

CREATE VIEW tablenet.grants WITH (security_barrier) AS
SELECT m.name AS model,
       CASE WHEN g.grantee OPERATOR(pg_catalog.=) 0 THEN 'public' ELSE pg_catalog.pg_get_userbyid(g.grantee) END AS grantee,
       g.privilege
  FROM tablenet.usable_model AS m
  JOIN tablenet.stored_grant AS g ON g.model_id OPERATOR(pg_catalog.=) m.model_id
 WHERE g.grantee OPERATOR(pg_catalog.=) 0
    OR (m.privilege OPERATOR(pg_catalog.=) 'own' OR pg_catalog.pg_has_role(g.grantee, 'USAGE'))
   AND g.grantee OPERATOR(pg_catalog.=) ANY (SELECT oid FROM pg_catalog.pg_roles);
COMMENT ON VIEW tablenet.grants IS
    'who may use a model besides its owner: all grants of the models that are yours, and those to you of others';
