"""Writes weighted.json: what Keras makes of small models whose rows count differently in the loss, in 20 steps (2 epochs of 10 batches,
rows in order), and its metrics of several outputs.

python weighted.py    # Keras 3.15.1, TensorFlow CPU; run in this directory
"""
import json

import keras
import numpy as np

D, S = keras.layers.Dense, keras.losses


def quantile(tau):
    """The pinball loss, which Keras does not have."""

    def loss(y_true, y_pred):
        e = y_true - y_pred
        return keras.ops.mean(keras.ops.maximum(tau * e, (tau - 1) * e), axis=-1)

    return loss


def numbers(a):
    return [float(v) for v in np.asarray(a, np.float32).ravel()]


def run(name, layers, loss, outputs=1, classes=0, class_weight=None, kind=None, one_hot=False, spelled=None):
    """`kind`: "positive" numbers or "shares" of a row; `spelled`: the loss in tablenet's words, where Keras has none."""
    keras.utils.set_random_seed(len(name))
    rng = np.random.default_rng(len(name))
    x = rng.normal(size=(100, 3)).astype("float32")
    signal = np.stack([np.sin((i + 1) * x[:, 0]) + 0.5 * x[:, 1] * x[:, 2] for i in range(outputs)], 1)
    y = {None: signal, "positive": np.exp(signal), "shares": np.exp(signal) / np.exp(signal).sum(1, keepdims=True)}[kind].astype("float32")
    if classes:
        y = np.digitize(signal[:, 0], np.quantile(signal[:, 0], [0.2, 0.4][:classes - 1])).astype("float32")[:, None]
    weights = rng.integers(0, 5, size=100).astype("float32") / 2 if class_weight is None else np.array([class_weight[int(c)] for c in y[:, 0]], "float32")
    model = keras.Sequential([keras.Input((3,)), *layers])
    text = model.to_json()
    before = numbers(np.concatenate([np.asarray(v).ravel() for v in model.trainable_variables]))
    metrics = [] if classes else ["mae", "mse", keras.metrics.RootMeanSquaredError(name="rmse"), keras.metrics.R2Score(name="r2")]
    fed = np.eye(classes, dtype="float32")[y[:, 0].astype(int)] if one_hot else y
    said = spelled or (loss if isinstance(loss, str) else json.dumps(keras.losses.serialize(loss)))
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss=loss, metrics=metrics)
    given = dict(sample_weight=weights) if class_weight is None else dict(class_weight=class_weight)
    history = model.fit(x, fed, batch_size=10, epochs=2, shuffle=False, verbose=0, **given)
    evaluated = model.evaluate(x, fed, batch_size=10, verbose=0, return_dict=True, sample_weight=weights)
    return dict(name=name, outputs=outputs, classes=classes, model=json.loads(text), loss=said, x=numbers(x), y=numbers(y), weights=numbers(weights),
                before=before, after=numbers(np.concatenate([np.asarray(v).ravel() for v in model.trainable_variables])),
                losses=[float(v) for v in history.history["loss"]], evaluated={k: float(v) for k, v in evaluated.items()})


keras.utils.set_random_seed(0)  # the layers of the first run draw their seeds before it begins
json.dump([
    run("sample_weight, mse of 3", [D(8, "tanh"), D(3)], "mse", outputs=3),
    run("sample_weight, mae", [D(8, "tanh"), D(1)], "mae"),
    run("sample_weight, huber of 2", [D(8, "tanh"), D(2)], "huber", outputs=2),
    run("class_weight, bce", [D(8, "tanh"), D(1, "sigmoid")], "binary_crossentropy", classes=2, class_weight={0: 4.0, 1: 0.5}),
    run("class_weight, cce", [D(8, "tanh"), D(3, "softmax")], "sparse_categorical_crossentropy", classes=3, class_weight={0: 2.5, 1: 1.0, 2: 0.0}),
    run("sample_weight, mape", [D(8, "tanh"), D(1)], "mape", kind="positive"),
    run("sample_weight, msle of 2", [D(8, "tanh"), D(2, "softplus")], "msle", outputs=2, kind="positive"),
    run("sample_weight, log_cosh", [D(8, "tanh"), D(1)], S.LogCosh()),
    run("sample_weight, poisson", [D(8, "tanh"), D(1, "softplus")], "poisson", kind="positive"),
    run("sample_weight, kl_divergence", [D(8, "tanh"), D(3, "softmax")], S.KLDivergence(), outputs=3, kind="shares"),
    run("sample_weight, quantile of 2", [D(8, "tanh"), D(2)], quantile(0.8), outputs=2, spelled='{"quantile": {"tau": 0.8}}'),
    run("class_weight, hinge", [D(8, "tanh"), D(1)], "hinge", classes=2, class_weight={0: 0.5, 1: 3.0}),
    run("class_weight, squared_hinge", [D(8, "tanh"), D(1, "tanh")], S.SquaredHinge(), classes=2, class_weight={0: 0.5, 1: 3.0}),
    run("sample_weight, categorical_hinge", [D(8, "tanh"), D(3)], S.CategoricalHinge(), classes=3, one_hot=True),
    run("sample_weight, bce, smoothed", [D(8, "tanh"), D(1, "sigmoid")], S.BinaryCrossentropy(label_smoothing=0.2), classes=2),
    run("sample_weight, cce, smoothed", [D(8, "tanh"), D(3, "softmax")], S.CategoricalCrossentropy(label_smoothing=0.1), classes=3, one_hot=True),
], open("weighted.json", "w"))
