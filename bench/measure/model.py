"""From nothing to a stored model: read 1M rows x 29, one epoch of 28-64-64-1 at batch 1024, store the model.

usage: model.py FLOW
"""

import os
import sys

from backend import LARGE, Clock, connect, emit, peak

FLOWS = {
    "fetchall": ("fetchall", "keras"),
    "csv": ("csv", "keras"),
    "binary": ("binary", "keras"),
    "tuned": ("binary", "keras_tuned"),
    "torch": ("binary", "torch_fused"),
    "numpy": ("binary", "numpy"),
}


def main(flow):
    pull, library = FLOWS[flow]
    clock = Clock()
    from fit import LIBRARIES
    from pull import WAYS, split

    __import__(library.split("_")[0])
    clock.lap("import_s")
    connection = connect()
    y, x = split(WAYS[pull](connection, LARGE))
    clock.lap("read_s")
    threads = int(os.environ["BENCH_CPUS"])
    fitted = LIBRARIES[library](x, y, [64, 64, 1], "bce", 1024, 1, threads)
    clock.lap("train_s")
    save(fitted.model, os.path.join(os.environ["BENCH_RUN"], "model"))
    clock.lap("store_s")
    emit(loss=fitted.losses[-1], rows=len(x), backend_mib=peak(connection), **clock.parts)


def save(model, path):
    if hasattr(model, "save"):
        model.save(path + ".keras")
    elif hasattr(model, "state_dict"):
        import torch

        torch.save(model.state_dict(), path + ".pt")
    else:
        import numpy as np

        np.savez(path, *model.kernels, *model.biases)


main(sys.argv[1])
