"""Writes normalization.json: BatchNormalization and LayerNormalization with everything they can be told."""
import keras
from case import case, write

L, R, O = keras.layers, keras.regularizers, keras.optimizers


def behind(name, *layers, **more):
    """The layers behind a Dense, so that their input gradient is seen."""
    return case(name, (4,), [L.Dense(5), *layers, L.Dense(1)], **more)


def uneven(rng):
    """Columns of other means and deviations, as they come without scaling."""
    return rng.normal(size=(32, 3)) * [1, 30, 0.2] + [5, -100, 0.5]


def block(units, activation):
    """As it is usually built; a bias in front of it has no gradient."""
    return [L.Dense(units, use_bias=False), L.BatchNormalization(), activation]


write([
    behind("BatchNormalization", L.BatchNormalization()),
    behind("BatchNormalization(momentum, epsilon)", L.BatchNormalization(momentum=0.6, epsilon=0.5)),
    behind("BatchNormalization without center", L.BatchNormalization(center=False)),
    behind("BatchNormalization without scale", L.BatchNormalization(scale=False)),
    behind("BatchNormalization without both", L.BatchNormalization(axis=1, center=False, scale=False)),
    behind("BatchNormalization, regularized", L.BatchNormalization(beta_regularizer=R.L1(0.05), gamma_regularizer=R.L2(0.1))),
    case("BatchNormalization and relu", (4,), [*block(5, L.ReLU()), *block(3, L.Activation("tanh")), L.Dense(1)]),
    case("BatchNormalization first", (3,), [L.BatchNormalization(), L.Dense(1)], x=uneven, optimizer=O.SGD(0.02)),
    case("BatchNormalization over steps", (3, 2), [L.Dense(4), L.BatchNormalization(), L.Flatten(), L.Dense(1)]),
    case("BatchNormalization of a convolution", (6, 2), [L.Conv1D(4, 3), L.BatchNormalization(), L.ReLU(), L.GlobalAveragePooling1D(), L.Dense(2)]),
    case("BatchNormalization of classes", (4,), [L.Dense(6, "tanh"), L.BatchNormalization(), L.Dense(3, "softmax")], "sparse_categorical_crossentropy", target=3, optimizer=O.Adam(0.01)),
    behind("BatchNormalization, fixed", L.BatchNormalization(trainable=False)),
    behind("LayerNormalization", L.LayerNormalization()),
    behind("LayerNormalization(epsilon)", L.LayerNormalization(epsilon=0.5)),
    behind("LayerNormalization without center", L.LayerNormalization(center=False)),
    behind("LayerNormalization without scale", L.LayerNormalization(scale=False)),
    behind("LayerNormalization without both", L.LayerNormalization(center=False, scale=False)),
    behind("LayerNormalization, regularized", L.LayerNormalization(beta_regularizer=R.L1L2(0.05, 0.1), gamma_regularizer=R.L1(0.1))),
    case("LayerNormalization of a wide row", (4,), [L.Dense(37), L.LayerNormalization(), L.Dense(1)], optimizer=O.SGD(0.01)),
    case("LayerNormalization first", (3,), [L.LayerNormalization(), L.Dense(1)], x=uneven),
    case("LayerNormalization over channels", (3, 2), [L.Dense(4), L.LayerNormalization(), L.Flatten(), L.Dense(1)]),
    case("LayerNormalization over steps and channels", (3, 2), [L.Dense(4), L.LayerNormalization(axis=[1, 2]), L.Flatten(), L.Dense(1)]),
    case("both", (3, 2), [L.Dense(4), L.LayerNormalization(), L.PReLU(), L.BatchNormalization(), L.Flatten(), L.Dense(2)]),
])
