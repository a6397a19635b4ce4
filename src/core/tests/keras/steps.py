"""Writes steps.json: what Keras makes in 50 steps (5 epochs of 10 batches, rows in order) of models whose rows are (steps, channels).

python steps.py    # Keras 3.15.1, TensorFlow CPU; run in this directory
"""
import json

import keras
import numpy as np

L = keras.layers


def numbers(a):
    return [float(v) for v in np.asarray(a, np.float32).ravel()]


def run(name, shape, layers, loss, classes=None):
    keras.utils.set_random_seed(len(name))
    rng = np.random.default_rng(len(name))
    x = rng.normal(size=(100, *shape)).astype("float32")
    flat = x.reshape(100, -1)
    signal = np.sin(flat[:, 0]) + flat.mean(axis=1) + 0.5 * flat[:, 1] * flat[:, 2] + 0.1 * rng.normal(size=100)
    y = signal.astype("float32") if classes is None else np.digitize(signal, np.quantile(signal, np.linspace(0, 1, classes + 1)[1:-1])).astype("float32")
    model = keras.Sequential([keras.Input(shape), *layers])
    for v in model.trainable_variables:  # biases too, so that their steps are seen
        v.assign(rng.normal(size=v.shape, scale=0.5))
    before = np.concatenate([np.asarray(v).ravel() for v in model.trainable_variables])
    text = model.to_json()
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss=loss)
    history = model.fit(x, y, batch_size=10, epochs=5, shuffle=False, verbose=0)
    after = np.concatenate([np.asarray(v).ravel() for v in model.trainable_variables])
    return dict(name=name, inputs=flat.shape[1], classes=classes or 0, model=json.loads(text), optimizer={"adam": {"learning_rate": 0.01}}, loss=loss,
                paths=[v.path for v in model.trainable_variables], x=numbers(x), y=numbers(y), before=numbers(before), after=numbers(after),
                losses=[float(v) for v in history.history["loss"]], evaluated=float(model.evaluate(x, y, batch_size=10, verbose=0)),
                predicted=numbers(model.predict(x, verbose=0)))


runs = [
    run("dense on steps", (6, 3), [L.Dense(17, "tanh"), L.Dense(3, "relu"), L.Flatten(), L.Dense(5, "relu"), L.Dense(1)], "mse"),
    run("the mean of the steps", (24,), [L.Reshape((-1, 2)), L.Dense(5, "softmax"), L.GlobalAveragePooling1D(), L.Dense(3), L.Activation("softmax")],
        "sparse_categorical_crossentropy", 3),
    run("the largest of the steps", (5, 4), [L.Activation("softmax"), L.GlobalMaxPooling1D(keepdims=True), L.Flatten(), L.Dense(1)], "mse"),
    run("pooled first", (7, 2), [L.GlobalAveragePooling1D(), L.Dense(40, "relu"), L.Dense(1, "sigmoid")], "binary_crossentropy", 2),
    run("lstm.", (6, 3), [L.LSTM(5), L.Dense(1)], "mse"),
    run("lstm of lstm", (7, 2), [L.LSTM(4, return_sequences=True, activation="relu"), L.LSTM(3, go_backwards=True, use_bias=False), L.Dense(1)], "mse"),
    run("gru...", (5, 4), [L.GRU(6), L.Dense(3, "softmax")], "sparse_categorical_crossentropy", 3),
    run("gru of gru", (9, 1), [L.GRU(20, return_sequences=True), L.GRU(3, return_sequences=True, go_backwards=True), L.Flatten(), L.Dense(1)], "mse"),
    run("simple rnn", (4, 3), [L.SimpleRNN(7, return_sequences=True), L.SimpleRNN(4, activation="sigmoid"), L.Dense(1, "sigmoid")], "binary_crossentropy", 2),
    run("one step", (1, 3), [L.LSTM(4), L.Dense(1)], "mse"),
    run("conv1d", (8, 3), [L.Conv1D(5, 3, activation="gelu"), L.MaxPooling1D(), L.Flatten(), L.Dense(1)], "mse"),
    run("conv1d same", (9, 2), [L.Conv1D(4, 4, strides=2, padding="same", activation="relu"), L.Conv1D(1, 2, padding="same"), L.AveragePooling1D(2, padding="same"), L.Flatten(), L.Dense(1)], "mse"),
    run("conv1d causal", (7, 1), [L.Conv1D(17, 2, dilation_rate=2, padding="causal", use_bias=False, activation="tanh"), L.MaxPooling1D(3, strides=2, padding="same"), L.LSTM(3),
                                  L.Dense(3, "softmax")], "sparse_categorical_crossentropy", 3),
    run("one of each", (6, 2), [L.SimpleRNN(1, return_sequences=True), L.LSTM(1, return_sequences=True), L.GRU(1, return_sequences=True), L.Conv1D(1, 2), L.SimpleRNN(3), L.Dense(1)], "mse"),
    run("ties", (9, 2), [L.Dense(3, "relu"), L.Activation("sigmoid"), L.MaxPooling1D(3, strides=1, padding="same"), L.AveragePooling1D(4, strides=3, padding="same"), L.Flatten(), L.Dense(1)], "mse"),
    run("other activations", (5, 3), [L.LSTM(3, return_sequences=True, activation="elu", recurrent_activation="relu", unit_forget_bias=False), L.GRU(4, return_sequences=True, activation="selu", use_bias=False), L.SimpleRNN(18, activation="leaky_relu"), L.Dense(1)], "mse"),
]
json.dump(runs, open("steps.json", "w"))
