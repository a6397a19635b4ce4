"""Microseconds per training step of the core alone, one thread, no database: its criterion benchmark (bench/core)."""

import json
import os
import subprocess
import sys
import tempfile

from backend import emit
from training import ROWS


def main(program):
    if not program:
        raise RuntimeError("the benchmark of the core was not built")
    results = {}
    with tempfile.TemporaryDirectory() as directory:
        for batch in ROWS:
            subprocess.run(
                [program, "--bench", "--noplot", "--warm-up-time", "0.5", "--measurement-time", "1", f"28-64-64-1/{batch}$"],
                env=os.environ | {"CRITERION_HOME": directory},
                stdout=subprocess.DEVNULL,
                check=True,
            )
            with open(os.path.join(directory, "step", "28-64-64-1", str(batch), "new", "estimates.json")) as file:
                nanoseconds = json.load(file)["median"]["point_estimate"]
            results[batch] = {"us_per_step": nanoseconds / 1e3, "samples_per_s": batch / nanoseconds * 1e9}
    emit(batches=results)


main(sys.argv[1])
