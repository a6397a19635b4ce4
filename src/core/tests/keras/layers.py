"""Writes layers.json: what Keras's model.to_json() writes of models with every layer in several settings, and their summaries. layers.rs
reads them and writes them again; `make parity` hands that back to Keras.

python layers.py    # Keras 3.15.1, TensorFlow CPU; run in this directory
"""
import json

import keras

L, I, R, C = keras.layers, keras.initializers, keras.regularizers, keras.constraints
models = []


def model(name, shape, *layers):
    """`layers` makes them, so that Keras counts their names from the first on."""
    keras.utils.clear_session()
    made = keras.Sequential([keras.Input(shape), *[layer() for layer in layers]])
    summary = [dict(name=l.name, type=type(l).__name__, shape=list(l.output.shape[1:]), parameters=l.count_params()) for l in made.layers]
    models.append(dict(name=name, inputs=shape, model=json.loads(made.to_json()), summary=summary))


# of rows of numbers
model("Dense", (4,), lambda: L.Dense(8), lambda: L.Dense(2, "softmax", use_bias=False))
model("Dense, told", (4,), lambda: L.Dense(8, "gelu", kernel_initializer="he_normal", bias_initializer="ones", kernel_regularizer="l2", bias_regularizer=R.L1(0.02), name="first"),
      lambda: L.Dense(1, kernel_regularizer=R.L1L2(0.01, 0.03), kernel_initializer=I.RandomNormal(0.1, 0.2, seed=3)))
model("Dense, begun", (4,), lambda: L.Dense(4, kernel_initializer=I.Orthogonal(0.5, seed=1), bias_initializer=I.Constant(0.1)), lambda: L.Dense(4, kernel_initializer=I.Identity(2.0)),
      lambda: L.Dense(3, kernel_initializer=I.VarianceScaling(2.0, "fan_out", "uniform", seed=7)), lambda: L.Dense(3, kernel_initializer=I.TruncatedNormal(stddev=0.3)),
      lambda: L.Dense(3, kernel_initializer=I.RandomUniform(-0.1, 0.2)), lambda: L.Dense(3, kernel_initializer="lecun_uniform"), lambda: L.Dense(1, kernel_initializer="glorot_normal"))
model("Activation", (4,), lambda: L.Dense(3), lambda: L.Activation("relu"), lambda: L.Activation("silu"), lambda: L.Activation("softmax"))
model("Dropout", (4,), lambda: L.Dropout(0.2), lambda: L.Dense(3), lambda: L.Dropout(0.5, seed=4), lambda: L.Dense(1))
model("activation layers", (4,), lambda: L.Dense(3), lambda: L.ReLU(), lambda: L.ReLU(3.0, 0.1, 0.2), lambda: L.LeakyReLU(), lambda: L.LeakyReLU(0.05), lambda: L.ELU(), lambda: L.ELU(0.5), lambda: L.Softmax())
model("PReLU", (4,), lambda: L.Dense(3), lambda: L.PReLU(), lambda: L.PReLU("he_normal", "l2", shared_axes=[1]), lambda: L.Dense(1))
model("GaussianNoise", (4,), lambda: L.GaussianNoise(0.2), lambda: L.Dense(3), lambda: L.GaussianNoise(0.5, seed=4), lambda: L.Dense(1))
model("BatchNormalization", (4,), lambda: L.BatchNormalization(), lambda: L.Dense(3), lambda: L.BatchNormalization(1, 0.5, 0.01, False, gamma_initializer="he_normal", gamma_regularizer="l2"), lambda: L.Dense(3),
      lambda: L.BatchNormalization(scale=False, beta_initializer="ones", beta_regularizer=R.L1(0.02), moving_mean_initializer="ones", moving_variance_initializer=I.Constant(2.0)), lambda: L.Dense(1))
model("LayerNormalization", (4,), lambda: L.LayerNormalization(), lambda: L.Dense(3), lambda: L.LayerNormalization(1, 0.01, False, gamma_initializer="he_normal", gamma_regularizer="l2"), lambda: L.Dense(3),
      lambda: L.LayerNormalization(scale=False, beta_initializer="ones", beta_regularizer=R.L1(0.02)), lambda: L.Dense(1))
model("constraints", (4,), lambda: L.Dense(3, kernel_constraint=C.MaxNorm(3.0), bias_constraint="non_neg"), lambda: L.PReLU(alpha_constraint=C.MinMaxNorm(0.1, 2.0, 0.5)),
      lambda: L.BatchNormalization(beta_constraint=C.UnitNorm(), gamma_constraint="non_neg"), lambda: L.LayerNormalization(gamma_constraint=C.MinMaxNorm(), beta_constraint=C.MaxNorm(0.5, axis=None)), lambda: L.Dense(1))
