"""Writes fifty_steps.json: what Keras makes of four small models in 50 steps (5 epochs of 10 batches, rows in order).

python fifty_steps.py    # Keras 3.15.1, TensorFlow CPU; run in this directory
"""
import json

import keras
import numpy as np

D, A = keras.layers.Dense, keras.layers.Activation


def numbers(a):
    return [float(v) for v in np.asarray(a, np.float32).ravel()]


def run(name, inputs, layers, optimizer, spec, loss, classes=None):
    keras.utils.set_random_seed(len(name))
    rng = np.random.default_rng(len(name))
    x = rng.normal(size=(100, inputs)).astype("float32")
    signal = np.sin(x[:, 0]) + 0.5 * x[:, 1] * x[:, 2] + 0.1 * rng.normal(size=100)
    y = signal.astype("float32") if classes is None else np.digitize(signal, np.quantile(signal, np.linspace(0, 1, classes + 1)[1:-1])).astype("float32")
    model = keras.Sequential([keras.Input((inputs,)), *layers])
    for v in model.trainable_variables:  # biases too, so that their steps are seen
        v.assign(rng.normal(size=v.shape, scale=0.5))
    before = np.concatenate([np.asarray(v).ravel() for v in model.trainable_variables])
    text = model.to_json()
    model.compile(optimizer=optimizer, loss=loss)
    history = model.fit(x, y, batch_size=10, epochs=5, shuffle=False, verbose=0)
    after = np.concatenate([np.asarray(v).ravel() for v in model.trainable_variables])
    return dict(name=name, inputs=inputs, classes=classes or 0, model=json.loads(text), optimizer=spec, loss=loss,
                paths=[v.path for v in model.trainable_variables], x=numbers(x), y=numbers(y), before=numbers(before), after=numbers(after),
                losses=[float(v) for v in history.history["loss"]], evaluated=float(model.evaluate(x, y, batch_size=10, verbose=0)),
                predicted=numbers(model.predict(x, verbose=0)))


O = keras.optimizers
runs = [
    run("adam, mse", 5, [D(8, "tanh"), D(7, "gelu"), D(1)], O.Adam(0.01), {"adam": {"learning_rate": 0.01}}, "mse"),
    run("nesterov, bce", 4, [D(6, "relu", kernel_initializer="he_normal"), D(5, "swish"), D(1, "sigmoid")],
        O.SGD(0.05, momentum=0.9, nesterov=True), {"sgd": {"learning_rate": 0.05, "momentum": 0.9, "nesterov": True}}, "binary_crossentropy", 2),
    run("rmsprop, cce", 3, [D(9, "leaky_relu"), D(8, "selu"), D(4, "elu"), D(3), A("softmax")],
        O.RMSprop(0.01, momentum=0.5), {"rmsprop": {"learning_rate": 0.01, "momentum": 0.5}}, "sparse_categorical_crossentropy", 3),
    run("adamw, huber.", 17, [D(33, "softplus"), D(7, "sigmoid", use_bias=False), D(1)],
        O.AdamW(0.005, weight_decay=0.05), {"adamw": {"learning_rate": 0.005, "weight_decay": 0.05}}, "huber"),
    run("rmsprop plain", 3, [D(4, "softmax"), D(1)], O.RMSprop(), "rmsprop", "mae"),
]
json.dump(runs, open("fifty_steps.json", "w"))
