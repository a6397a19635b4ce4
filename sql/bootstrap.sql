-- Everything of tablenet that is not a function. Nobody but the extension's owner may touch the tables: the functions
-- read and write them with fixed statements and check the rights of the caller themselves.
-- No foreign keys and no triggers, so that a logical restore may load the tables in any order.
CREATE SCHEMA tablenet;
COMMENT ON SCHEMA tablenet IS 'models trained by ml_train()';
GRANT USAGE ON SCHEMA tablenet TO PUBLIC;

CREATE TABLE tablenet.stored_model (
    model_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name     text COLLATE "C" NOT NULL UNIQUE,
    owner    regrole NOT NULL,
    deployed int NOT NULL
);
COMMENT ON TABLE tablenet.stored_model IS 'one row per model: its owner and the version in use';

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

REVOKE ALL ON tablenet.stored_model, tablenet.stored_version, tablenet.stored_chunk, tablenet.stored_state FROM PUBLIC;

-- pg_dump carries the models, and the sequence with them.
SELECT pg_catalog.pg_extension_config_dump('tablenet.stored_model', '');
SELECT pg_catalog.pg_extension_config_dump('tablenet.stored_model_model_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('tablenet.stored_version', '');
SELECT pg_catalog.pg_extension_config_dump('tablenet.stored_chunk', '');
SELECT pg_catalog.pg_extension_config_dump('tablenet.stored_state', '');

CREATE VIEW tablenet.models WITH (security_barrier) AS
SELECT m.name AS model,
       m.owner,
       v.version,
       v.task,
       pg_catalog.array_to_string(v.target, ', ') AS target,
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
  FROM tablenet.stored_model AS m
  JOIN tablenet.stored_version AS v
    ON v.model_id OPERATOR(pg_catalog.=) m.model_id AND v.version OPERATOR(pg_catalog.=) m.deployed
 WHERE pg_catalog.pg_has_role(m.owner, 'USAGE');
COMMENT ON VIEW tablenet.models IS 'the models that you may use: one row each, with the settings used and the result reached';
GRANT SELECT ON tablenet.models TO PUBLIC;
