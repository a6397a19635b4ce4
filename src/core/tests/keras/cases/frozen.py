"""Writes frozen.json: layers that stay as they are, in front, in the middle and inside of others."""
import keras
from case import ROWS, case, write

L = keras.layers


def words(rng):
    return rng.integers(0, 10, size=(ROWS, 6))


def frozen(layer):
    """As its constructor does not: what is inside of a wrapper stays, too."""
    layer.trainable = False
    return layer


write([
    case("first", (4,), [L.Dense(5, "tanh", trainable=False), L.Dense(3, "relu"), L.Dense(1)], optimizer=keras.optimizers.Adam(0.01)),
    case("middle", (4,), [L.Dense(5, "tanh"), L.Dense(3, "gelu", trainable=False, kernel_regularizer="l2"), L.Dense(1)], optimizer=keras.optimizers.SGD(0.05, momentum=0.9)),
    case("last", (4,), [L.Dense(5, "tanh"), L.Dense(1, trainable=False)]),
    case("vectors", (6,), [L.Embedding(10, 4, trainable=False), L.Conv1D(3, 2), L.GlobalAveragePooling1D(), L.Dense(1)], x=words),
    case("inside", (5, 3), [frozen(L.Bidirectional(L.LSTM(2, return_sequences=True))), L.TimeDistributed(L.Dense(2, "tanh")), L.GRU(2, trainable=False), L.Dense(1)], recurrent=True),
])
