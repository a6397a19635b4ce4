-- tablenet 0.1.0 becomes 0.2.0: versions, rights and grants. What comes out of it is what a fresh 0.2.0 has, name for name;
-- models keep their version, owner and predictions. What depends on the view tablenet.models or on ml_partial_fit() has to be
-- dropped before and made again: both have other columns and arguments now. Privileges on them are those of a fresh install.
-- The functions are named without their schema, as in the install script: the search path is pg_catalog and the schema of the
-- extension alone, whatever the session's, and the placeholder for that schema cannot have a dollar sign or a quote in its name.
ALTER TABLE tablenet.stored_model ALTER COLUMN deployed DROP NOT NULL;
ALTER TABLE tablenet.stored_model ADD COLUMN next_version pg_catalog.int4;
ALTER TABLE tablenet.stored_model ADD COLUMN previous pg_catalog.int4;
UPDATE tablenet.stored_model SET next_version = deployed OPERATOR(pg_catalog.+) 1;
ALTER TABLE tablenet.stored_model ALTER COLUMN next_version SET NOT NULL;
COMMENT ON TABLE tablenet.stored_model IS 'one row per model: its owner, the version in use and the one before';

ALTER TABLE tablenet.stored_version ADD COLUMN parent pg_catalog.int4;
ALTER TABLE tablenet.stored_version ADD COLUMN validation_query pg_catalog.text;
ALTER TABLE tablenet.stored_version ADD COLUMN fingerprint pg_catalog.bytea;
ALTER TABLE tablenet.stored_version ADD COLUMN compared_version pg_catalog.int4;
ALTER TABLE tablenet.stored_version ADD COLUMN compared_loss pg_catalog.float8;

-- 0 is PUBLIC.
CREATE TABLE tablenet.stored_grant (
    model_id  pg_catalog.int8 NOT NULL,
    grantee   pg_catalog.regrole NOT NULL,
    privilege pg_catalog.text COLLATE pg_catalog."C" NOT NULL,
    PRIMARY KEY (model_id, grantee, privilege)
);
COMMENT ON TABLE tablenet.stored_grant IS 'who else may use a model: predict, train or own';

SELECT pg_catalog.pg_extension_config_dump('tablenet.stored_grant',
    'WHERE grantee OPERATOR(pg_catalog.=) 0 OR grantee OPERATOR(pg_catalog.=) ANY (SELECT oid FROM pg_catalog.pg_roles)');

DROP VIEW tablenet.models;

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

DROP FUNCTION ml_partial_fit(text, text, int);

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

-- Whoever may see the query of a session in pg_stat_activity sees here how far its training is. The text is anybody's: what
-- does not look as ours is no row, and whatever does must be readable as numbers.
CREATE VIEW tablenet.progress WITH (security_barrier) AS
SELECT a.pid,
       a.usename,
       pg_catalog.replace(t.part[7], '""', '"') AS model,
       t.part[1] AS phase,
       t.part[2]::bigint AS rows,
       t.part[3]::int AS epoch,
       t.part[4]::int AS epochs,
       t.part[5]::float8 AS loss,
       t.part[6]::float8 AS val_loss,
       a.query_start AS started
  FROM pg_catalog.pg_stat_activity AS a
 CROSS JOIN LATERAL pg_catalog.regexp_match(a.query,
           '^/[*] tablenet: (waiting|reading|training|storing), ([0-9]{1,18}) rows'
           '(?:, epoch ([0-9]{1,9}) of ([0-9]{1,9}))?'
           '(?:, loss ([0-9]{1,18}(?:[.][0-9]{1,18})?(?:e-?[0-9]{1,2})?))?'
           '(?:, val_loss ([0-9]{1,18}(?:[.][0-9]{1,18})?(?:e-?[0-9]{1,2})?))?'
           '(?:, model "((?:[^"]|"")*))?') AS t (part)
 WHERE a.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()
   AND a.state OPERATOR(pg_catalog.=) 'active'
   AND t.part IS NOT NULL;
COMMENT ON VIEW tablenet.progress IS
    'the trainings that run in this database, of all sessions whose query you may see: how many rows are read, which epoch ended last and with which loss';

-- Layers for people who type: a function for each, with the names, the order and the defaults of Keras's arguments, then name and
-- trainable. What an argument takes that is a word in Keras, or an object with settings, is text: a word, or JSON. NULL is Keras's
-- None. What comes out is an element of the argument layers of ml_train(); what a layer says of its settings it says here.
CREATE FUNCTION tablenet.layer(class_name text, settings jsonb) RETURNS jsonb
    LANGUAGE c IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
    AS 'MODULE_PATHNAME', 'tablenet_layer';
