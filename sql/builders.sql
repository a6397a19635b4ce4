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
