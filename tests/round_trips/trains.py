"""usage: trains.py DIRECTORY keras|pytorch
Trains small networks with Keras or PyTorch, which do not live in one process. Writes of each NAME.safetensors, NAME.json (what ml_import is told besides) and
NAME.csv: 1,000 rows of inputs and of what the network answers, each as an array of PostgreSQL."""
import json, os, pathlib, sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
from snippets import snippet

out, library = pathlib.Path(sys.argv[1]), sys.argv[2]
ROWS = 1000


def array(row):
    return '"{' + ",".join(repr(float(number)) for number in np.ravel(row)) + '}"'


def write(name, data, told, x, answers):
    (out / f"{name}.safetensors").write_bytes(data)
    (out / f"{name}.json").write_text(json.dumps(told))
    lines = [array(a) + "," + array(b) for a, b in zip(x, answers, strict=True)]
    (out / f"{name}.csv").write_text("\n".join(lines) + "\n")
    print(name, answers.shape, flush=True)


def inputs(shape, seed):
    return np.random.default_rng(seed).normal(size=(ROWS, *shape)).astype("float32")


if library == "keras":
    import keras
    from keras import layers as L

    from_keras = snippet("from_keras")["from_keras"]

    def by_keras(name, shape, stack, classes=None, x=None, columns=None):
        keras.utils.set_random_seed(7)
        model = keras.Sequential([keras.Input(shape), *stack], name=name)
        x = inputs(shape, 1) if x is None else x
        score = np.sin(x.reshape(ROWS, -1).sum(1))
        if classes is None:
            model.compile("adam", "mse")
            y = np.repeat(score[:, None], model.output_shape[1], 1)
        else:
            model.compile("adam", "binary_crossentropy" if len(classes) == 2 else "sparse_categorical_crossentropy")
            y = np.digitize(score, np.linspace(-1, 1, len(classes) + 1)[1:-1])
        model.fit(x, y, epochs=2, batch_size=50, verbose=0)
        model.save(out / "archive.keras")
        data = from_keras(out / "archive.keras")
        write(name, data, {"layers": None, "classes": classes, "columns": columns}, x, model.predict(x, verbose=0))

    by_keras("keras_dense", (8,), [L.Dense(16, "relu", kernel_regularizer="l2"), L.Dropout(0.2), L.Dense(8, "tanh"), L.Dense(1)])
    by_keras("keras_binary", (8,), [L.Dense(16, "gelu"), L.Dense(1, "sigmoid")], ["no", "yes"])
    by_keras("keras_classes", (8,), [L.Dense(16, "selu"), L.Dense(3, "softmax")], ["low", "middle", "high"])
    by_keras("keras_outputs", (8,), [L.Dense(16, "silu"), L.Dense(4)])
    by_keras("keras_conv", (24, 2), [L.Conv1D(6, 3, activation="relu"), L.MaxPooling1D(2), L.Conv1D(4, 3, padding="same", strides=2), L.Flatten(), L.Dense(1)])
    by_keras("keras_causal", (24, 2), [L.Conv1D(6, 3, padding="causal", dilation_rate=2), L.AveragePooling1D(3), L.GlobalMaxPooling1D(), L.Dense(1)])
    by_keras("keras_lstm", (24, 2), [L.LSTM(6, return_sequences=True), L.LSTM(4), L.Dense(1)])
    by_keras("keras_open", (None, 2), [L.LSTM(6, return_sequences=True, kernel_constraint="max_norm"), L.GlobalMaxPooling1D(), L.Dense(1, kernel_constraint="non_neg")],
             x=inputs((24, 2), 1), columns={"x": {"length": 48}})
    by_keras("keras_last", (24, 2), [L.Conv1D(6, 3), L.PReLU(alpha_initializer="random_normal"), L.Conv1D(2, 3), L.GlobalAveragePooling1D(), L.BatchNormalization()])
    by_keras("keras_gru", (24, 2), [L.GRU(6, return_sequences=True), L.GRU(4, go_backwards=True), L.Dense(1)])
    by_keras("keras_gru_before", (24, 2), [L.GRU(6, reset_after=False, dropout=0.2), L.Dense(1)])
    indices = np.random.default_rng(3).integers(0, 20, (ROWS, 12)).astype("float32")
    by_keras("keras_bidirectional", (12,), [L.Embedding(20, 5), L.Bidirectional(L.LSTM(4, return_sequences=True)), L.Bidirectional(L.GRU(3), merge_mode="sum"),
                                            L.Dense(1)], x=indices)
    padded = indices * (np.arange(12) < (np.arange(ROWS) % 13)[:, None])
    by_keras("keras_masked", (12,), [L.Embedding(20, 5, mask_zero=True), L.Bidirectional(L.GRU(4, return_sequences=True)), L.BatchNormalization(), L.LSTM(4),
                                     L.Dense(1)], x=padded.astype("float32"))
    by_keras("keras_distributed", (24, 2), [L.TimeDistributed(L.Dense(5, "tanh")), L.Flatten(), L.Dense(1)])
    by_keras("keras_rnn", (24, 2), [L.SimpleRNN(6, activation="relu", return_sequences=True), L.GlobalAveragePooling1D(), L.Dense(1)])

    by_keras("keras_norm", (8,), [L.Dense(16, use_bias=False), L.BatchNormalization(), L.ReLU(), L.Dense(8), L.LayerNormalization(), L.LeakyReLU(0.1), L.Dense(1)])
    by_keras("keras_slopes", (8,), [L.Dense(16), L.PReLU(alpha_initializer="random_normal"), L.GaussianNoise(0.1), L.Dense(8), L.ELU(0.7),
                                    L.Dense(8, L.LeakyReLU(0.1)), L.Dense(3), L.Softmax()], ["low", "middle", "high"])
    by_keras("keras_norm_steps", (24, 2), [L.Conv1D(6, 3), L.BatchNormalization(scale=False, momentum=0.8, epsilon=1e-2), L.ReLU(6, 0.1, 0.2),
                                           L.Conv1D(4, 3), L.PReLU(alpha_initializer="random_normal", shared_axes=[1]),
                                           L.LayerNormalization(center=False, epsilon=1e-5), L.Softmax(), L.Flatten(), L.Dense(1)])