COMMENT ON FUNCTION tablenet.layer(text, jsonb) IS
    'a layer with its settings as an element of layers, checked; ml_dense() and its siblings call it';

CREATE FUNCTION tablenet.sequential(layers jsonb) RETURNS jsonb
    LANGUAGE c IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
    AS 'MODULE_PATHNAME', 'tablenet_sequential';
COMMENT ON FUNCTION tablenet.sequential(jsonb) IS
    'a list of layers as the whole object that Keras''s model.to_json() writes; ml_sequential() calls it';

CREATE FUNCTION ml_sequential(VARIADIC layers jsonb[]) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
    RETURN tablenet.sequential(pg_catalog.to_jsonb(layers));
COMMENT ON FUNCTION ml_sequential IS
    'layers in their order as a keras.Sequential, for the argument layers of ml_train(): ml_sequential(ml_dense(64, ''relu''), ml_dense(1))';

CREATE FUNCTION ml_input(
    shape int[] DEFAULT NULL, batch_size int DEFAULT NULL, dtype text DEFAULT NULL, sparse boolean DEFAULT NULL,
    ragged boolean DEFAULT NULL, batch_shape int[] DEFAULT NULL, name text DEFAULT NULL, optional boolean DEFAULT false
) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
    RETURN tablenet.layer('InputLayer', pg_catalog.jsonb_build_object(
        'shape', shape, 'batch_size', batch_size, 'dtype', dtype, 'sparse', sparse, 'ragged', ragged,
        'batch_shape', batch_shape, 'name', name, 'optional', optional));
COMMENT ON FUNCTION ml_input IS
    'the shape of a row, in front of all layers: ''{24,1}'' for 24 steps of one number (keras.layers.Input), for ml_sequential()';

CREATE FUNCTION ml_dense(
    units int, activation text DEFAULT NULL, use_bias boolean DEFAULT true, kernel_initializer text DEFAULT 'glorot_uniform',
    bias_initializer text DEFAULT 'zeros', kernel_regularizer text DEFAULT NULL, bias_regularizer text DEFAULT NULL,
    activity_regularizer text DEFAULT NULL, kernel_constraint text DEFAULT NULL, bias_constraint text DEFAULT NULL,
    name text DEFAULT NULL, trainable boolean DEFAULT true
) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
    RETURN tablenet.layer('Dense', pg_catalog.jsonb_build_object(
        'units', units, 'activation', activation, 'use_bias', use_bias, 'kernel_initializer', kernel_initializer,
        'bias_initializer', bias_initializer, 'kernel_regularizer', kernel_regularizer, 'bias_regularizer', bias_regularizer,
        'activity_regularizer', activity_regularizer, 'kernel_constraint', kernel_constraint,
        'bias_constraint', bias_constraint, 'name', name, 'trainable', trainable));
COMMENT ON FUNCTION ml_dense IS
    'a fully connected layer (keras.layers.Dense), for ml_sequential()';

CREATE FUNCTION ml_activation(
    activation text, name text DEFAULT NULL, trainable boolean DEFAULT true
) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
    RETURN tablenet.layer('Activation', pg_catalog.jsonb_build_object(
        'activation', activation, 'name', name, 'trainable', trainable));
COMMENT ON FUNCTION ml_activation IS
    'an activation function by its name (keras.layers.Activation), for ml_sequential()';

CREATE FUNCTION ml_relu(
    max_value float8 DEFAULT NULL, negative_slope float8 DEFAULT 0, threshold float8 DEFAULT 0, name text DEFAULT NULL,
    trainable boolean DEFAULT true
) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
    RETURN tablenet.layer('ReLU', pg_catalog.jsonb_build_object(
        'max_value', max_value, 'negative_slope', negative_slope, 'threshold', threshold, 'name', name, 'trainable', trainable));
COMMENT ON FUNCTION ml_relu IS
    'a rectifier (keras.layers.ReLU), for ml_sequential()';

CREATE FUNCTION ml_leaky_relu(
    negative_slope float8 DEFAULT 0.3, name text DEFAULT NULL, trainable boolean DEFAULT true
) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
    RETURN tablenet.layer('LeakyReLU', pg_catalog.jsonb_build_object(
        'negative_slope', negative_slope, 'name', name, 'trainable', trainable));
COMMENT ON FUNCTION ml_leaky_relu IS
    'a rectifier that lets some of the negative through (keras.layers.LeakyReLU), for ml_sequential()';

