"""The seed job as people run it today: read `seed`, train, predict all rows, write (id, p) into `predictions`.

usage: seed.py FLOW
"""

import sys

from backend import Clock, connect, connect_mariadb, emit, peak

# How each flow reads, trains and writes.
FLOWS = {
    "fetchall": ("fetchall", "keras", "inserts"),
    "csv": ("csv", "keras", "inserts"),
    "mariadb": ("fetchall", "keras", "inserts"),
    "tuned": ("binary", "keras_tuned", "binary"),
    "torch": ("binary", "torch_fused", "binary"),
    "numpy": ("binary", "numpy", "binary"),
}


def run(flow):
    pull, library, put = FLOWS[flow]
    clock = Clock()
    import put as puts
    from fit import LIBRARIES
    from pull import WAYS

    __import__(library.split("_")[0])
    clock.lap("import_s")
    connection = server(flow)
    rows = WAYS[pull](connection, "SELECT id, label, x1, x2 FROM seed")
    ids, y, x = rows[:, 0].astype(int), rows[:, 1:2].copy(), rows[:, 2:].copy()
    clock.lap("read_s")
    fitted = LIBRARIES[library](x, y, [64, 1], "mse", 32, 10, 1)
    clock.lap("train_s")
    p = fitted.predict(x)[:, 0].astype(float)
    clock.lap("predict_s")
    getattr(puts, put)(connection, "predictions", ids, p)
    clock.lap("write_s")
    if flow != "mariadb":
        clock.parts["backend_mib"] = peak(connection)
    emit(**clock.parts)


def server(flow):
    """A connection to the server that the flow works in."""
    return connect_mariadb() if "mariadb" in flow else connect()


def prepare(flow):
    """An empty table for the predictions."""
    connection = server(flow)
    cursor = connection.cursor()
    cursor.execute("DROP TABLE IF EXISTS predictions")
    cursor.execute("CREATE TABLE predictions (id int, p double precision)")
    connection.close()


def check(flow):
    """How many rows were written, and how far they are from the labels."""
    connection = server(flow)
    cursor = connection.cursor()
    cursor.execute("SELECT count(*), sqrt(avg((p - label) * (p - label))) FROM predictions JOIN seed USING (id)")
    rows, rmse = cursor.fetchone()
    connection.close()
    if rows != 10000:
        raise RuntimeError(f"{rows} of 10000 predictions were written")
    return {"rmse": float(rmse)}


if __name__ == "__main__":
    run(sys.argv[1])
