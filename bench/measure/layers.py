"""Layers over rows of 24 numbers or words, trained with Adam: seconds of the second epoch, by network and batch size.

usage: layers.py LIBRARY THREADS
LIBRARY is keras, torch (with fused Adam) or tablenet.
"""

import json
import sys
import time

import numpy as np

from backend import Watch, connect, emit, pid

BATCHES = (32, 256)


def layer(class_name, **config):
    return {"module": "keras.layers", "class_name": class_name, "config": config}


def steps(*layers):
    return ("series", [layer("InputLayer", batch_shape=[None, 24, 1]), *layers, layer("Dense", units=1)])


# The table that feeds it, and its layers as Keras writes them.
NETWORKS = {
    "SimpleRNN": steps(layer("SimpleRNN", units=32)),
    "LSTM": steps(layer("LSTM", units=32)),
    "GRU": steps(layer("GRU", units=32)),
    "Bidirectional": steps(layer("Bidirectional", layer=layer("LSTM", units=32))),
    "Conv1D": steps(
        layer("Conv1D", filters=32, kernel_size=3, activation="relu"),
        layer("MaxPooling1D", pool_size=2),
        layer("Conv1D", filters=64, kernel_size=3, activation="relu"),
        layer("GlobalAveragePooling1D"),
    ),
    "BatchNormalization": steps(
        layer("Flatten"),
        layer("Dense", units=64, activation="relu"),
        layer("BatchNormalization"),
        layer("Dense", units=64, activation="relu"),
        layer("BatchNormalization"),
    ),
    "Embedding": (
        "words",
        [
            layer("InputLayer", batch_shape=[None, 24]),
            layer("Embedding", input_dim=1000, output_dim=32),
            layer("GlobalAveragePooling1D"),
            layer("Dense", units=64, activation="relu"),
            layer("Dense", units=1),
        ],
    ),
}


def arrays(connection, table):
    cursor = connection.cursor()
    cursor.execute(f"SELECT x, y FROM {table}")
    x, y = zip(*cursor.fetchall())
    x = np.array(x, np.float32)[:, :, None] if table == "series" else np.array(x, np.int64)
    return x, np.array(y, np.float32)[:, None]


def by_keras(x, y, layers, batch):
    import keras

    keras.utils.set_random_seed(1)
    begun, seconds = 0.0, []

    def begin(epoch, logs):
        nonlocal begun
        begun = time.perf_counter()

    times = keras.callbacks.LambdaCallback(
        on_epoch_begin=begin, on_epoch_end=lambda epoch, logs: seconds.append(time.perf_counter() - begun)
    )
    model = keras.Sequential([keras.layers.deserialize(layer) for layer in layers])
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="mse")
    history = model.fit(x, y, batch_size=batch, epochs=2, verbose=0, callbacks=[times])
    return seconds[-1], history.history["loss"][-1]


def modules(name):
    """The same network of PyTorch's modules, on rows of (steps, channels)."""
    import torch
    from torch import nn

    class Last(nn.Module):
        def __init__(self, recurrent):
            super().__init__()
            self.recurrent = recurrent

        def forward(self, x):
            every, _ = self.recurrent(x)
            units = self.recurrent.hidden_size
            if not self.recurrent.bidirectional:
                return every[:, -1]
            return torch.cat([every[:, -1, :units], every[:, 0, units:]], 1)

    class Turn(nn.Module):
        def forward(self, x):
            return x.transpose(1, 2)

    class Mean(nn.Module):
        def __init__(self, axis):
            super().__init__()
            self.axis = axis

        def forward(self, x):
            return x.mean(self.axis)

    if name in ("SimpleRNN", "LSTM", "GRU"):
        return nn.Sequential(Last(getattr(nn, name.replace("Simple", ""))(1, 32, batch_first=True)), nn.Linear(32, 1))
    if name == "Bidirectional":
        return nn.Sequential(Last(nn.LSTM(1, 32, batch_first=True, bidirectional=True)), nn.Linear(64, 1))
    if name == "Conv1D":
        convolutions = [nn.Conv1d(1, 32, 3), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(32, 64, 3), nn.ReLU()]
        return nn.Sequential(Turn(), *convolutions, Mean(2), nn.Linear(64, 1))
    if name == "BatchNormalization":
        first = [nn.Flatten(), nn.Linear(24, 64), nn.ReLU(), nn.BatchNorm1d(64)]
        return nn.Sequential(*first, nn.Linear(64, 64), nn.ReLU(), nn.BatchNorm1d(64), nn.Linear(64, 1))
    return nn.Sequential(nn.Embedding(1000, 32), Mean(1), nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 1))


def by_torch(x, y, name, batch):
    import torch

    torch.manual_seed(1)
    model = modules(name)
    adam = torch.optim.Adam(model.parameters(), 1e-3, fused=True)
    features, target = torch.from_numpy(x), torch.from_numpy(y)
    for _ in range(2):
        begun, total = time.perf_counter(), 0.0
        order = torch.randperm(len(x))
        for begin in range(0, len(x), batch):
            rows = order[begin : begin + batch]
            adam.zero_grad(set_to_none=True)
            mean = torch.nn.functional.mse_loss(model(features[rows]), target[rows])
            mean.backward()
            adam.step()
            total += mean.detach() * len(rows)
    return time.perf_counter() - begun, float(total) / len(x)


def by_tablenet(connection, table, layers, batch):
    cursor = connection.cursor()
    cursor.execute(
        "SELECT FROM ml_train('layers', %s, 'y', layers => %s, optimizer => 'adam', metrics => '{}', epochs => 2,"
        " batch_size => %s, validation_split => 0)",
        (f"SELECT x, y FROM {table}", json.dumps(layers), batch),
    )
    cursor.execute("SELECT seconds, loss FROM ml_history('layers') ORDER BY epoch DESC LIMIT 1")
    return cursor.fetchone()


def main(library, threads):
    if library != "tablenet":
        from fit import limit_threads

        limit_threads(library, threads)
        if library == "torch":
            __import__("torch").set_num_threads(threads)
    connection, results = connect(), {}
    with Watch(pid(connection)) as watch:
        for name, (table, layers) in NETWORKS.items():
            x, y = (None, None) if library == "tablenet" else arrays(connection, table)
            for batch in BATCHES:
                if library == "tablenet":
                    seconds, loss = by_tablenet(connection, table, layers, batch)
                elif library == "keras":
                    seconds, loss = by_keras(x, y, layers, batch)
                else:
                    seconds, loss = by_torch(x, y, name, batch)
                results[f"{name}/{batch}"] = {"seconds": seconds, "loss": loss}
    emit(networks=results, **({"backend_mib": watch.peak_mib} if library == "tablenet" else {}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
