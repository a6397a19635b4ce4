"""Scoring every row of `large` with the stored model "scoring", 28-64-64-1, by each way; all of them compute the same p.

usage: scoring.py WAY
Every session first reads the table once, untimed.
"""

import sys
import time

import numpy as np

import put as puts
from backend import COLUMNS, FEATURES, Clock, Watch, ask, connect, emit, pid
from network import sigmoid, stored
from pull import records

PREDICT = f"ml_predict('scoring', {COLUMNS})"
# Rows of the ways that write row by row: a million would take minutes.
FEW = {"inserts": 20_000, "pages": 100_000}


def keras_predict(network):
    import keras

    layers = [keras.layers.Input((28,))]
    layers += [keras.layers.Dense(64, activation="relu"), keras.layers.Dense(64, activation="relu")]
    model = keras.Sequential([*layers, keras.layers.Dense(1, activation="sigmoid")])
    model.set_weights([array for pair in zip(network.kernels, network.biases) for array in pair])
    return lambda x: model.predict(x, batch_size=4096, verbose=0)[:, 0]


def by_client(connection, way, clock):
    """Reads all rows, predicts, writes back."""
    pull, library, put = {
        "keras_fetchall": ("fetchall", "keras", "text"),
        "keras_binary": ("binary", "keras", "binary"),
        "numpy_binary": ("binary", "numpy", "binary"),
    }[way]
    network = stored(connection, "scoring")
    predict = keras_predict(network) if library == "keras" else lambda x: sigmoid(network.predict(x))[:, 0]
    clock.lap("import_s")
    query = f"SELECT id, {COLUMNS} FROM large"
    if pull == "fetchall":
        cursor = connection.cursor()
        cursor.execute(query)
        rows = cursor.fetchall()
        ids, x = np.array([row[0] for row in rows]), np.array([row[1:] for row in rows], np.float32)
        del rows
    else:
        rows, columns = records(connection, query)
        ids, x = rows["v0"].astype(np.int32), np.empty((len(rows), 28), np.float32)
        for i in range(1, columns):
            x[:, i - 1] = rows[f"v{i}"]
    clock.lap("read_s")
    p = predict(x)
    clock.lap("predict_s")
    getattr(puts, put)(connection, "scores", ids, p)
    clock.lap("write_s")


def by_inserts(connection, way, clock):
    """The writing alone."""
    rows, _ = records(connection, f"SELECT id, {COLUMNS} FROM large LIMIT {FEW[way]}")
    x = np.stack([rows[f"v{i}"] for i in range(1, 29)], axis=1).astype(np.float32)
    p = sigmoid(stored(connection, "scoring").predict(x))[:, 0].astype(float)
    clock.lap("import_s")
    getattr(puts, way)(connection, "scores", rows["v0"].astype(int), p)
    clock.lap("write_s")


def by_plpython(connection, way, clock):
    """A function that reads 10,000 rows at a time from a cursor, and answers them with NumPy."""
    network = stored(connection, "scoring")
    arrays = [[array.tolist() for array in arrays] for arrays in (network.kernels, network.biases)]
    packages = next(path for path in sys.path if path.endswith("site-packages"))
    cursor = connection.cursor()
    cursor.execute("CREATE EXTENSION IF NOT EXISTS plpython3u")
    cursor.execute("DROP FUNCTION IF EXISTS score")
    cursor.execute(
        f"""CREATE FUNCTION score(query text) RETURNS TABLE (id int, p float8) LANGUAGE plpython3u AS $python$
import sys
if {packages!r} not in sys.path:
    sys.path.append({packages!r})
import numpy as np
kernels, biases = [[np.array(a, np.float32) for a in arrays] for arrays in {arrays!r}]
names = ['f%d' % i for i in range(1, 29)]
rows = plpy.cursor(query)
while True:
    block = rows.fetch(10000)
    if not block:
        break
    x = np.array([[row[name] for name in names] for row in block], np.float32)
    x = np.maximum(x @ kernels[0] + biases[0], 0)
    x = np.maximum(x @ kernels[1] + biases[1], 0)
    p = 1 / (1 + np.exp(-(x @ kernels[2] + biases[2])[:, 0]))
    yield from zip([row['id'] for row in block], p.tolist())
$python$"""
    )
    cursor.execute(f"SELECT count(*) FROM score('SELECT id, {COLUMNS} FROM large LIMIT 1')")
    clock.lap("import_s")
    cursor.execute(f"INSERT INTO scores SELECT * FROM score('SELECT id, {COLUMNS} FROM large')")
    clock.lap("write_s")