if library == "pytorch":
    import safetensors.torch, torch
    from torch import nn

    OWN = snippet("read_pytorch")["OWN"]

    def by_pytorch(name, shape, model, layers, x=None):
        torch.manual_seed(7)
        for parameter in model.parameters():
            nn.init.normal_(parameter, std=0.3)
        x = torch.tensor(inputs(shape, 2)) if x is None else x
        y = torch.sin(x.reshape(ROWS, -1).sum(1, keepdim=True))
        optimizer = torch.optim.Adam(model.parameters(), 0.01)
        for _ in range(20):
            optimizer.zero_grad()
            nn.functional.mse_loss(model(x), y).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            answers = model(x).numpy()
        layers = [{"class_name": "InputLayer", "config": {"batch_shape": [None, *shape]}}, *layers]
        layers = [{"class_name": layer, "config": {}} if isinstance(layer, str) else layer for layer in layers]
        write(name, safetensors.torch.save(model.state_dict()), {"layers": layers, "classes": None, "columns": None}, x.numpy(), answers)

    def layer(class_name, **config):
        return {"class_name": class_name, "config": config}

    # steps and channels in Keras's order, as docs/travel.md has it
    by_pytorch("torch_dense", (8,), nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, 1)),
               [layer("Dense", units=16, activation="relu"), layer("Dropout", rate=0.1), layer("Dense", units=1)])
    by_pytorch("torch_conv", (24, 2), nn.Sequential(OWN["Conv1d"](2, 6, 3), nn.ReLU(), OWN["MaxPool1d"](2), nn.Flatten(), nn.Linear(66, 1)),
               [layer("Conv1D", filters=6, kernel_size=3, activation="relu"), "MaxPooling1D", "Flatten", layer("Dense", units=1)])
    by_pytorch("torch_bidirectional", (24, 2), nn.Sequential(OWN["GRU"](input_size=2, hidden_size=5, bidirectional=True, return_sequences=True),
               OWN["LSTM"](input_size=10, hidden_size=4, bidirectional=True, return_sequences=False), nn.Linear(8, 1)),
               [layer("Bidirectional", layer=layer("GRU", units=5, return_sequences=True)), layer("Bidirectional", layer=layer("LSTM", units=4)), layer("Dense", units=1)])
    by_pytorch("torch_norm", (8,), nn.Sequential(nn.Linear(8, 16, bias=False), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 8), nn.LayerNorm(8), nn.LeakyReLU(),
                                                 nn.Linear(8, 1)),
               [layer("Dense", units=16, use_bias=False), layer("BatchNormalization", epsilon=1e-5), "ReLU", layer("Dense", units=8),
                layer("LayerNormalization", epsilon=1e-5), layer("LeakyReLU", negative_slope=0.01), layer("Dense", units=1)])
    by_pytorch("torch_slopes", (8,), nn.Sequential(nn.Linear(8, 16), nn.PReLU(16), nn.Linear(16, 8), nn.ELU(0.7), nn.Linear(8, 6), nn.Softmax(-1), nn.Linear(6, 1)),
               [layer("Dense", units=16), "PReLU", layer("GaussianNoise", stddev=0.1), layer("Dense", units=8), layer("ELU", alpha=0.7),
                layer("Dense", units=6), "Softmax", layer("Dense", units=1)])
    by_pytorch("torch_norm_steps", (24, 2), nn.Sequential(OWN["Conv1d"](2, 6, 3), OWN["BatchNorm1d"](6), nn.LeakyReLU(0.2), nn.LayerNorm(6), nn.PReLU(), nn.Flatten(), nn.Linear(132, 1)),
               [layer("Conv1D", filters=6, kernel_size=3), layer("BatchNormalization", epsilon=1e-5), layer("LeakyReLU", negative_slope=0.2),
                layer("LayerNormalization", epsilon=1e-5), layer("PReLU", shared_axes=[1, 2]), "Flatten", layer("Dense", units=1)])
    indices = torch.randint(0, 20, (ROWS, 12), generator=torch.Generator().manual_seed(3)).float()
    by_pytorch("torch_embedding", (12,), nn.Sequential(OWN["Embedding"](20, 5), nn.Flatten(), nn.Linear(60, 1)),
               [layer("Embedding", input_dim=20, output_dim=5), "Flatten", layer("Dense", units=1)], x=indices)
    for module, keras_class in (("LSTM", "LSTM"), ("GRU", "GRU"), ("RNN", "SimpleRNN")):
        first = OWN[module](input_size=2, hidden_size=6, return_sequences=True)
        by_pytorch(f"torch_{module.lower()}", (24, 2), nn.Sequential(first, OWN[module](input_size=6, hidden_size=4, return_sequences=False), nn.Linear(4, 1)),
                   [layer(keras_class, units=6, return_sequences=True), layer(keras_class, units=4), layer("Dense", units=1)])