CREATE FUNCTION ml_prelu(
    alpha_initializer text DEFAULT 'Zeros', alpha_regularizer text DEFAULT NULL, alpha_constraint text DEFAULT NULL,
    shared_axes int[] DEFAULT NULL, name text DEFAULT NULL, trainable boolean DEFAULT true
) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
    RETURN tablenet.layer('PReLU', pg_catalog.jsonb_build_object(
        'alpha_initializer', alpha_initializer, 'alpha_regularizer', alpha_regularizer, 'alpha_constraint', alpha_constraint,
        'shared_axes', shared_axes, 'name', name, 'trainable', trainable));
COMMENT ON FUNCTION ml_prelu IS
    'a rectifier that learns how much of the negative it lets through (keras.layers.PReLU), for ml_sequential()';

CREATE FUNCTION ml_elu(
    alpha float8 DEFAULT 1, name text DEFAULT NULL, trainable boolean DEFAULT true
) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
    RETURN tablenet.layer('ELU', pg_catalog.jsonb_build_object(
        'alpha', alpha, 'name', name, 'trainable', trainable));
COMMENT ON FUNCTION ml_elu IS
    'an exponential linear unit (keras.layers.ELU), for ml_sequential()';

CREATE FUNCTION ml_softmax(
    axis int DEFAULT -1, name text DEFAULT NULL, trainable boolean DEFAULT true
) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
    RETURN tablenet.layer('Softmax', pg_catalog.jsonb_build_object(
        'axis', axis, 'name', name, 'trainable', trainable));
COMMENT ON FUNCTION ml_softmax IS
    'shares that add up to 1 (keras.layers.Softmax), for ml_sequential()';

CREATE FUNCTION ml_dropout(
    rate float8, noise_shape int[] DEFAULT NULL, seed bigint DEFAULT NULL, name text DEFAULT NULL,
    trainable boolean DEFAULT true
) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
    RETURN tablenet.layer('Dropout', pg_catalog.jsonb_build_object(
        'rate', rate, 'noise_shape', noise_shape, 'seed', seed, 'name', name, 'trainable', trainable));
COMMENT ON FUNCTION ml_dropout IS
    'sets a share of its inputs to 0 while training (keras.layers.Dropout), for ml_sequential()';

CREATE FUNCTION ml_gaussian_noise(
    stddev float8, seed bigint DEFAULT NULL, name text DEFAULT NULL, trainable boolean DEFAULT true
) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
    RETURN tablenet.layer('GaussianNoise', pg_catalog.jsonb_build_object(
        'stddev', stddev, 'seed', seed, 'name', name, 'trainable', trainable));
COMMENT ON FUNCTION ml_gaussian_noise IS
    'adds noise while training (keras.layers.GaussianNoise), for ml_sequential()';

CREATE FUNCTION ml_batch_normalization(
    axis int DEFAULT -1, momentum float8 DEFAULT 0.99, epsilon float8 DEFAULT 0.001, center boolean DEFAULT true,
    scale boolean DEFAULT true, beta_initializer text DEFAULT 'zeros', gamma_initializer text DEFAULT 'ones',
    moving_mean_initializer text DEFAULT 'zeros', moving_variance_initializer text DEFAULT 'ones',
    beta_regularizer text DEFAULT NULL, gamma_regularizer text DEFAULT NULL, beta_constraint text DEFAULT NULL,
    gamma_constraint text DEFAULT NULL, renorm boolean DEFAULT false, renorm_clipping jsonb DEFAULT NULL,
    renorm_momentum float8 DEFAULT 0.99, synchronized boolean DEFAULT false, name text DEFAULT NULL,
    trainable boolean DEFAULT true
) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
    RETURN tablenet.layer('BatchNormalization', pg_catalog.jsonb_build_object(
        'axis', axis, 'momentum', momentum, 'epsilon', epsilon, 'center', center, 'scale', scale,
        'beta_initializer', beta_initializer, 'gamma_initializer', gamma_initializer,
        'moving_mean_initializer', moving_mean_initializer, 'moving_variance_initializer', moving_variance_initializer,
        'beta_regularizer', beta_regularizer, 'gamma_regularizer', gamma_regularizer, 'beta_constraint', beta_constraint,
        'gamma_constraint', gamma_constraint, 'renorm', renorm, 'renorm_clipping', renorm_clipping,
        'renorm_momentum', renorm_momentum, 'synchronized', synchronized, 'name', name, 'trainable', trainable));
