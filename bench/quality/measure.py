"""Trains on 80 % of each table's rows through SQL with no argument but name, query, target and seed, and scikit-learn's MLP on the same rows;
scores both on the other 20 %, five seeds. Prints one JSON line per table, seed and way.

usage: measure.py [TABLE..]    # libpq's variables say where the server is
"""

import io
import json
import sys
import time
import warnings

import numpy as np
import pandas as pd
import psycopg2
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.impute import SimpleImputer
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from tables import tables

SEEDS = 5
# Rows beyond which the search for the best settings takes hours.
SEARCHED = 2500


def is_number(column):
    return pd.api.types.is_numeric_dtype(column)


def scores(y, answer, classes=None):
    if classes is None:
        return {"rmse": float(np.sqrt(np.mean((answer - y) ** 2))), "sd": float(np.std(y))}
    predicted = np.asarray(classes)[answer.argmax(1)]
    return {"log_loss": float(log_loss(y, answer, labels=classes)), "accuracy": float(np.mean(predicted == np.asarray(y)))}


def load(cursor, frame):
    """The rows as a table `rows`, each with its number."""
    types = ", ".join(f'"{c}" {"float8" if is_number(frame[c]) else "text"}' for c in frame)
    cursor.execute(f"DROP TABLE IF EXISTS rows; CREATE TABLE rows (number int PRIMARY KEY, {types})")
    text = io.StringIO()
    frame.to_csv(text, header=False)
    text.seek(0)
    cursor.copy_expert("COPY rows FROM STDIN (FORMAT csv)", text)


def tablenet(cursor, frame, held, seed):
    columns = ", ".join(f'"{c}"' for c in frame)
    cursor.execute("DROP TABLE IF EXISTS held; CREATE TABLE held (number int PRIMARY KEY)")
    cursor.copy_expert("COPY held FROM STDIN", io.StringIO("".join(f"{n}\n" for n in held)))
    cursor.execute("SELECT epochs, seconds FROM ml_train('quality', %s, 'target', seed => %s)",
                   (f"SELECT {columns} FROM rows WHERE number NOT IN (SELECT number FROM held) ORDER BY number", seed))
    epochs, seconds = cursor.fetchone()
    rows = f"(SELECT {columns} FROM rows WHERE number IN (SELECT number FROM held) ORDER BY number) AS r"
    if is_number(frame["target"]):
        cursor.execute(f"SELECT target, ml_predict('quality', r) FROM {rows}")
        y, answer = np.array(cursor.fetchall(), float).T
        result = scores(y, answer)
    else:
        cursor.execute(f"SELECT target, ml_predict_proba('quality', r) FROM {rows}")
        found = cursor.fetchall()
        classes = sorted(found[0][1])
        answer = np.array([[p[c] for c in classes] for _, p in found])
        result = scores([y for y, _ in found], answer / answer.sum(1, keepdims=True), classes)
    return {"epochs": epochs, "seconds": seconds, **result}


def preprocessing(x):
    numbers = [c for c in x if is_number(x[c])]
    texts = [c for c in x if c not in numbers]
    impute = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    return ColumnTransformer([("n", impute, numbers), ("t", OneHotEncoder(handle_unknown="ignore"), texts)], sparse_threshold=0)


def network(frame, settings):
    regression = is_number(frame["target"])
    model = (MLPRegressor if regression else MLPClassifier)(hidden_layer_sizes=(64, 64), max_iter=300, **settings)
    model = make_pipeline(preprocessing(frame.drop(columns="target")), model)
    return TransformedTargetRegressor(model, transformer=StandardScaler()) if regression else model


def fitted(frame, held, settings):
    mask = np.zeros(len(frame), bool)
    mask[held] = True
    x, y = frame.drop(columns="target"), frame["target"]
    model = network(frame, settings).fit(x[~mask], y[~mask])
    if is_number(y):
        return scores(y[mask], model.predict(x[mask]))
    return scores(list(y[mask]), model.predict_proba(x[mask]), list(model.classes_))


def sklearn(frame, held, seed):
    """As it comes: (64, 64), Adam, relu, alpha 1e-4, until the loss no longer falls."""
    return fitted(frame, held, {"random_state": seed})


def searched(frame, held, seed):
    """The best of six settings on a fifth of the training rows, then fitted on all of them."""
    rest = np.setdiff1d(np.arange(len(frame)), held)
    inner = frame.iloc[rest].reset_index(drop=True)
    aside = np.random.default_rng(seed).permutation(len(inner))[: max(2, len(inner) // 5)]
    best = None
    for alpha in (1e-4, 1e-1, 3.0):
        for rate in (1e-3, 5e-3):
            settings = {"alpha": alpha, "learning_rate_init": rate, "random_state": seed}
            found = fitted(inner, aside, settings)
            score = found.get("rmse", found.get("log_loss"))
            if best is None or score < best[0]:
                best = (score, settings)
    return fitted(frame, held, best[1])


def clean(frame):
    """None for NULL, so that a text's NULL is one more category of scikit-learn's encoder."""
    texts = [c for c in frame if not is_number(frame[c])]
    return frame.assign(**{c: frame[c].astype(object).where(frame[c].notna(), None) for c in texts})


def main():
    warnings.filterwarnings("ignore")
    connection = psycopg2.connect("")
    connection.autocommit = True
    cursor = connection.cursor()
    for name, group, frame in tables(sys.argv[1:]):
        frame = clean(frame)
        load(cursor, frame)
        for seed in range(SEEDS):
            held = np.sort(np.random.default_rng(1000 + seed).permutation(len(frame))[: max(1, round(0.2 * len(frame)))])
            ways = {"tablenet": lambda: tablenet(cursor, frame, held, seed), "sklearn": lambda: sklearn(frame, held, seed)}
            if len(frame) <= SEARCHED:
                ways["searched"] = lambda: searched(frame, held, seed)
            for way, run in ways.items():
                began = time.perf_counter()
                found = run()
                found.setdefault("seconds", time.perf_counter() - began)
                print(json.dumps({"table": name, "group": group, "rows": len(frame), "seed": seed, "way": way, **found}), flush=True)


if __name__ == "__main__":
    main()
