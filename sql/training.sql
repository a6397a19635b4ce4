-- Training and what belongs to a model. Rights are per model, so everybody may call every function. What
-- takes a query runs it with the caller's rights.
CREATE FUNCTION ml_train(
    model            text,
    query            text,
    target           text,
    layers           jsonb   DEFAULT NULL,
    optimizer        text    DEFAULT NULL,
    loss             text    DEFAULT NULL,
    metrics          text[]  DEFAULT NULL,
    epochs           int     DEFAULT NULL,
    batch_size       int     DEFAULT NULL,
    validation_split float8  DEFAULT NULL,
    callbacks        text    DEFAULT NULL,
    class_weight     text    DEFAULT NULL,
    sample_weight    text    DEFAULT NULL,
    preprocess       text    DEFAULT NULL,
    exclude          text[]  DEFAULT NULL,
    validation_query text    DEFAULT NULL,
    split_column     text    DEFAULT NULL,
    shuffle          boolean DEFAULT true,
    seed             bigint  DEFAULT 0,
    max_seconds      float8  DEFAULT NULL,
    max_memory       text    DEFAULT NULL,
    warm_start       boolean DEFAULT NULL,
    engine           text    DEFAULT 'local',
    deploy           text    DEFAULT 'always',
    keep_versions    int     DEFAULT NULL,
    OUT model        text,
    OUT version      int,
    OUT rows         bigint,
    OUT epochs       int,
    OUT loss         float8,
    OUT val_loss     float8,
    OUT metrics      jsonb,
    OUT seconds      float8,
    OUT deployed     boolean)
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT COST 1000000
    AS 'MODULE_PATHNAME', 'tablenet_train';
COMMENT ON FUNCTION ml_train(text, text, text, jsonb, text, text, text[], int, int, float8, text, text, text, text,
    text[], text, text, boolean, bigint, float8, text, boolean, text, text, int) IS
    'trains a network on the rows of a query, stores it under a name and deploys it';

CREATE FUNCTION ml_train(
    model            text,
    query            text,
    target           text[],
    layers           jsonb   DEFAULT NULL,
    optimizer        text    DEFAULT NULL,
    loss             text    DEFAULT NULL,
    metrics          text[]  DEFAULT NULL,
    epochs           int     DEFAULT NULL,
    batch_size       int     DEFAULT NULL,
    validation_split float8  DEFAULT NULL,
    callbacks        text    DEFAULT NULL,
    class_weight     text    DEFAULT NULL,
    sample_weight    text    DEFAULT NULL,
    preprocess       text    DEFAULT NULL,
    exclude          text[]  DEFAULT NULL,
    validation_query text    DEFAULT NULL,
    split_column     text    DEFAULT NULL,
    shuffle          boolean DEFAULT true,
    seed             bigint  DEFAULT 0,
    max_seconds      float8  DEFAULT NULL,
    max_memory       text    DEFAULT NULL,
    warm_start       boolean DEFAULT NULL,
    engine           text    DEFAULT 'local',
    deploy           text    DEFAULT 'always',
    keep_versions    int     DEFAULT NULL,
    OUT model        text,
    OUT version      int,
    OUT rows         bigint,
    OUT epochs       int,
    OUT loss         float8,
    OUT val_loss     float8,
    OUT metrics      jsonb,
    OUT seconds      float8,
    OUT deployed     boolean)
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT COST 1000000
    AS 'MODULE_PATHNAME', 'tablenet_train_targets';
COMMENT ON FUNCTION ml_train(text, text, text[], jsonb, text, text, text[], int, int, float8, text, text, text, text,
    text[], text, text, boolean, bigint, float8, text, boolean, text, text, int) IS
    'trains one network on several targets, all of them numbers';

CREATE FUNCTION ml_partial_fit(
    model            text,
    query            text,
    epochs           int  DEFAULT 1,
    deploy           text DEFAULT 'always',
    keep_versions    int  DEFAULT NULL,
    OUT model        text,
    OUT version      int,
    OUT rows         bigint,
    OUT epochs       int,
    OUT loss         float8,
    OUT val_loss     float8,
    OUT metrics      jsonb,
    OUT seconds      float8,
    OUT deployed     boolean)
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT COST 1000000
    AS 'MODULE_PATHNAME', 'tablenet_partial_fit';
COMMENT ON FUNCTION ml_partial_fit(text, text, int, text, int) IS
    'trains a model on, with the weights, optimizer and preprocessing that it has, on the rows of a query';

CREATE FUNCTION ml_evaluate(model text, query text) RETURNS TABLE (metric text, value float8)
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT COST 100000 ROWS 4
    AS 'MODULE_PATHNAME', 'tablenet_evaluate';
COMMENT ON FUNCTION ml_evaluate(text, text) IS
    'the loss and the metrics of a model on the rows of a query, which has the features and the target by name';

CREATE FUNCTION ml_history(model text)
    RETURNS TABLE (epoch int, loss float8, val_loss float8, metrics jsonb, val_metrics jsonb, seconds float8)
    LANGUAGE c STABLE PARALLEL SAFE CALLED ON NULL INPUT COST 1000 ROWS 20
    AS 'MODULE_PATHNAME', 'tablenet_history';
COMMENT ON FUNCTION ml_history(text) IS
    'what the training of a model logged, epoch by epoch';

CREATE FUNCTION ml_summary(model text)
    RETURNS TABLE (layer text, type text, activation text, output_shape int[], parameters bigint)
    LANGUAGE c STABLE PARALLEL SAFE CALLED ON NULL INPUT COST 1000 ROWS 4
    AS 'MODULE_PATHNAME', 'tablenet_summary';
COMMENT ON FUNCTION ml_summary(text) IS
    'the layers of a model with their output shapes and parameters';

CREATE FUNCTION ml_feature_info(model text)
    RETURNS TABLE (feature text, role text, type text, encoding text, scaling text, min float8, max float8, mean float8,
                   median float8, stddev float8, distinct_count bigint, null_count bigint, sampled boolean, inputs text[])
    LANGUAGE c STABLE PARALLEL SAFE CALLED ON NULL INPUT COST 1000 ROWS 20
    AS 'MODULE_PATHNAME', 'tablenet_feature_info';
COMMENT ON FUNCTION ml_feature_info(text) IS
    'what a model learned of each column, and the inputs it becomes';

CREATE FUNCTION ml_transform(model text, query text) RETURNS TABLE ("row" bigint, inputs float4[])
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT COST 100000 ROWS 1000
    AS 'MODULE_PATHNAME', 'tablenet_transform';
COMMENT ON FUNCTION ml_transform(text, text) IS
    'what the network of a model sees of each row of a query, which has the features by name';

CREATE FUNCTION ml_drift(model text, query text)
    RETURNS TABLE (feature text, psi float8, ks float8, null_rate_then float8, null_rate_now float8, unseen_share float8)
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT COST 100000 ROWS 20
    AS 'MODULE_PATHNAME', 'tablenet_drift';
COMMENT ON FUNCTION ml_drift(text, text) IS
    'how far the rows of a query, which has the features by name, are from those that a model was trained on';
