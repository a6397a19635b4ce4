"""Runs the jobs of one part in interleaved rounds (A B C A B C ...), each in a fresh process, and writes one JSON line per
run: what the job printed, its wall time from start to exit, the share of the CPUs that others took, or why it did not run.

usage: drive.py PART ROUNDS RESULTS
A job that failed is not tried again in later rounds.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time

from backend import Watch, connect
from quiet import Others
from work import PARTS

LIMIT = int(os.environ["BENCH_LIMIT"])


def environment(threads):
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    ours = {"PGOPTIONS": f"-c tablenet.threads={threads}"}
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "PYTHONWARNINGS": "ignore"}
    return os.environ | dict.fromkeys(names, threads) | ours | quiet


def checkpoint():
    """What earlier jobs wrote must not be written out while the next one runs."""
    connection = connect()
    connection.cursor().execute("CHECKPOINT")
    connection.close()


def execute(job):
    """Runs a job: the figures that it printed, and its wall time. The first line of psql is the backend to watch."""
    begun = time.perf_counter()
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            job.command, env=environment(job.threads), stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True
        )
        limit = threading.Timer(LIMIT, os.killpg, (process.pid, signal.SIGKILL))
        limit.start()
        try:
            output, figures = process.stdout.readline(), {}
            if job.command[0] == "psql":
                with Watch(output.strip() or "none") as backend, Watch(process.pid) as client:
                    output = process.stdout.read()
                figures = {"backend_mib": backend.peak_mib, "client_mib": client.peak_mib}
            else:
                output += process.stdout.read()
            process.wait()
            wall = time.perf_counter() - begun
        finally:
            limit.cancel()
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        errors.seek(0)
        said = [line.strip() for line in errors if line.strip()]
    if wall >= LIMIT:
        raise RuntimeError(f"it took more than {LIMIT} s")
    if process.returncode:
        raise RuntimeError(said[-1][:200] if said else f"exit status {process.returncode}")
    printed = [line for line in output.splitlines() if line.startswith("{")]
    return figures | (json.loads(printed[-1]) if printed else {}) | {"wall_s": wall}


def run(job):
    """Its figures, or why it did not run."""
    try:
        checkpoint()
        if job.prepare:
            job.prepare()
        others = Others(time.perf_counter)
        figures = execute(job)
        figures["others"] = others.share()
        return figures | (job.check() if job.check else {})
    except Exception as error:
        return {"error": (str(error).strip() or type(error).__name__).splitlines()[0]}


def stop(*_):
    raise SystemExit(1)


def main(part, rounds, results):
    signal.signal(signal.SIGTERM, stop)
    jobs = list(PARTS[part]())
    failed = set()
    with open(results, "w") as lines:
        for round in range(1, rounds + 1):
            for job in jobs:
                if job.name in failed:
                    continue
                figures = run(job)
                print(json.dumps({"job": job.name, "round": round, "at": time.time(), **figures}), file=lines, flush=True)
                if "error" in figures:
                    failed.add(job.name)
                    said = f"not run: {figures['error']}"
                else:
                    said = f"{figures['wall_s']:.2f} s"
                print(f"    {part} {round}/{rounds} {job.name}: {said}", file=sys.stderr, flush=True)


main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
