"""What Keras makes of one model: answers, gradient and 20 steps of training. Programs beside this one call it and write
what ../../parity.rs compares; `make parity` runs them again with the Keras of the day.

Keras 3.15.1, TensorFlow CPU. Numbers are float32.
"""
import json
import os
import sys

import keras
import numpy as np
import tensorflow as tf

ROWS, BATCH, EPOCHS = 32, 8, 5  # 20 steps


def numbers(a):
    """A flat list; Keras leaves no gradient of what it does not train."""
    return None if a is None else [float(v) for v in np.asarray(a, np.float32).ravel()]


def targets(kind, width, rng):
    """`kind` is "number", "positive", "sign" (-1 and 1), "share" (rows that add up to 1) or a number of classes."""
    if kind == "number":
        return rng.normal(size=(ROWS, width))
    if kind == "positive":
        return rng.uniform(0.1, 3.0, size=(ROWS, width))
    if kind == "sign":
        return np.sign(rng.normal(size=(ROWS, width)))
    if kind == "share":
        return rng.dirichlet(np.ones(width), size=ROWS)
    y = np.arange(ROWS) % kind
    rng.shuffle(y)
    return y.reshape(-1, 1)


def case(name, shape, layers, loss="mse", optimizer=None, target="number", metrics=(), x=None, one_hot=False, recurrent=False, weights=None, spelled=None):
    """One case. `loss` is a word or a keras.losses.Loss, `optimizer` a keras.optimizers.Optimizer, `target` as in `targets`.
    `x` makes the rows of a generator, else they are normal. `one_hot` hands classes to Keras as rows of 0 and 1.
    `weights` makes the first weights of (variable, generator), else they are normal with deviation 0.5, and positive where
    they are variances. `spelled` is the loss in tablenet's words, where Keras has none. `recurrent` loosens what the issue of time steps needs."""
    seed = sum(name.encode())
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    x = (rng.normal(size=(ROWS, *shape)) if x is None else x(rng)).astype("float32")
    model = keras.Sequential([keras.Input(shape), *layers])
    width = model.output_shape[-1]
    y = targets(target, width, rng).astype("float32")
    fed = np.eye(target, dtype="float32")[y[:, 0].astype(int)] if one_hot else y
    variables = [v for layer in model.layers for v in layer.weights]
    for v in variables:
        if weights is not None:
            value = weights(v, rng)
        elif "variance" in v.path:
            value = rng.uniform(0.5, 1.5, size=v.shape)
        else:
            value = rng.normal(size=v.shape, scale=0.5)
        v.assign(np.asarray(value, "float32"))
    before = [v.numpy() for v in variables]
    optimizer = optimizer or keras.optimizers.SGD(0.05)
    optimizer_json = keras.optimizers.serialize(optimizer)
    loss_json = spelled or (loss if isinstance(loss, str) else keras.losses.serialize(loss))
    model_json = json.loads(model.to_json())
    model.compile(optimizer=optimizer, loss=loss, metrics=list(metrics))
    forward = model(x, training=False).numpy()
    with tf.GradientTape() as tape:
        value = model.compute_loss(x, fed, model(x, training=True))
    by_id = {id(v): g for v, g in zip(model.trainable_variables, tape.gradient(value, [v.value for v in model.trainable_variables]))}
    gradient = [by_id.get(id(v)) for v in variables]
    gradient = [None if g is None else tf.convert_to_tensor(g).numpy() for g in gradient]
    for v, w in zip(variables, before):  # BatchNormalization has moved its means
        v.assign(w)
    model.compile(optimizer=optimizer, loss=loss, metrics=list(metrics))
    history = model.fit(x, fed, batch_size=BATCH, epochs=EPOCHS, shuffle=False, verbose=0).history
    kind = target if isinstance(target, int) else 0
    return dict(
        name=name, recurrent=recurrent, inputs=int(np.prod(shape)), outputs=width, classes=kind, model=model_json,
        optimizer=optimizer_json, loss=loss_json, metrics=[m if isinstance(m, str) else keras.metrics.serialize(m) for m in metrics],
        paths=[v.path for v in variables], x=numbers(x), y=numbers(y), before=[numbers(w) for w in before], forward=numbers(forward),
        value=float(value), gradient=[numbers(g) for g in gradient], after=[numbers(v.numpy()) for v in variables],
        losses=[float(v) for v in history["loss"]],
        history=[[float(v) for v in history[m if isinstance(m, str) else m.name]] for m in metrics],
    )


def write(cases):
    """Writes them to the .json beside the program."""
    path = os.path.splitext(os.path.abspath(sys.argv[0]))[0] + ".json"
    with open(path, "w") as file:
        file.write("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
