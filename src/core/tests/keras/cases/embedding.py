"""Writes embedding.json: indices and their vectors."""
import keras
import numpy as np
from case import ROWS, case, write

L = keras.layers


def words(*shape):
    return lambda rng: rng.integers(0, 10, size=(ROWS, *shape))


def apart(rng):
    """No index twice in a batch: there TensorFlow squares the gradients of one vector before it adds them up (JAX and PyTorch
    square their sum)."""
    return np.arange(ROWS).reshape(-1, 1) * 3 % 10


write([
    case("mean of vectors", (6,), [L.Embedding(10, 4), L.GlobalAveragePooling1D(), L.Dense(1)], x=words(6)),
    case("vectors side by side", (3,), [L.Embedding(10, 2, embeddings_regularizer="l2"), L.Flatten(), L.Dense(2, "tanh"), L.Dense(1)], x=words(3)),
    case("one index", (1,), [L.Embedding(10, 3), L.Flatten(), L.Dense(1)], x=apart, optimizer=keras.optimizers.Adam(0.01)),
    case("read both ways", (6,), [L.Embedding(10, 4), L.Bidirectional(L.GRU(3)), L.Dense(1, "sigmoid")], "binary_crossentropy", target=2, x=words(6), recurrent=True),
    case("indices of two dimensions", (2, 3), [L.Embedding(10, 2), L.Reshape((6, 2)), L.Conv1D(3, 2), L.GlobalMaxPooling1D(), L.Dense(1)], x=words(2, 3)),
])
