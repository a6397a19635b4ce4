"""Writes dense.json: Dense with everything it can be told."""
import keras
from case import case, write

L, R = keras.layers, keras.regularizers

write([
    case("dense", (5,), [L.Dense(7, "tanh"), L.Dense(1)]),
    case("without a bias", (5,), [L.Dense(7, "relu", use_bias=False), L.Dense(2)]),
    case("l2", (4,), [L.Dense(6, "tanh", kernel_regularizer="l2", bias_regularizer=R.L1(0.02)), L.Dense(1, kernel_regularizer=R.L1L2(0.01, 0.03))]),
    case("l1", (4,), [L.Dense(3, "sigmoid"), L.Dense(3, "softmax", kernel_regularizer=R.L1(0.05))], "sparse_categorical_crossentropy", target=3),
])
