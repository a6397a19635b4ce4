"""Writes callbacks.json beside it: what Keras's callbacks make of trainings. src/core/tests/callbacks.rs reads it.

Keras 3.15.1, TensorFlow CPU, float32. Each entry of `fits` is one model.fit with its epochs; where a checkpoint is kept, its
weights are `after`.
"""
import json
import os
import tempfile

import keras
import numpy as np

C, L, O, S = keras.callbacks, keras.layers, keras.optimizers, keras.optimizers.schedules
ROWS, VALIDATION, INPUTS, BATCH = 24, 12, 3, 8


def numbers(a):
    return [float(v) for v in np.asarray(a, np.float32).ravel()]


def run(name, optimizer, callbacks, here, fits=(14,)):
    """`callbacks` makes Keras's from the path of a checkpoint, `here` are the words for the same."""
    keras.utils.set_random_seed(5)
    rng = np.random.default_rng(5)
    x = rng.normal(size=(ROWS + VALIDATION, INPUTS)).astype("float32")
    y = (np.sin(2 * x[:, :1]) + 0.5 * rng.normal(size=(len(x), 1))).astype("float32")
    model = keras.Sequential([keras.Input((INPUTS,)), L.Dense(6, "tanh"), L.Dense(1)])
    for v in model.weights:
        v.assign(rng.normal(size=v.shape, scale=0.5).astype("float32"))
    before = [numbers(w) for w in model.get_weights()]
    optimizer_json = keras.optimizers.serialize(optimizer)
    model.compile(optimizer=optimizer, loss="mse", metrics=["mae"])
    losses, validated, rates = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "best.weights.h5")
        for epochs in fits:
            seen = C.LambdaCallback(on_epoch_begin=lambda epoch, logs: rates.append(float(np.asarray(model.optimizer.learning_rate))))
            done = len(losses)
            history = model.fit(
                x[:ROWS], y[:ROWS], batch_size=BATCH, epochs=done + epochs, initial_epoch=done, shuffle=False, verbose=0,
                validation_data=(x[ROWS:], y[ROWS:]), callbacks=[*callbacks(path), seen]).history
            losses += history["loss"]
            validated += history["val_loss"]
        if os.path.exists(path):
            model.load_weights(path)
    print(f"{name}: {len(losses)} epochs, val_loss {[round(v, 4) for v in validated]}, rates {[round(r, 5) for r in rates]}")
    return dict(
        name=name, inputs=INPUTS, optimizer=optimizer_json, callbacks=here, fits=list(fits), x=numbers(x[:ROWS]), y=numbers(y[:ROWS]),
        val_x=numbers(x[ROWS:]), val_y=numbers(y[ROWS:]), before=before, losses=[float(v) for v in losses], val_losses=[float(v) for v in validated],
        after=[numbers(w) for w in model.get_weights()])


def stopping(**settings):
    return lambda path: [C.EarlyStopping(**settings)], [{"EarlyStopping": settings}]


def plateau(**settings):
    return lambda path: [C.ReduceLROnPlateau(**settings)], [{"ReduceLROnPlateau": settings}]


def several(*pairs):
    return lambda path: [c for make, _ in pairs for c in make(path)], [c for _, here in pairs for c in here]


def scheduler(schedule):
    # Keras's function of the epoch; here the schedule itself.
    here = keras.optimizers.schedules.serialize(schedule)
    return lambda path: [C.LearningRateScheduler(lambda epoch, rate: float(np.asarray(schedule(epoch))))], [{"LearningRateScheduler": {"schedule": here}}]


def checkpoint(**settings):
    make = lambda path: [C.ModelCheckpoint(path, save_weights_only=True, **settings)]
    return make, [{"ModelCheckpoint": {"filepath": "best.weights.h5", "save_weights_only": True, **settings}}]


fast = lambda: O.Adam(0.3)
cases = [
    run("stops and leaves the last weights", fast(), *stopping(patience=2)),
    run("stops and restores the best weights", fast(), *stopping(patience=3, restore_best_weights=True, min_delta=0.01)),
    run("waits for a few epochs", fast(), *stopping(monitor="val_mae", patience=1, start_from_epoch=5, restore_best_weights=True)),
    run("wants to be better than a baseline", fast(), *stopping(patience=4, baseline=0.2, restore_best_weights=True)),
    run("more is better if it is told so", O.SGD(0.05), *stopping(monitor="loss", mode="max", patience=3, restore_best_weights=True)),
    run("lowers the rate", fast(), *plateau(factor=0.5, patience=1)),
    run("lowers the rate after a pause, to a limit", fast(), *plateau(factor=0.3, patience=1, cooldown=2, min_lr=0.02, min_delta=0.05), fits=(18,)),
    run("goes on with the lowered rate", fast(), *plateau(monitor="loss", factor=0.2, patience=1), fits=(7, 7)),
    run("lowers the rate, then stops", fast(), *several(
        plateau(factor=0.3, patience=2), stopping(patience=5, restore_best_weights=True)), fits=(30,)),
    run("sets the rate of every epoch", O.SGD(0.5), *scheduler(S.ExponentialDecay(0.2, 3, 0.5)), fits=(5, 5)),
    run("sets the rate in steps", O.Adam(0.5), *scheduler(S.PiecewiseConstantDecay([2, 5], [0.1, 0.02, 0.005]))),
    run("keeps the best", fast(), *checkpoint(save_best_only=True)),
    run("keeps the last", fast(), *checkpoint()),
    run("keeps the best of another value", fast(), *checkpoint(save_best_only=True, monitor="mae", mode="min", initial_value_threshold=10.0)),
    run("stops, and keeps the best of another value", fast(), *several(
        stopping(monitor="loss", patience=2, restore_best_weights=True), checkpoint(save_best_only=True))),
]
path = os.path.splitext(os.path.abspath(__file__))[0] + ".json"
with open(path, "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
