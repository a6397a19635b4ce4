"""Dense layers with relu between them in NumPy, float32: what a careful user writes by hand, and the reference that every
prediction is compared with."""

import json

import numpy as np

F = np.float32


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


class Network:
    """`kernels[i]` is (inputs, units), `biases[i]` is (units,)."""

    def __init__(self, widths, seed=1):
        draw = np.random.default_rng(seed)
        pairs = list(zip(widths, widths[1:]))
        self.kernels = [(draw.uniform(-1, 1, pair) * np.sqrt(6 / sum(pair))).astype(F) for pair in pairs]
        self.biases = [np.zeros(units, F) for _, units in pairs]
        self.steps = 0

    def forward(self, x):
        """The inputs of every layer, and the outputs of the last."""
        inputs = [x]
        for i, (kernel, bias) in enumerate(zip(self.kernels, self.biases)):
            z = inputs[-1] @ kernel + bias
            inputs.append(z if i + 1 == len(self.kernels) else np.maximum(z, 0))
        return inputs

    def predict(self, x, batch=8192):
        return np.concatenate([self.forward(x[i : i + batch])[-1] for i in range(0, len(x), batch)])

    def epoch(self, x, y, batch, order, loss):
        """One epoch of Adam with Keras's settings; the mean of `loss` ("mse", or "bce" on logits) while it trained."""
        if self.steps == 0:
            self.parameters = self.kernels + self.biases
            self.first = [np.zeros_like(p) for p in self.parameters]
            self.second = [np.zeros_like(p) for p in self.parameters]
        total = 0.0
        for begin in range(0, len(x), batch):
            rows = order[begin : begin + batch]
            target = y[rows]
            inputs = self.forward(x[rows])
            z = inputs[-1]
            if loss == "mse":
                gradient = z - target
                total += float((gradient * gradient).sum())
                gradient *= F(2 / len(rows))
            else:
                total += float((np.maximum(z, 0) - z * target + np.log1p(np.exp(-np.abs(z)))).sum())
                gradient = (sigmoid(z) - target) / F(len(rows))
            kernels, biases = [], []
            for i in reversed(range(len(self.kernels))):
                kernels.insert(0, inputs[i].T @ gradient)
                biases.insert(0, gradient.sum(0))
                if i:
                    gradient = (gradient @ self.kernels[i].T) * (inputs[i] > 0)
            self.adam(kernels + biases)
        return total / len(x)

    def adam(self, gradients):
        self.steps += 1
        rate = F(1e-3 * np.sqrt(1 - 0.999**self.steps) / (1 - 0.9**self.steps))
        for p, g, m, v in zip(self.parameters, gradients, self.first, self.second):
            m *= F(0.9)
            m += F(0.1) * g
            v *= F(0.999)
            v += F(0.001) * g * g
            p -= rate * m / (np.sqrt(v) + F(1e-7))


def stored(connection, name):
    """The network of a stored model of numeric features, with the standardisation of its inputs folded into the first layer."""
    cursor = connection.cursor()
    cursor.execute(
        "SELECT string_agg(bytes, ''::bytea ORDER BY chunk) FROM tablenet.stored_chunk"
        " JOIN tablenet.stored_model USING (model_id) WHERE name = %s AND version = deployed",
        (name,),
    )
    file = bytes(cursor.fetchone()[0])
    begin = 8 + int.from_bytes(file[:8], "little")
    header = json.loads(file[8:begin])
    document = json.loads(header.pop("__metadata__")["tablenet"])
    tensors = {}
    for key, tensor in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        first, last = tensor["data_offsets"]
        tensors[key] = np.frombuffer(file[begin + first : begin + last], "<f4").reshape(tensor["shape"])
    network = Network([1, 1])
    network.kernels = [value for key, value in tensors.items() if key.endswith("/kernel")]
    network.biases = [value for key, value in tensors.items() if key.endswith("/bias")]
    learned = [feature["encoding"]["number"] for feature in document["features"]]
    mean, std = (np.array([column[key] for column in learned]) for key in ("mean", "std"))
    scaled = network.kernels[0] / std[:, None]
    network.biases[0] = (network.biases[0] - mean @ scaled).astype(F)
    network.kernels[0] = scaled.astype(F)
    return network
