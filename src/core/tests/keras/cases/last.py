"""Writes last.json: what a network may end with besides a Dense layer or an activation."""
import keras
from case import case, write

L = keras.layers

write([
    case("PReLU", (4,), [L.Dense(5, "tanh"), L.Dense(2), L.PReLU()]),
    case("BatchNormalization", (4,), [L.Dense(5, "tanh"), L.Dense(2), L.BatchNormalization()], "huber"),
    case("LayerNormalization", (4,), [L.Dense(5, "tanh"), L.Dense(3), L.LayerNormalization()], optimizer=keras.optimizers.Adam(0.01)),
    case("GlobalAveragePooling1D", (7, 2), [L.Conv1D(3, 3, activation="relu"), L.Conv1D(1, 2), L.GlobalAveragePooling1D()]),
    case("Flatten", (5, 3), [L.Dense(4, "tanh"), L.Dense(1), L.Flatten()], "mae"),
    case("LSTM", (5, 3), [L.LSTM(2)], recurrent=True),
    case("Bidirectional", (5, 3), [L.Dense(4, "tanh"), L.Bidirectional(L.GRU(1))], recurrent=True),
])
