"""Writes losses.json: every loss with its settings."""
import keras
from case import case, write
from keras import ops

L, S = keras.layers, keras.losses


def pinball(y_true, y_pred):
    """What Keras does not have, for tau 0.9."""
    e = y_true - y_pred
    return ops.mean(ops.maximum(0.9 * e, -0.1 * e), axis=-1)


def hidden(*last):
    return [L.Dense(6, "tanh"), *last]


def number(name, loss, last="linear", target="number", width=1, **more):
    return case(name, (4,), hidden(L.Dense(width, last)), loss, target=target, **more)


write([
    number("mse", "mse", width=2),
    number("mae", "mae"),
    number("mape", S.MeanAbsolutePercentageError(), target="positive", optimizer=keras.optimizers.SGD(0.0005)),
    number("msle", "msle", "softplus", "positive", width=2),
    number("huber", S.Huber(delta=0.5), width=2, spelled={"huber": {"delta": 0.5}}),  # Keras does not write its delta
    number("huber of 1", "huber"),
    number("log_cosh", S.LogCosh()),
    number("poisson", "poisson", "softplus", "positive"),
    number("kl_divergence", S.KLDivergence(), "softmax", "share", width=3),
    number("quantile", pinball, width=2, spelled={"quantile": {"tau": 0.9}}),
    number("binary_crossentropy", S.BinaryCrossentropy(), "sigmoid", 2),
    number("binary_crossentropy of logits", S.BinaryCrossentropy(from_logits=True), target=2),
    number("binary_crossentropy, smoothed", S.BinaryCrossentropy(label_smoothing=0.2), "sigmoid", 2),
    number("categorical_crossentropy", S.CategoricalCrossentropy(), "softmax", 3, width=3, one_hot=True),
    number("categorical_crossentropy of logits, smoothed", S.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1), target=3, width=3, one_hot=True),
    number("sparse_categorical_crossentropy", S.SparseCategoricalCrossentropy(), "softmax", 4, width=4),
    number("hinge", "hinge", target=2),
    number("squared_hinge", S.SquaredHinge(), "tanh", 2),
    number("categorical_hinge", "categorical_hinge", target=3, width=3, one_hot=True),
])
