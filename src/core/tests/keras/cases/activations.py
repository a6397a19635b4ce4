"""Writes activations.json: every activation function by its name."""
import keras
import tensorflow as tf
from case import case, write
from keras.src import backend

L = keras.layers
NAMES = [
    "linear", "relu", "leaky_relu", "relu6", "celu", "elu", "selu", "softplus", "softsign", "squareplus", "soft_shrink", "sparse_plus",
    "silu", "gelu", "tanh", "tanh_shrink", "sigmoid", "sparse_sigmoid", "exponential", "hard_sigmoid", "hard_silu", "hard_tanh", "hard_shrink",
    "mish", "log_softmax", "log_sigmoid", "sparsemax", "softmax",
]


def sparsemax(x, axis=-1):
    """Keras up to 3.15.1 adds up the cumulative sums of the support instead of its numbers, so that its answers do not add
    up to 1 (keras-team/keras#23425, repaired by #23469)."""
    ordered = tf.sort(x, direction="DESCENDING")
    ranks = tf.range(1, x.shape[-1] + 1, dtype=x.dtype)
    support = 1 + ranks * ordered > tf.cumsum(ordered, axis=-1)
    count = tf.reduce_sum(tf.cast(support, x.dtype), axis=-1, keepdims=True)
    threshold = (tf.reduce_sum(tf.where(support, ordered, 0.0), axis=-1, keepdims=True) - 1) / count
    return tf.maximum(x - threshold, 0.0)


backend.nn.sparsemax = sparsemax


def one(name):
    """The function between two Dense; rows reach beyond the bends at 3 and 6, where that does not explode."""
    far = 1 if name == "exponential" else 3
    return case(name, (3,), [L.Dense(4, name), L.Dense(1)], x=lambda rng: far * rng.normal(size=(32, 3)), optimizer=keras.optimizers.SGD(0.01))


write([one(name) for name in NAMES])
