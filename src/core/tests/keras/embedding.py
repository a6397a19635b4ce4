"""Writes embedding.json: what Keras makes of two models with embeddings in 50 steps (5 epochs of 10 batches, rows in order).

python embedding.py    # Keras 3.15.1, PyTorch CPU; run in this directory

Not TensorFlow: there Keras 3 squares the gradient of a vector row by row before it adds the rows up, so Adam's second
moment is another one where rows of a batch share an index (IndexedSlices in keras/src/backend/tensorflow/sparse.py).

Columns of x in order: numbers, and indices that an Embedding replaces in place; the pieces are joined by Concatenate.
"""
import json
import os

os.environ["KERAS_BACKEND"] = "torch"

import keras
import numpy as np


def numbers(a):
    return [float(v) for v in keras.ops.convert_to_numpy(a).astype("float32").ravel()]


def run(name, columns, layers, optimizer, spec, loss, classes=None):
    """columns: None for a number, (vocabulary, dim) for an index."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(len(name))
    rng = np.random.default_rng(len(name))
    x = np.stack([rng.normal(size=100) if c is None else rng.integers(0, c[0] - 1, size=100) for c in columns], axis=1).astype("float32")
    signal = sum(np.sin(x[:, i] * (1 + i)) for i in range(len(columns)))
    y = signal if classes is None else signal > np.median(signal)
    y = y.astype("float32")
    given = keras.Input((len(columns),))
    pieces, start = [], 0
    for i, column in enumerate(columns):
        if column is not None:
            if start < i:
                pieces.append(given[:, start:i])
            pieces.append(keras.layers.Embedding(*column)(given[:, i]))
            start = i + 1
    if start < len(columns):
        pieces.append(given[:, start:])
    z = keras.layers.Concatenate()(pieces)
    for layer in layers:
        z = layer(z)
    model = keras.Model(given, z)
    # In the order of the layers, and biases too, so that their steps are seen.
    variables = [v for layer in model.layers if isinstance(layer, keras.layers.Embedding) for v in layer.trainable_variables]
    variables += [v for layer in layers for v in layer.trainable_variables]
    for v in variables:
        v.assign(rng.normal(size=v.shape, scale=0.5))
    before = np.concatenate([keras.ops.convert_to_numpy(v).ravel() for v in variables])
    model.compile(optimizer=optimizer, loss=loss)
    history = model.fit(x, y, batch_size=10, epochs=5, shuffle=False, verbose=0)
    after = np.concatenate([keras.ops.convert_to_numpy(v).ravel() for v in variables])
    return dict(name=name, columns=columns, layers=[json.loads(json.dumps(keras.layers.serialize(layer))) for layer in layers],
                classes=classes or 0, optimizer=spec, loss=loss, paths=[v.path for v in variables], x=numbers(x), y=numbers(y),
                before=numbers(before), after=numbers(after), losses=[float(v) for v in history.history["loss"]],
                evaluated=float(model.evaluate(x, y, batch_size=10, verbose=0)), predicted=numbers(model.predict(x, verbose=0)))


D, O = keras.layers.Dense, keras.optimizers
runs = [
    run("adam", [None, (7, 3), None, None, (5, 1), (20, 16), None], [D(8, "relu"), D(6, "tanh"), D(1)],
        O.Adam(0.01), {"adam": {"learning_rate": 0.01}}, "mse"),
    run("nesterov, only an index", [(12, 4)], [D(5, "gelu"), D(1, "sigmoid")],
        O.SGD(0.05, momentum=0.9, nesterov=True), {"sgd": {"learning_rate": 0.05, "momentum": 0.9, "nesterov": True}}, "binary_crossentropy", 2),
]
json.dump(runs, open("embedding.json", "w"))