# of rows of steps and channels
model("normalized steps", (6, 2), lambda: L.BatchNormalization(), lambda: L.Dense(3), lambda: L.PReLU(shared_axes=[1]), lambda: L.LayerNormalization([1, 2]), lambda: L.Softmax(), lambda: L.Flatten(), lambda: L.Dense(1))
model("Flatten", (6, 2), lambda: L.Dense(3), lambda: L.Flatten(), lambda: L.Dense(1))
model("Reshape", (12,), lambda: L.Reshape((6, 2)), lambda: L.Reshape((-1, 3)), lambda: L.GlobalMaxPooling1D(), lambda: L.Dense(1))
model("Conv1D", (12, 2), lambda: L.Conv1D(3, 2), lambda: L.Conv1D(4, 3, 2, "same", activation="relu", use_bias=False, kernel_regularizer="l2"), lambda: L.Flatten(), lambda: L.Dense(1))
model("Conv1D, told", (12, 2), lambda: L.Conv1D(3, 2, dilation_rate=2, padding="causal", kernel_initializer="he_uniform", bias_initializer="ones", bias_regularizer="l1"), lambda: L.Flatten(), lambda: L.Dense(1))
model("pooling", (12, 2), lambda: L.MaxPooling1D(), lambda: L.AveragePooling1D(2, 1, "same"), lambda: L.GlobalAveragePooling1D(), lambda: L.Dense(1))
model("pooling, told", (12, 2), lambda: L.MaxPooling1D(3, 2, "same"), lambda: L.AveragePooling1D(3), lambda: L.GlobalMaxPooling1D(), lambda: L.Dense(1))
model("global pooling", (12, 2), lambda: L.GlobalMaxPooling1D(keepdims=True), lambda: L.GlobalAveragePooling1D(keepdims=True), lambda: L.Flatten(), lambda: L.Dense(1))
model("SimpleRNN", (6, 2), lambda: L.SimpleRNN(3, return_sequences=True), lambda: L.SimpleRNN(4, "relu", False, go_backwards=True, kernel_initializer="he_normal", recurrent_initializer="identity"), lambda: L.Dense(1))
model("LSTM", (6, 2), lambda: L.LSTM(3, return_sequences=True), lambda: L.LSTM(4, "relu", "sigmoid", False, go_backwards=True, unit_forget_bias=False, recurrent_regularizer="l2"), lambda: L.Dense(1))
model("GRU", (6, 2), lambda: L.GRU(3, return_sequences=True), lambda: L.GRU(4, "elu", kernel_regularizer="l1", bias_regularizer="l2", bias_initializer="ones"), lambda: L.Dense(1))
model("recurrent, dropped", (6, 2), lambda: L.SimpleRNN(3, return_sequences=True, dropout=0.2), lambda: L.LSTM(3, return_sequences=True, dropout=0.1, recurrent_dropout=0.3, seed=5),
      lambda: L.GRU(2, reset_after=False, recurrent_dropout=0.25, trainable=False), lambda: L.Dense(1))
model("Bidirectional", (6, 2), lambda: L.Bidirectional(L.LSTM(3, return_sequences=True)), lambda: L.Bidirectional(L.GRU(2, name="read"), "sum"), lambda: L.Dense(1))
model("Bidirectional, told", (6, 2), lambda: L.Bidirectional(L.LSTM(3), "mul", backward_layer=L.GRU(3, go_backwards=True), trainable=False, name="both"), lambda: L.Dense(1))
model("TimeDistributed", (6, 2), lambda: L.TimeDistributed(L.Dense(3, "relu")), lambda: L.TimeDistributed(L.Dropout(0.1), trainable=False), lambda: L.Flatten(), lambda: L.Dense(1))
model("Embedding", (6,), lambda: L.Embedding(10, 4), lambda: L.GlobalAveragePooling1D(), lambda: L.Dense(1))
model("Embedding, told", (6,), lambda: L.Embedding(10, 4, "he_normal", "l2", trainable=False, name="words"), lambda: L.Flatten(), lambda: L.Dense(1))
model("constraints of steps", (6,), lambda: L.Embedding(10, 4, embeddings_constraint=C.UnitNorm(axis=1)), lambda: L.Conv1D(3, 2, kernel_constraint=C.MaxNorm(2.5, axis=[0, 1]), bias_constraint="non_neg"),
      lambda: L.LSTM(3, return_sequences=True, kernel_constraint="unit_norm", recurrent_constraint=C.MaxNorm(1.5), bias_constraint=C.MaxNorm(0.5)),
      lambda: L.Bidirectional(L.GRU(2, recurrent_constraint="non_neg")), lambda: L.Dense(1))
model("steps of any number", (None, 2), lambda: L.LSTM(3, return_sequences=True), lambda: L.Conv1D(2, 2), lambda: L.GlobalAveragePooling1D(), lambda: L.Dense(1))
model("Embedding, masked", (6,), lambda: L.Embedding(10, 4, mask_zero=True), lambda: L.GRU(3, return_sequences=True, zero_output_for_mask=True), lambda: L.Bidirectional(L.LSTM(2)), lambda: L.Dense(1))
with open("layers.json", "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(m) for m in models) + "\n]\n")
