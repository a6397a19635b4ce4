"""A network of Dense layers with relu between them, trained with Adam by each library.

Each is a function (x, y, widths, loss, batch, epochs, threads) -> Fitted. x is (rows, inputs), y is (rows, 1), both float32;
`loss` is "mse", or "bce": the cross-entropy of logits.
"""

import time
import warnings
from typing import NamedTuple

import numpy as np

from network import Network


class Fitted(NamedTuple):
    """`losses` and `seconds` are those of each epoch."""

    model: object
    predict: object
    losses: list
    seconds: list


def keras_model(inputs, widths, loss, steps_per_execution=1):
    import keras

    keras.utils.set_random_seed(1)
    layers = [keras.layers.Input((inputs,))]
    layers += [keras.layers.Dense(units, activation="relu") for units in widths[:-1]]
    model = keras.Sequential([*layers, keras.layers.Dense(widths[-1])])
    model.compile(
        optimizer=keras.optimizers.Adam(1e-3),
        loss="mse" if loss == "mse" else keras.losses.BinaryCrossentropy(from_logits=True),
        steps_per_execution=steps_per_execution,
    )
    return model


def keras(x, y, widths, loss, batch, epochs, threads, steps_per_execution=1):
    import keras as library

    class Times(library.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.seconds = []

        def on_epoch_begin(self, *_):
            self.begun = time.perf_counter()

        def on_epoch_end(self, *_):
            self.seconds.append(time.perf_counter() - self.begun)

    model, times = keras_model(x.shape[1], widths, loss, steps_per_execution), Times()
    history = model.fit(x, y, batch_size=batch, epochs=epochs, verbose=0, callbacks=[times])
    at_once = 32 if steps_per_execution == 1 else 4096

    def predict(x):
        return model.predict(x, batch_size=at_once, verbose=0)

    return Fitted(model, predict, history.history["loss"], times.seconds)


def keras_tuned(*arguments):
    return keras(*arguments, steps_per_execution=50)


def torch(x, y, widths, loss, batch, epochs, threads, fused=False, compiled=False):
    import torch as library

    library.set_num_threads(threads)
    library.manual_seed(1)
    sizes = [x.shape[1], *widths]
    modules = []
    for inputs, units in zip(sizes, sizes[1:]):
        modules += [library.nn.Linear(inputs, units), library.nn.ReLU()]
    model = library.nn.Sequential(*modules[:-1])
    cost = library.nn.MSELoss() if loss == "mse" else library.nn.BCEWithLogitsLoss()
    adam = library.optim.Adam(model.parameters(), 1e-3, fused=fused)

    def forward(features, target):
        return cost(model(features), target)

    if compiled:
        library.compiler.reset()
        forward = library.compile(forward, dynamic=False)
    features, target = library.from_numpy(x), library.from_numpy(y)
    losses, seconds = [], []
    for _ in range(epochs):
        begun = time.perf_counter()
        order = library.randperm(len(x))
        total = 0.0
        for begin in range(0, len(x), batch):
            rows = order[begin : begin + batch]
            adam.zero_grad(set_to_none=True)
            mean = forward(features[rows], target[rows])
            mean.backward()
            adam.step()
            total += mean.detach() * len(rows)
        losses.append(float(total) / len(x))
        seconds.append(time.perf_counter() - begun)

    def predict(x):
        with library.inference_mode():
            return model(library.from_numpy(x)).numpy()

    return Fitted(model, predict, losses, seconds)


def torch_fused(*arguments):
    return torch(*arguments, fused=True)


def torch_compiled(*arguments):
    return torch(*arguments, fused=True, compiled=True)


def sklearn(x, y, widths, loss, batch, epochs, threads):
    """Its MLPClassifier keeps a copy of the rows and shuffles them; one call of partial_fit is one epoch."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    kind = MLPRegressor if loss == "mse" else MLPClassifier
    model = kind(tuple(widths[:-1]), batch_size=batch, solver="adam", alpha=0.0, random_state=1)
    losses, seconds = [], []
    target = y[:, 0] if loss == "mse" else y[:, 0].astype(np.int8)
    classes = {} if loss == "mse" else {"classes": [0, 1]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for epoch in range(epochs):
            begun = time.perf_counter()
            model.partial_fit(x, target, **(classes if epoch == 0 else {}))
            seconds.append(time.perf_counter() - begun)
            losses.append(float(model.loss_))
    return Fitted(model, model.predict, losses, seconds)


def numpy(x, y, widths, loss, batch, epochs, threads):
    network, shuffle = Network([x.shape[1], *widths]), np.random.default_rng(1)
    losses, seconds = [], []
    for _ in range(epochs):
        begun = time.perf_counter()
        losses.append(network.epoch(x, y, batch, shuffle.permutation(len(x)), loss))
        seconds.append(time.perf_counter() - begun)
    return Fitted(network, network.predict, losses, seconds)


def limit_threads(library, threads):
    """TensorFlow asks before its first operation; the others take OMP_NUM_THREADS or are told in `fit`."""
    if library.startswith("keras"):
        import tensorflow

        tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
        tensorflow.config.threading.set_inter_op_parallelism_threads(threads)


LIBRARIES = {
    "keras": keras,
    "keras_tuned": keras_tuned,
    "torch": torch,
    "torch_fused": torch_fused,
    "torch_compiled": torch_compiled,
    "sklearn": sklearn,
    "numpy": numpy,
}
