"""The reference of tests/diamonds.rs: the same network on the same rows, with Keras.

Rows whose number in data/diamonds.csv (the first is 1) is a multiple of 10 are held out; the others train. Numbers are
standardised, words one-hot coded, the price standardised, all learned on the training rows. The network is the one that
ml_train chooses for a regression of 1,000 rows and more: Dense(64, relu), Dense(64, relu), Dense(1); adam, mse, batches
of 32, 20 epochs. Prints r2 of the held-out rows, of the price itself, for several seeds.

    python3 tests/keras/diamonds.py            # needs keras, a backend of it, numpy

The result of Keras 3.15.1 on TensorFlow stands in diamonds.txt beside this file.
"""

import csv
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
NUMBERS = ["carat", "depth", "table", "x", "y", "z"]
WORDS = ["cut", "color", "clarity"]

with open(os.path.join(HERE, "../../data/diamonds.csv"), newline="") as file:
    rows = list(csv.DictReader(file))
held_out = np.arange(1, len(rows) + 1) % 10 == 0

columns = []
for name in NUMBERS:
    values = np.array([float(row[name]) for row in rows])
    columns.append((values - values[~held_out].mean()) / values[~held_out].std())
for name in WORDS:
    values = np.array([row[name] for row in rows])
    columns += [values == word for word in sorted(set(values[~held_out]))]
x = np.stack(columns, axis=1).astype("float32")
price = np.array([float(row["price"]) for row in rows])
mean, deviation = price[~held_out].mean(), price[~held_out].std()
y = ((price - mean) / deviation).astype("float32")

for seed in range(int(sys.argv[1]) if len(sys.argv) > 1 else 3):
    keras.utils.set_random_seed(seed)
    dense = keras.layers.Dense
    model = keras.Sequential([keras.Input((x.shape[1],)), dense(64, "relu"), dense(64, "relu"), dense(1)])
    model.compile(optimizer="adam", loss="mse")
    model.fit(x[~held_out], y[~held_out], batch_size=32, epochs=20, verbose=0)
    answer = model.predict(x[held_out], batch_size=4096, verbose=0)[:, 0] * deviation + mean
    truth = price[held_out]
    r2 = 1 - ((truth - answer) ** 2).sum() / ((truth - truth.mean()) ** 2).sum()
    print(f"seed {seed} rows {held_out.sum()} r2 {r2:.5f}", flush=True)
