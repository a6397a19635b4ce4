"""Writes wrappers.json: both directions, and layers on every step."""
import keras
from case import case, write

L = keras.layers


def recurrent(name, layers, **more):
    return case(name, (5, 3), layers, recurrent=True, **more)


write([
    recurrent("bidirectional", [L.Dense(4), L.Bidirectional(L.LSTM(3)), L.Dense(1)]),
    recurrent("bidirectional concat of all steps", [L.Dense(4), L.Bidirectional(L.GRU(3, return_sequences=True)), L.Bidirectional(L.LSTM(2), merge_mode="concat"), L.Dense(1)]),
    recurrent("bidirectional sum", [L.Dense(4), L.Bidirectional(L.GRU(3, return_sequences=True, reset_after=False), merge_mode="sum"), L.Flatten(), L.Dense(1)]),
    recurrent("bidirectional mul", [L.Dense(4), L.Bidirectional(L.SimpleRNN(3, return_sequences=True), merge_mode="mul"), L.Flatten(), L.Dense(1)]),
    recurrent("bidirectional ave", [L.Dense(4), L.Bidirectional(L.LSTM(3, kernel_regularizer="l2"), merge_mode="ave"), L.Dense(1)]),
    recurrent("bidirectional of two kinds", [L.Dense(4), L.Bidirectional(L.LSTM(3), backward_layer=L.GRU(3, go_backwards=True)), L.Dense(1)], optimizer=keras.optimizers.Adam(0.01)),
    case("dense on every step", (5, 3), [L.TimeDistributed(L.Dense(4, "relu", kernel_regularizer="l2")), L.TimeDistributed(L.Dense(2, "softmax")), L.Flatten(), L.Dense(1)]),
    case("a convolution on every step", (3, 4, 2), [L.TimeDistributed(L.Conv1D(3, 2, activation="tanh")), L.TimeDistributed(L.Flatten()), L.TimeDistributed(L.Activation("gelu")), L.Flatten(), L.Dense(1)]),
    recurrent("recurrent on every step", [L.Reshape((5, 3, 1)), L.TimeDistributed(L.GRU(2)), L.Flatten(), L.Dense(1)]),
])