COMMENT ON FUNCTION ml_batch_normalization IS
    'brings each input to mean 0 and deviation 1 over the batch (keras.layers.BatchNormalization), for ml_sequential()';

CREATE FUNCTION ml_layer_normalization(
    axis int DEFAULT -1, epsilon float8 DEFAULT 0.001, center boolean DEFAULT true, scale boolean DEFAULT true,
    beta_initializer text DEFAULT 'zeros', gamma_initializer text DEFAULT 'ones', beta_regularizer text DEFAULT NULL,
    gamma_regularizer text DEFAULT NULL, beta_constraint text DEFAULT NULL, gamma_constraint text DEFAULT NULL,
    name text DEFAULT NULL, trainable boolean DEFAULT true
) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
    RETURN tablenet.layer('LayerNormalization', pg_catalog.jsonb_build_object(
        'axis', axis, 'epsilon', epsilon, 'center', center, 'scale', scale, 'beta_initializer', beta_initializer,
        'gamma_initializer', gamma_initializer, 'beta_regularizer', beta_regularizer, 'gamma_regularizer', gamma_regularizer,
        'beta_constraint', beta_constraint, 'gamma_constraint', gamma_constraint, 'name', name, 'trainable', trainable));
COMMENT ON FUNCTION ml_layer_normalization IS
    'brings the inputs of each row to mean 0 and deviation 1 (keras.layers.LayerNormalization), for ml_sequential()';

CREATE FUNCTION ml_embedding(
    input_dim int, output_dim int, embeddings_initializer text DEFAULT 'uniform', embeddings_regularizer text DEFAULT NULL,
    embeddings_constraint text DEFAULT NULL, mask_zero boolean DEFAULT false, name text DEFAULT NULL,
    trainable boolean DEFAULT true
) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
    RETURN tablenet.layer('Embedding', pg_catalog.jsonb_build_object(
        'input_dim', input_dim, 'output_dim', output_dim, 'embeddings_initializer', embeddings_initializer,
        'embeddings_regularizer', embeddings_regularizer, 'embeddings_constraint', embeddings_constraint,
        'mask_zero', mask_zero, 'name', name, 'trainable', trainable));
COMMENT ON FUNCTION ml_embedding IS
    'a vector of its own for every code (keras.layers.Embedding), for ml_sequential()';

CREATE FUNCTION ml_flatten(
    data_format text DEFAULT NULL, name text DEFAULT NULL, trainable boolean DEFAULT true
) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
    RETURN tablenet.layer('Flatten', pg_catalog.jsonb_build_object(
        'data_format', data_format, 'name', name, 'trainable', trainable));
COMMENT ON FUNCTION ml_flatten IS
    'steps and channels in one row (keras.layers.Flatten), for ml_sequential()';

CREATE FUNCTION ml_reshape(
    target_shape int[], name text DEFAULT NULL, trainable boolean DEFAULT true
) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
    RETURN tablenet.layer('Reshape', pg_catalog.jsonb_build_object(
        'target_shape', target_shape, 'name', name, 'trainable', trainable));
COMMENT ON FUNCTION ml_reshape IS
    'the same numbers in another shape (keras.layers.Reshape), for ml_sequential()';

CREATE FUNCTION ml_conv1d(
    filters int, kernel_size int, strides int DEFAULT 1, padding text DEFAULT 'valid', data_format text DEFAULT NULL,
    dilation_rate int DEFAULT 1, groups int DEFAULT 1, activation text DEFAULT NULL, use_bias boolean DEFAULT true,
    kernel_initializer text DEFAULT 'glorot_uniform', bias_initializer text DEFAULT 'zeros',
    kernel_regularizer text DEFAULT NULL, bias_regularizer text DEFAULT NULL, activity_regularizer text DEFAULT NULL,
    kernel_constraint text DEFAULT NULL, bias_constraint text DEFAULT NULL, name text DEFAULT NULL,
    trainable boolean DEFAULT true
) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
    RETURN tablenet.layer('Conv1D', pg_catalog.jsonb_build_object(
        'filters', filters, 'kernel_size', kernel_size, 'strides', strides, 'padding', padding, 'data_format', data_format,
        'dilation_rate', dilation_rate, 'groups', groups, 'activation', activation, 'use_bias', use_bias,
        'kernel_initializer', kernel_initializer, 'bias_initializer', bias_initializer,
        'kernel_regularizer', kernel_regularizer, 'bias_regularizer', bias_regularizer,
        'activity_regularizer', activity_regularizer, 'kernel_constraint', kernel_constraint,
        'bias_constraint', bias_constraint, 'name', name, 'trainable', trainable));
