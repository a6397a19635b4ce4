"""Writes masks.json: Embedding with mask_zero, and what the layers behind it make of steps that are not there."""
import keras
import numpy as np
from case import ROWS, case, write

L = keras.layers


def padded(*shape, empty=True):
    """Indices, a third of them 0: at the end, at the beginning and in between; the first row is nothing else."""
    def make(rng):
        x = rng.integers(1, 10, size=(ROWS, *shape)) * (rng.random((ROWS, *shape)) > 0.35)
        x[0] = 0 if empty else 3
        x[1:9, ..., -2:] = 0
        x[9:16, ..., :2] = 0
        x[1:] += x[1:].sum(-1, keepdims=True) == 0
        return x
    return make


def masked(name, *layers, shape=(6,), empty=True, recurrent=True, **more):
    return case(name, shape, [L.Embedding(10, 4, mask_zero=True), *layers], recurrent=recurrent, x=padded(*shape, empty=empty), **more)


write([
    masked("SimpleRNN", L.SimpleRNN(3), L.Dense(1)),
    masked("LSTM", L.LSTM(3), L.Dense(1)),
    masked("GRU", L.GRU(3), L.Dense(1)),
    masked("GRU, reset before", L.GRU(3, reset_after=False), L.Dense(1)),
    masked("all steps, one after the other", L.LSTM(3, return_sequences=True), L.Dropout(0.0), L.Dense(4, "tanh"), L.GRU(2, return_sequences=True), L.SimpleRNN(3), L.Dense(1)),
    masked("backwards", L.SimpleRNN(3, go_backwards=True, return_sequences=True), L.GRU(3, go_backwards=True), L.Dense(1)),
    masked("what a step answers that is not there", L.GRU(3, return_sequences=True), L.Flatten(), L.Dense(1)),
    masked("zeros in all steps", L.LSTM(2, return_sequences=True, zero_output_for_mask=True), L.Flatten(), L.Dense(1)),
    masked("zeros in all steps, backwards", L.GRU(2, return_sequences=True, zero_output_for_mask=True, go_backwards=True, reset_after=False), L.Flatten(), L.Dense(1)),
    masked("zeros at the end", L.SimpleRNN(3, zero_output_for_mask=True), L.Dense(1)),
    masked("Bidirectional concat", L.Bidirectional(L.LSTM(2)), L.Dense(1)),
    masked("Bidirectional concat, all steps", L.Bidirectional(L.GRU(2, return_sequences=True)), L.Bidirectional(L.SimpleRNN(2)), L.Dense(1)),
    masked("Bidirectional sum", L.Bidirectional(L.SimpleRNN(3, return_sequences=True), "sum"), L.Flatten(), L.Dense(1)),
    masked("Bidirectional mul", L.Bidirectional(L.GRU(3, reset_after=False), "mul"), L.Dense(1)),
    masked("Bidirectional ave", L.Bidirectional(L.LSTM(3, return_sequences=True), "ave"), L.GlobalAveragePooling1D(), L.Dense(1), empty=False),
    masked("GlobalAveragePooling1D", L.Dense(3), L.ELU(), L.LeakyReLU(0.2), L.Activation("gelu"), L.GlobalAveragePooling1D(), L.Dense(1), empty=False, recurrent=False),
    masked("LayerNormalization and PReLU", L.LayerNormalization(), L.PReLU(), L.GlobalAveragePooling1D(keepdims=True), L.Flatten(), L.Dense(1), empty=False, recurrent=False),
    masked("BatchNormalization", L.BatchNormalization(momentum=0.9), L.GlobalAveragePooling1D(), L.Dense(1), empty=False, recurrent=False),
    masked("BatchNormalization between", L.GRU(3, return_sequences=True), L.BatchNormalization(scale=False, momentum=0.8), L.SimpleRNN(2), L.Dense(1)),
    masked("TimeDistributed", L.TimeDistributed(L.Dense(3, "tanh")), L.GRU(3), L.Dense(1)),
    masked("sentences", L.TimeDistributed(L.LSTM(3)), L.Flatten(), L.Dense(1), shape=(2, 4)),
    masked("sentences, averaged", L.TimeDistributed(L.GlobalAveragePooling1D()), L.Conv1D(2, 2), L.Flatten(), L.Dense(1), shape=(3, 5), empty=False, recurrent=False),
    masked("what loses it", L.Conv1D(3, 2), L.MaxPooling1D(2), L.LSTM(2), L.Dense(1)),
    masked("what loses it too", L.Reshape((3, 8)), L.AveragePooling1D(2, 1), L.GlobalMaxPooling1D(), L.Dense(1), recurrent=False),
])
