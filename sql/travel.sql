-- Models that come and go: files of tablenet, Keras and PyTorch, and plain SQL. Who may predict with a model may take
-- it away, as ml_model() gives it, too; who brings one needs what ml_train() needs.
CREATE FUNCTION ml_export(model text, format text DEFAULT 'tablenet') RETURNS bytea
    LANGUAGE c STABLE PARALLEL SAFE CALLED ON NULL INPUT COST 100000
    AS 'MODULE_PATHNAME', 'tablenet_export';
COMMENT ON FUNCTION ml_export(text, text) IS
    'a model as a file: ''tablenet'' (all of it), ''safetensors'' (Keras''s variables), ''pytorch'' (a state_dict as safetensors) or ''keras_json'' (the layers)';

CREATE FUNCTION ml_export_sql(model text) RETURNS text
    LANGUAGE c STABLE PARALLEL SAFE CALLED ON NULL INPUT COST 100000
    AS 'MODULE_PATHNAME', 'tablenet_export_sql';
COMMENT ON FUNCTION ml_export_sql(text) IS
    'the statement that creates a function of plain SQL, which answers what ml_predict() does, for servers without the extension';

CREATE FUNCTION ml_import(
    model         text,
    bytes         bytea,
    layers        jsonb  DEFAULT NULL,
    features      text[] DEFAULT NULL,
    target        text   DEFAULT NULL,
    classes       text[] DEFAULT NULL,
    loss          text   DEFAULT NULL,
    columns       jsonb  DEFAULT NULL,
    deploy        text   DEFAULT 'always',
    keep_versions int    DEFAULT NULL,
    OUT model      text,
    OUT version    int,
    OUT parameters bigint,
    OUT deployed   boolean)
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT COST 1000000
    AS 'MODULE_PATHNAME', 'tablenet_import';
COMMENT ON FUNCTION ml_import(text, bytea, jsonb, text[], text, text[], text, jsonb, text, int) IS
    'stores a model that was trained elsewhere: a model file, or a safetensors file of the weights of a Keras Sequential or a PyTorch nn.Sequential';