COMMENT ON FUNCTION ml_conv1d IS
    'a convolution over steps (keras.layers.Conv1D), for ml_sequential()';

CREATE FUNCTION ml_max_pooling1d(
    pool_size int DEFAULT 2, strides int DEFAULT NULL, padding text DEFAULT 'valid', data_format text DEFAULT NULL,
    name text DEFAULT NULL, trainable boolean DEFAULT true
) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
    RETURN tablenet.layer('MaxPooling1D', pg_catalog.jsonb_build_object(
        'pool_size', pool_size, 'strides', strides, 'padding', padding, 'data_format', data_format, 'name', name,
        'trainable', trainable));
COMMENT ON FUNCTION ml_max_pooling1d IS
    'the largest of every few steps (keras.layers.MaxPooling1D), for ml_sequential()';

CREATE FUNCTION ml_average_pooling1d(
    pool_size int, strides int DEFAULT NULL, padding text DEFAULT 'valid', data_format text DEFAULT NULL,
    name text DEFAULT NULL, trainable boolean DEFAULT true
) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
    RETURN tablenet.layer('AveragePooling1D', pg_catalog.jsonb_build_object(
        'pool_size', pool_size, 'strides', strides, 'padding', padding, 'data_format', data_format, 'name', name,
        'trainable', trainable));
COMMENT ON FUNCTION ml_average_pooling1d IS
    'the mean of every few steps (keras.layers.AveragePooling1D), for ml_sequential()';

CREATE FUNCTION ml_global_max_pooling1d(
    data_format text DEFAULT NULL, keepdims boolean DEFAULT false, name text DEFAULT NULL, trainable boolean DEFAULT true
) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
    RETURN tablenet.layer('GlobalMaxPooling1D', pg_catalog.jsonb_build_object(
        'data_format', data_format, 'keepdims', keepdims, 'name', name, 'trainable', trainable));
COMMENT ON FUNCTION ml_global_max_pooling1d IS
    'the largest of all steps (keras.layers.GlobalMaxPooling1D), for ml_sequential()';

CREATE FUNCTION ml_global_average_pooling1d(
    data_format text DEFAULT NULL, keepdims boolean DEFAULT false, name text DEFAULT NULL, trainable boolean DEFAULT true
) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
    RETURN tablenet.layer('GlobalAveragePooling1D', pg_catalog.jsonb_build_object(
        'data_format', data_format, 'keepdims', keepdims, 'name', name, 'trainable', trainable));
COMMENT ON FUNCTION ml_global_average_pooling1d IS
    'the mean of all steps (keras.layers.GlobalAveragePooling1D), for ml_sequential()';

CREATE FUNCTION ml_simple_rnn(
    units int, activation text DEFAULT 'tanh', use_bias boolean DEFAULT true,
    kernel_initializer text DEFAULT 'glorot_uniform', recurrent_initializer text DEFAULT 'orthogonal',
    bias_initializer text DEFAULT 'zeros', kernel_regularizer text DEFAULT NULL, recurrent_regularizer text DEFAULT NULL,
    bias_regularizer text DEFAULT NULL, activity_regularizer text DEFAULT NULL, kernel_constraint text DEFAULT NULL,
    recurrent_constraint text DEFAULT NULL, bias_constraint text DEFAULT NULL, dropout float8 DEFAULT 0,
    recurrent_dropout float8 DEFAULT 0, return_sequences boolean DEFAULT false, return_state boolean DEFAULT false,
    go_backwards boolean DEFAULT false, stateful boolean DEFAULT false, unroll boolean DEFAULT false,
    seed bigint DEFAULT NULL, name text DEFAULT NULL, trainable boolean DEFAULT true
) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
    RETURN tablenet.layer('SimpleRNN', pg_catalog.jsonb_build_object(
        'units', units, 'activation', activation, 'use_bias', use_bias, 'kernel_initializer', kernel_initializer,
        'recurrent_initializer', recurrent_initializer, 'bias_initializer', bias_initializer,
        'kernel_regularizer', kernel_regularizer, 'recurrent_regularizer', recurrent_regularizer,
        'bias_regularizer', bias_regularizer, 'activity_regularizer', activity_regularizer,
        'kernel_constraint', kernel_constraint, 'recurrent_constraint', recurrent_constraint,
        'bias_constraint', bias_constraint, 'dropout', dropout, 'recurrent_dropout', recurrent_dropout,
        'return_sequences', return_sequences, 'return_state', return_state, 'go_backwards', go_backwards,
        'stateful', stateful, 'unroll', unroll, 'seed', seed, 'name', name, 'trainable', trainable));
