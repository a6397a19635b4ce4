"""Writes constraints.json: where the steps of a training have to leave a variable."""
import keras
from case import ROWS, case, write

L, C, O, R = keras.layers, keras.constraints, keras.optimizers, keras.regularizers


def words(rng):
    return rng.integers(0, 10, size=(ROWS, 6))


def rows(name, *layers, **more):
    return case(name, (4,), [*layers, L.Dense(1)], **more)


def steps(name, *layers, **more):
    return case(name, (5, 3), [*layers, L.Dense(1)], recurrent=True, **more)


write([
    rows("MaxNorm", L.Dense(6, "tanh", kernel_constraint=C.MaxNorm(0.8), bias_constraint=C.MaxNorm(0.3)), L.Dense(3, kernel_constraint=C.MaxNorm(0.6, axis=1))),
    rows("MaxNorm of all together", L.Dense(6, "tanh", kernel_constraint=C.MaxNorm(1.5, axis=None)), L.Dense(3, kernel_constraint=C.MaxNorm(1.2, axis=[0, 1]))),
    rows("NonNeg", L.Dense(6, "tanh", kernel_constraint="non_neg", bias_constraint=C.NonNeg()), L.Dense(3, kernel_constraint="NonNeg")),
    rows("UnitNorm", L.Dense(6, "tanh", kernel_constraint="unit_norm"), L.Dense(3, kernel_constraint=C.UnitNorm(axis=-1))),
    rows("MinMaxNorm", L.Dense(6, "tanh", kernel_constraint=C.MinMaxNorm(0.9, 1.1, rate=0.3)), L.Dense(3, kernel_constraint=C.MinMaxNorm(0.2, 0.7, axis=1), bias_constraint="min_max_norm")),
    rows("with momentum, a penalty and clipping", L.Dense(6, "tanh", kernel_constraint=C.MaxNorm(0.8), kernel_regularizer=R.L2(0.05)), optimizer=O.SGD(0.1, momentum=0.8, clipnorm=0.5)),
    rows("with AdamW", L.Dense(6, "tanh", kernel_constraint=C.MaxNorm(0.8), bias_constraint="non_neg"), optimizer=O.AdamW(0.02)),
    rows("of slopes", L.Dense(6), L.PReLU(alpha_constraint="non_neg"), L.Dense(5), L.PReLU(alpha_constraint=C.MaxNorm(0.5)), optimizer=O.Adam(0.02)),
    rows("of normalizations", L.Dense(6), L.BatchNormalization(gamma_constraint=C.MaxNorm(0.9), beta_constraint="non_neg"), L.Dense(5, "tanh"),
         L.LayerNormalization(gamma_constraint=C.UnitNorm(), beta_constraint=C.MinMaxNorm(0.1, 0.4))),
    rows("of what is not trained", L.Dense(6, "tanh", kernel_constraint="unit_norm", trainable=False), L.Dense(3, "tanh", kernel_constraint="unit_norm")),
    case("of windows", (7, 2), [L.Conv1D(3, 3, activation="tanh", kernel_constraint=C.MaxNorm(0.7, axis=[0, 1]), bias_constraint="non_neg"),
                                L.Conv1D(2, 2, kernel_constraint=C.UnitNorm(axis=2)), L.Conv1D(2, 2, kernel_constraint=C.MaxNorm(0.5)), L.GlobalAveragePooling1D(), L.Dense(1)]),
    case("of vectors", (6,), [L.Embedding(10, 4, embeddings_constraint=C.UnitNorm(axis=1)), L.GlobalAveragePooling1D(), L.Dense(1)], x=words),
    steps("of an lstm", L.LSTM(3, kernel_constraint=C.UnitNorm(), recurrent_constraint=C.MaxNorm(0.4), bias_constraint=C.MinMaxNorm(0.2, 0.6))),
    steps("of a gru", L.GRU(3, kernel_constraint=C.MaxNorm(0.5), recurrent_constraint="non_neg", bias_constraint=C.MaxNorm(0.3, axis=1))),
    steps("inside of others", L.TimeDistributed(L.Dense(4, "tanh", kernel_constraint=C.MaxNorm(0.6))),
          L.Bidirectional(L.SimpleRNN(3, kernel_constraint="unit_norm", recurrent_constraint=C.MaxNorm(0.5)))),
])
