"""The large table inside MariaDB: what visiting, learning from, scoring and pulling its rows takes.

usage: mariadb.py WAY
Every session first reads the table once, untimed.
"""

import json
import sys
import time

from backend import COLUMNS, FEATURES, ask, connect_mariadb, emit

ALL = " + ".join([*FEATURES, "label"])
ADDITIONS = " + ".join(FEATURES)


def spec(units):
    layers = [{"class_name": "Dense", "config": {"units": n, "activation": "relu"}} for n in units]
    layers.append({"class_name": "Dense", "config": {"units": 1, "activation": "sigmoid"}})
    fit = {"epochs": 1, "batch_size": 4096, "validation_split": 0, "metrics": []}
    return json.dumps({"layers": layers, "loss": "binary_crossentropy", **fit})


def by_train(connection):
    """All but the epoch of a training of the smallest network: reading, learning the encoding, keeping the rows."""
    begun = time.perf_counter()
    ask(connection, f"SELECT ml_train_agg('{spec([])}', label, {COLUMNS}) INTO @model FROM large", answers=False)
    seconds = time.perf_counter() - begun
    report = json.loads(ask(connection, "SELECT CONVERT(ml_report(@model) USING utf8mb4)"))
    epochs = sum(epoch["seconds"] for epoch in report["history"]["epochs"])
    emit(rows=report["rows"], seconds=seconds - epochs, epoch_s=epochs)


def by_predict(connection):
    query = f"SELECT label, {COLUMNS} FROM large"
    connection.cursor().execute("CALL ml_train('scoring', %s, 'label', %s)", (query, spec([64, 64])))
    model = "(SELECT ml_ref(model) FROM tablenet.deployed WHERE name = 'scoring')"
    timed(connection, f"SELECT sum(ml_predict({model}, {COLUMNS})) FROM large")


def by_fetchall(connection):
    import numpy as np

    begun = time.perf_counter()
    cursor = connection.cursor()
    cursor.execute(f"SELECT label, {COLUMNS} FROM large")
    array = np.array(cursor.fetchall(), dtype=np.float32)
    emit(rows=len(array), seconds=time.perf_counter() - begun)


def timed(connection, query):
    rows = ask(connection, "SELECT count(*) FROM large")
    begun = time.perf_counter()
    ask(connection, query)
    emit(rows=rows, seconds=time.perf_counter() - begun)


WAYS = {
    "sum": lambda connection: timed(connection, f"SELECT sum({ALL}) FROM large"),
    "train": by_train,
    "additions": lambda connection: timed(connection, f"SELECT sum({ADDITIONS}) FROM large"),
    "predict": by_predict,
    "fetchall": by_fetchall,
}


def main(way):
    connection = connect_mariadb()
    ask(connection, f"SELECT sum({ALL}) FROM large")
    WAYS[way](connection)


main(sys.argv[1])