COMMENT ON FUNCTION ml_simple_rnn IS
    'a recurrent layer (keras.layers.SimpleRNN), for ml_sequential()';

CREATE FUNCTION ml_lstm(
    units int, activation text DEFAULT 'tanh', recurrent_activation text DEFAULT 'sigmoid', use_bias boolean DEFAULT true,
    kernel_initializer text DEFAULT 'glorot_uniform', recurrent_initializer text DEFAULT 'orthogonal',
    bias_initializer text DEFAULT 'zeros', unit_forget_bias boolean DEFAULT true, kernel_regularizer text DEFAULT NULL,
    recurrent_regularizer text DEFAULT NULL, bias_regularizer text DEFAULT NULL, activity_regularizer text DEFAULT NULL,
    kernel_constraint text DEFAULT NULL, recurrent_constraint text DEFAULT NULL, bias_constraint text DEFAULT NULL,
    dropout float8 DEFAULT 0, recurrent_dropout float8 DEFAULT 0, seed bigint DEFAULT NULL,
    return_sequences boolean DEFAULT false, return_state boolean DEFAULT false, go_backwards boolean DEFAULT false,
    stateful boolean DEFAULT false, unroll boolean DEFAULT false, name text DEFAULT NULL, trainable boolean DEFAULT true
) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
    RETURN tablenet.layer('LSTM', pg_catalog.jsonb_build_object(
        'units', units, 'activation', activation, 'recurrent_activation', recurrent_activation, 'use_bias', use_bias,
        'kernel_initializer', kernel_initializer, 'recurrent_initializer', recurrent_initializer,
        'bias_initializer', bias_initializer, 'unit_forget_bias', unit_forget_bias, 'kernel_regularizer', kernel_regularizer,
        'recurrent_regularizer', recurrent_regularizer, 'bias_regularizer', bias_regularizer,
        'activity_regularizer', activity_regularizer, 'kernel_constraint', kernel_constraint,
        'recurrent_constraint', recurrent_constraint, 'bias_constraint', bias_constraint, 'dropout', dropout,
        'recurrent_dropout', recurrent_dropout, 'seed', seed, 'return_sequences', return_sequences,
        'return_state', return_state, 'go_backwards', go_backwards, 'stateful', stateful, 'unroll', unroll, 'name', name,
        'trainable', trainable));
COMMENT ON FUNCTION ml_lstm IS
    'long short-term memory (keras.layers.LSTM), for ml_sequential()';

CREATE FUNCTION ml_gru(
    units int, activation text DEFAULT 'tanh', recurrent_activation text DEFAULT 'sigmoid', use_bias boolean DEFAULT true,
    kernel_initializer text DEFAULT 'glorot_uniform', recurrent_initializer text DEFAULT 'orthogonal',
    bias_initializer text DEFAULT 'zeros', kernel_regularizer text DEFAULT NULL, recurrent_regularizer text DEFAULT NULL,
    bias_regularizer text DEFAULT NULL, activity_regularizer text DEFAULT NULL, kernel_constraint text DEFAULT NULL,
    recurrent_constraint text DEFAULT NULL, bias_constraint text DEFAULT NULL, dropout float8 DEFAULT 0,
    recurrent_dropout float8 DEFAULT 0, seed bigint DEFAULT NULL, return_sequences boolean DEFAULT false,
    return_state boolean DEFAULT false, go_backwards boolean DEFAULT false, stateful boolean DEFAULT false,
    unroll boolean DEFAULT false, reset_after boolean DEFAULT true, name text DEFAULT NULL, trainable boolean DEFAULT true
) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
    RETURN tablenet.layer('GRU', pg_catalog.jsonb_build_object(
        'units', units, 'activation', activation, 'recurrent_activation', recurrent_activation, 'use_bias', use_bias,
        'kernel_initializer', kernel_initializer, 'recurrent_initializer', recurrent_initializer,
        'bias_initializer', bias_initializer, 'kernel_regularizer', kernel_regularizer,
        'recurrent_regularizer', recurrent_regularizer, 'bias_regularizer', bias_regularizer,
        'activity_regularizer', activity_regularizer, 'kernel_constraint', kernel_constraint,
        'recurrent_constraint', recurrent_constraint, 'bias_constraint', bias_constraint, 'dropout', dropout,
        'recurrent_dropout', recurrent_dropout, 'seed', seed, 'return_sequences', return_sequences,
        'return_state', return_state, 'go_backwards', go_backwards, 'stateful', stateful, 'unroll', unroll,
        'reset_after', reset_after, 'name', name, 'trainable', trainable));
