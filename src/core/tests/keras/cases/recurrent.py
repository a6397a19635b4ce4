"""Writes recurrent.json: recurrent layers with everything they can be told."""
import keras
from case import case, write

L, R, I = keras.layers, keras.regularizers, keras.initializers


def recurrent(name, layers, **more):
    return case(name, (5, 3), layers, recurrent=True, **more)


write([
    recurrent("lstm", [L.Dense(4), L.LSTM(3, kernel_regularizer="l2", recurrent_regularizer=R.L1(0.02), bias_regularizer="l2"), L.Dense(1)]),
    recurrent("lstm with its own bias", [L.LSTM(3, bias_initializer=I.Constant(0.5), unit_forget_bias=True, return_sequences=True), L.LSTM(2), L.Dense(1)]),
    recurrent("gru", [L.Dense(4), L.GRU(3, kernel_regularizer="l2", recurrent_regularizer="l2", bias_regularizer="l1"), L.Dense(1)]),
    recurrent("gru that resets before", [L.Dense(4), L.GRU(3, reset_after=False), L.Dense(1)]),
    recurrent("gru that resets before, all steps backwards", [L.GRU(3, reset_after=False, use_bias=False, go_backwards=True, return_sequences=True, activation="elu"), L.Flatten(), L.Dense(1)], optimizer=keras.optimizers.Adam(0.01)),
    recurrent("gru of one step that resets before", [L.Reshape((1, 15)), L.Dense(2), L.GRU(3, reset_after=False), L.Dense(1)]),
    recurrent("lstm with gates of Keras 1", [L.Dense(4), L.LSTM(3, "softsign", "hard_sigmoid"), L.Dense(1)]),
    recurrent("gru with hard gates", [L.Dense(4), L.GRU(3, "hard_tanh", "hard_sigmoid", reset_after=False), L.Dense(1)]),
    recurrent("simple rnn", [L.Dense(4), L.SimpleRNN(3, kernel_regularizer="l1", recurrent_regularizer="l2"), L.Dense(1)]),
    case("conv with regularizers", (7, 2), [L.Conv1D(3, 3, activation="relu", kernel_regularizer="l2", bias_regularizer=R.L1L2(0.01, 0.02)), L.GlobalAveragePooling1D(), L.Dense(1)]),
])
