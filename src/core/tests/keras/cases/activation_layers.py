"""Writes activation_layers.json: the layers that are an activation function, and such functions inside other layers."""
import keras
from case import case, write

L, R = keras.layers, keras.regularizers


def behind(name, *layers, shape=(4,), **more):
    """The layers behind a Dense, so that their input gradient is seen."""
    return case(name, shape, [L.Dense(5), *layers, L.Dense(1)], **more)


write([
    *[behind(f"Activation {name}", L.Activation(name)) for name in ["mish", "hard_silu", "log_softmax"]],
    behind("a layer for a name", L.Dense(5, L.LeakyReLU(0.1)), L.Dense(5, L.ELU(0.5)), L.Activation(L.ReLU(1.5))),
    behind("ReLU", L.ReLU()),
    behind("ReLU(max_value, negative_slope, threshold)", L.ReLU(1.5, 0.1, 0.25)),
    behind("ReLU(max_value)", L.ReLU(1.0)),
    behind("ReLU(negative_slope)", L.ReLU(negative_slope=0.4)),
    behind("ReLU(threshold)", L.ReLU(threshold=0.5)),
    behind("LeakyReLU", L.LeakyReLU()),
    behind("LeakyReLU(negative_slope)", L.LeakyReLU(0.05)),
    behind("ELU", L.ELU()),
    behind("ELU(alpha)", L.ELU(0.3)),
    behind("Softmax", L.Softmax()),
    case("Softmax at the end", (4,), [L.Dense(3), L.Softmax()], "sparse_categorical_crossentropy", target=3),
    case("Softmax over channels", (3, 2), [L.Dense(4), L.Softmax(), L.Flatten(), L.Dense(1)]),
    case("ReLU at the end", (4,), [L.Dense(2), L.ReLU(negative_slope=0.2)]),
    behind("PReLU", L.PReLU(alpha_initializer="ones", alpha_regularizer=R.L2(0.1))),
    behind("PReLU of one slope", L.PReLU(shared_axes=[1])),
    case("PReLU over steps", (3, 2), [L.Dense(4), L.PReLU(shared_axes=[1]), L.Flatten(), L.Dense(1)]),
    case("PReLU over channels", (3, 2), [L.Dense(4), L.PReLU(shared_axes=[2]), L.Flatten(), L.Dense(1)]),
    case("PReLU over all", (3, 2), [L.Dense(4), L.PReLU(shared_axes=[1, 2]), L.Flatten(), L.Dense(1)]),
    case("PReLU over nothing", (3, 2), [L.Dense(4), L.PReLU(), L.Flatten(), L.Dense(1)]),
    case("PReLU over the middle", (2, 3, 2), [L.Dense(2), L.PReLU(shared_axes=[2]), L.Flatten(), L.Dense(1)]),
    case("LSTM with other functions", (4, 2), [L.LSTM(3, "softsign", "hard_sigmoid"), L.Dense(1)], recurrent=True),
    case("GRU with other functions", (4, 2), [L.GRU(3, "hard_tanh", "hard_sigmoid"), L.Dense(1)], recurrent=True),
    case("SimpleRNN with other functions", (4, 2), [L.SimpleRNN(3, "log_sigmoid", return_sequences=True), L.SimpleRNN(3, "squareplus"), L.Dense(1)], recurrent=True),
])