COMMENT ON FUNCTION ml_gru IS
    'a gated recurrent unit (keras.layers.GRU), for ml_sequential()';

CREATE FUNCTION ml_bidirectional(
    layer jsonb, merge_mode text DEFAULT 'concat', backward_layer jsonb DEFAULT NULL, name text DEFAULT NULL,
    trainable boolean DEFAULT true
) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
    RETURN tablenet.layer('Bidirectional', pg_catalog.jsonb_build_object(
        'layer', layer, 'merge_mode', merge_mode, 'backward_layer', backward_layer, 'name', name, 'trainable', trainable));
COMMENT ON FUNCTION ml_bidirectional IS
    'a recurrent layer in both directions (keras.layers.Bidirectional), for ml_sequential()';

CREATE FUNCTION ml_time_distributed(
    layer jsonb, name text DEFAULT NULL, trainable boolean DEFAULT true
) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
    RETURN tablenet.layer('TimeDistributed', pg_catalog.jsonb_build_object(
        'layer', layer, 'name', name, 'trainable', trainable));
COMMENT ON FUNCTION ml_time_distributed IS
    'a layer on every step (keras.layers.TimeDistributed), for ml_sequential()';

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

-- A model as a value. The type is the model file behind its sha256; as text it is the file in base64. It has no implicit
-- casts, and is not in the category of strings: ml_predict('price', ...) is a model by its name, whatever else there is.
CREATE TYPE tablenet.model;

CREATE FUNCTION tablenet.model_in(cstring) RETURNS tablenet.model
    LANGUAGE c IMMUTABLE PARALLEL SAFE STRICT COST 100000
    AS 'MODULE_PATHNAME', 'tablenet_value_in';
CREATE FUNCTION tablenet.model_out(tablenet.model) RETURNS cstring
    LANGUAGE c IMMUTABLE PARALLEL SAFE STRICT COST 1000
    AS 'MODULE_PATHNAME', 'tablenet_value_out';
CREATE FUNCTION tablenet.model_recv(internal) RETURNS tablenet.model
    LANGUAGE c IMMUTABLE PARALLEL SAFE STRICT COST 100000
    AS 'MODULE_PATHNAME', 'tablenet_value_recv';
CREATE FUNCTION tablenet.model_send(tablenet.model) RETURNS bytea
    LANGUAGE c IMMUTABLE PARALLEL SAFE STRICT COST 1000
    AS 'MODULE_PATHNAME', 'tablenet_value_send';

-- The weights do not compress, and the digest in front must be readable without the rest.
CREATE TYPE tablenet.model (
    INPUT = tablenet.model_in,
    OUTPUT = tablenet.model_out,
    RECEIVE = tablenet.model_recv,
    SEND = tablenet.model_send,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = int4,
    STORAGE = external,
    CATEGORY = 'U');
COMMENT ON TYPE tablenet.model IS 'a trained model as a value; as text the base64 of its file';

CREATE FUNCTION tablenet.model(bytea) RETURNS tablenet.model
    LANGUAGE c IMMUTABLE PARALLEL SAFE STRICT COST 100000
    AS 'MODULE_PATHNAME', 'tablenet_value_of_bytea';
COMMENT ON FUNCTION tablenet.model(bytea) IS 'the model in the bytes of a model file';
CREATE FUNCTION tablenet.bytea(tablenet.model) RETURNS bytea
    LANGUAGE c IMMUTABLE PARALLEL SAFE STRICT COST 1000
    AS 'MODULE_PATHNAME', 'tablenet_value_bytea';
COMMENT ON FUNCTION tablenet.bytea(tablenet.model) IS 'the model file of a model';
CREATE CAST (bytea AS tablenet.model) WITH FUNCTION tablenet.model(bytea);
CREATE CAST (tablenet.model AS bytea) WITH FUNCTION tablenet.bytea(tablenet.model);

CREATE FUNCTION ml_model(model text) RETURNS tablenet.model
    LANGUAGE c STABLE PARALLEL SAFE STRICT COST 100000
    AS 'MODULE_PATHNAME', 'tablenet_model';
COMMENT ON FUNCTION ml_model(text) IS
    'the model of a name as a value; an error where there is none';

