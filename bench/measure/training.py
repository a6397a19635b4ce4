"""Training 28-64-64-1 with Adam: microseconds per step of the second epoch, by batch size.

usage: training.py LIBRARY THREADS
LIBRARY is one of fit.py, or tablenet (rows in memory), or tablenet_file (rows beyond the default memory limit in a file).
"""

import os
import sys
import time

from backend import LARGE, Watch, connect, emit, pid

# The most rows by batch size: enough steps to time, few enough to wait for the slowest.
ROWS = {32: 100_000, 256: 256_000, 1024: 1_000_000, 4096: 1_000_000}
LAYERS = """[{"class_name": "Dense", "config": {"units": 64, "activation": "relu"}},
             {"class_name": "Dense", "config": {"units": 64, "activation": "relu"}},
             {"class_name": "Dense", "config": {"units": 1, "activation": "sigmoid"}}]"""


def whole_batches(batch):
    """Rows for a batch size: no step is shorter than the others."""
    return min(ROWS[batch], int(os.environ["BENCH_ROWS"])) // batch * batch


def result(batch, rows, losses, seconds):
    steps = rows // batch
    return {
        "rows": rows,
        "us_per_step": seconds[-1] / steps * 1e6,
        "samples_per_s": rows / seconds[-1],
        "first_epoch_s": seconds[0],
        "loss": losses[-1],
    }


def by_library(library, threads):
    begun = time.perf_counter()
    import numpy as np

    from fit import LIBRARIES, limit_threads

    limit_threads(library, threads)
    __import__(library.split("_")[0])
    import_s = time.perf_counter() - begun
    x, y = (np.load(os.path.join(os.environ["BENCH_RUN"], name)) for name in ("x.npy", "y.npy"))
    results = {}
    for batch in ROWS:
        rows = whole_batches(batch)
        fitted = LIBRARIES[library](x[:rows], y[:rows], [64, 64, 1], "bce", batch, 2, threads)
        results[batch] = result(batch, rows, fitted.losses, fitted.seconds)
    emit(batches=results, import_s=import_s)


def by_tablenet(in_file):
    connection = connect()
    cursor = connection.cursor()
    if not in_file:
        cursor.execute("SET tablenet.work_mem = '1GB'")
    results = {}
    with Watch(pid(connection)) as watch:
        for batch in ROWS:
            rows = whole_batches(batch)
            cursor.execute(
                "SELECT FROM ml_train('training', %s, 'label', layers => %s, loss => 'binary_crossentropy',"
                " optimizer => 'adam', metrics => '{}', epochs => 2, batch_size => %s, validation_split => 0)",
                (f"{LARGE} LIMIT {rows}", LAYERS, batch),
            )
            cursor.execute("SELECT loss, seconds FROM ml_history('training') ORDER BY epoch")
            losses, seconds = zip(*cursor.fetchall())
            results[batch] = result(batch, rows, losses, seconds)
    emit(batches=results, backend_mib=watch.peak_mib)


if __name__ == "__main__":
    library, threads = sys.argv[1], int(sys.argv[2])
    if library.startswith("tablenet"):
        by_tablenet(library == "tablenet_file")
    else:
        by_library(library, threads)