def by_tablenet(connection, way, clock):
    cursor = connection.cursor()
    if way == "insert":
        cursor.execute(f"INSERT INTO scores SELECT id, {PREDICT} FROM large")
    else:
        cursor.execute("DROP TABLE scores")
        if way == "create_worker":
            one_worker(connection, f"SELECT id, {PREDICT} FROM large")
            clock.lap("import_s")
        cursor.execute(f"CREATE TABLE scores AS SELECT id, {PREDICT} AS p FROM large")
    clock.lap("write_s")


def one_worker(connection, query):
    """Has the planner take one parallel worker, whatever it thinks that this costs."""
    for setting in ("max_parallel_workers_per_gather = 1", "parallel_setup_cost = 0", "parallel_tuple_cost = 0"):
        connection.cursor().execute(f"SET {setting}")
    plan = str(ask(connection, f"EXPLAIN (FORMAT JSON) {query}"))
    if "'Workers Planned': 1" not in plan:
        raise RuntimeError("the planner took no worker")


def check(connection, rows):
    """The stored rows against the reference in NumPy: the largest error of about a thousand."""
    count = ask(connection, "SELECT count(p) FROM scores WHERE p BETWEEN 0 AND 1")
    if count != rows:
        raise RuntimeError(f"{count} of {rows} predictions were written")
    step = max(1, rows // 1000)
    cursor = connection.cursor()
    cursor.execute(f"SELECT p, {COLUMNS} FROM scores JOIN large USING (id) WHERE id % {step} = 0")
    sample = np.array(cursor.fetchall())
    reference = sigmoid(stored(connection, "scoring").predict(sample[:, 1:].astype(np.float32)))[:, 0]
    error = float(np.abs(reference - sample[:, 0]).max())
    if not error < 1e-3:
        raise RuntimeError(f"predictions differ from the reference by {error}")
    return error


def by_select(connection, way):
    """Only computes: the sum over all rows."""
    query = f"SELECT sum({PREDICT if way.startswith('sum') else ' + '.join(FEATURES)}) FROM large"
    if way.endswith("worker"):
        one_worker(connection, query)
    elif way == "sum_row":
        query = "SELECT sum(ml_predict('scoring', large)) FROM large"
    ask(connection, query.replace("FROM large", "FROM (SELECT * FROM large LIMIT 1) AS large"))
    begun = time.perf_counter()
    ask(connection, query)
    return time.perf_counter() - begun


def main(way):
    connection = connect()
    rows = ask(connection, "SELECT count(f1 + f28) FROM large")
    with Watch(pid(connection)) as watch:
        if way.startswith(("sum", "additions")):
            seconds = by_select(connection, way)
            emit(rows=rows, seconds=seconds, backend_mib=watch.peak_mib)
            return
        connection.cursor().execute("DROP TABLE IF EXISTS scores; CREATE TABLE scores (id int, p float8)")
        clock = Clock()
        kinds = {"create": by_tablenet, "create_worker": by_tablenet, "insert": by_tablenet, "plpython": by_plpython}
        kinds |= {"inserts": by_inserts, "pages": by_inserts}
        kinds.get(way, by_client)(connection, way, clock)
        parts = clock.parts
    import_s = parts.pop("import_s", 0.0)
    rows = FEW.get(way, rows)
    difference = check(connection, rows)
    connection.cursor().execute("DROP TABLE scores")
    emit(rows=rows, seconds=sum(parts.values()), import_s=import_s, difference=difference, backend_mib=watch.peak_mib, **parts)


main(sys.argv[1])