-- IMMUTABLE: the answer depends on the arguments alone. Each row costs what it costs by name.
CREATE FUNCTION ml_predict(model tablenet.model, VARIADIC features "any") RETURNS float8
    LANGUAGE c IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT SUPPORT tablenet.predict_support COST 75
    AS 'MODULE_PATHNAME', 'tablenet_value_predict';
COMMENT ON FUNCTION ml_predict(tablenet.model, VARIADIC "any") IS
    'what ml_predict() answers by name, of a model that is a value';

CREATE FUNCTION ml_predict_class(model tablenet.model, VARIADIC features "any") RETURNS text
    LANGUAGE c IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT SUPPORT tablenet.predict_support COST 100
    AS 'MODULE_PATHNAME', 'tablenet_value_predict_class';
COMMENT ON FUNCTION ml_predict_class(tablenet.model, VARIADIC "any") IS
    'the most probable label, of a model that is a value';

CREATE FUNCTION ml_predict_proba(model tablenet.model, VARIADIC features "any") RETURNS jsonb
    LANGUAGE c IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT SUPPORT tablenet.predict_support COST 250
    AS 'MODULE_PATHNAME', 'tablenet_value_predict_proba';
COMMENT ON FUNCTION ml_predict_proba(tablenet.model, VARIADIC "any") IS
    'the probability of every label, of a model that is a value';

CREATE FUNCTION ml_predict_values(model tablenet.model, VARIADIC features "any") RETURNS float4[]
    LANGUAGE c IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT SUPPORT tablenet.predict_support COST 100
    AS 'MODULE_PATHNAME', 'tablenet_value_predict_values';
COMMENT ON FUNCTION ml_predict_values(tablenet.model, VARIADIC "any") IS
    'the outputs of the network, of a model that is a value';

-- The state is what a group has read so far, in memory of the library's own. SSPACE is what the planner thinks of it: it sorts
-- by group, so that one group at a time has all of tablenet.work_mem. The model takes the state up, so there is no other use of it.
CREATE FUNCTION tablenet.train_agg_step(internal, jsonb, "any", VARIADIC "any") RETURNS internal
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT COST 10
    AS 'MODULE_PATHNAME', 'tablenet_train_agg_step';
CREATE FUNCTION tablenet.train_agg_end(internal) RETURNS tablenet.model
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT COST 10000
    AS 'MODULE_PATHNAME', 'tablenet_train_agg_end';
CREATE AGGREGATE ml_train_agg(spec jsonb, target "any", VARIADIC features "any") (
    SFUNC = tablenet.train_agg_step,
    STYPE = internal,
    SSPACE = 2000000000,
    FINALFUNC = tablenet.train_agg_end,
    FINALFUNC_MODIFY = READ_WRITE,
    PARALLEL = UNSAFE);
COMMENT ON AGGREGATE ml_train_agg(jsonb, "any", VARIADIC "any") IS
    'trains a model on the rows of each group; features: a row (by name), or values in their order';

-- Who may touch what; the last part of every script. First everything is taken from everybody: ALTER DEFAULT PRIVILEGES may
-- have given tables, sequences and the schema to any role while they were made, and whoever writes stored_grant, or puts a
-- trigger on it, has every model. What it says of functions stays as it is.
DO LANGUAGE plpgsql $$
DECLARE
    role text;
BEGIN
    FOR role IN
        SELECT DISTINCT CASE WHEN a.grantee OPERATOR(pg_catalog.=) 0 THEN 'PUBLIC' ELSE a.grantee::pg_catalog.regrole::text END
          FROM (SELECT nspacl, nspowner FROM pg_catalog.pg_namespace WHERE nspname OPERATOR(pg_catalog.=) 'tablenet'
                 UNION ALL
                SELECT relacl, relowner FROM pg_catalog.pg_class
                 WHERE relnamespace OPERATOR(pg_catalog.=) 'tablenet'::pg_catalog.regnamespace) AS made (acl, owner)
         CROSS JOIN LATERAL pg_catalog.aclexplode(made.acl) AS a
         WHERE a.grantee OPERATOR(pg_catalog.<>) made.owner
    LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON SCHEMA tablenet FROM %s', role);
        EXECUTE pg_catalog.format('REVOKE ALL ON ALL TABLES IN SCHEMA tablenet FROM %s', role);
        EXECUTE pg_catalog.format('REVOKE ALL ON ALL SEQUENCES IN SCHEMA tablenet FROM %s', role);
    END LOOP;
END $$;
GRANT USAGE ON SCHEMA tablenet TO PUBLIC;
GRANT SELECT ON tablenet.models, tablenet.versions, tablenet.history, tablenet.grants, tablenet.progress TO PUBLIC;
