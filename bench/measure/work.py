"""What is measured, part by part: the name of each job and its command. Names are those of report.py."""

import os
import shutil
import sys
from typing import NamedTuple

import seed as seed_job

HERE = os.path.dirname(os.path.abspath(__file__))
CPUS = os.environ["BENCH_CPUS"]


class Job(NamedTuple):
    """`threads` is what the libraries and tablenet.threads are set to; `prepare` and `check` run before and after, outside the time."""

    name: str
    command: list
    threads: str = CPUS
    prepare: object = None
    check: object = None


def python(script, *arguments):
    return [sys.executable, os.path.join(HERE, f"{script}.py"), *map(str, arguments)]


def psql(script, **variables):
    settings = [word for name, value in variables.items() for word in ("-v", f"{name}={value}")]
    return ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", *settings, "-f", os.path.join(HERE, "..", "sql", script)]


def mariadb(script):
    """A script in the client of MariaDB's server, which may be called mysql."""
    client = shutil.which("mariadb") or "mysql"
    path = os.path.join(HERE, "..", "sql", script)
    return [client, "--no-defaults", "-S", os.environ["BENCH_MARIADB"] or "none", "-uroot", "-N", "bench", "-e", f"source {path}"]


def seed():
    for flow in seed_job.FLOWS:
        hooks = (lambda flow=flow: seed_job.prepare(flow), lambda flow=flow: seed_job.check(flow))
        yield Job(flow, python("seed", flow), CPUS, *hooks)
    hooks = (lambda: seed_job.prepare("tablenet"), lambda: seed_job.check("tablenet"))
    yield Job("tablenet", psql("seed.sql"), CPUS, *hooks)
    hooks = (lambda: seed_job.prepare("tablenet_mariadb"), lambda: seed_job.check("tablenet_mariadb"))
    yield Job("tablenet_mariadb", mariadb("seed_mariadb.sql"), CPUS, *hooks)


def model():
    for flow in ("fetchall", "csv", "binary", "tuned", "torch", "numpy"):
        yield Job(flow, python("model", flow))
    for name, memory in (("tablenet", "1GB"), ("tablenet_file", "64MB")):
        yield Job(name, psql("model.sql", memory=memory))


def training():
    libraries = ("keras", "keras_tuned", "torch", "torch_fused", "torch_compiled", "sklearn", "numpy")
    for threads in dict.fromkeys(("1", CPUS)):
        for library in (*libraries, "tablenet", "tablenet_file"):
            # It compiles for half a minute, and does not gain with one thread.
            if library == "torch_compiled" and threads != CPUS:
                continue
            yield Job(f"{library}/{threads}", python("training", library, threads), threads)
        if threads == "1":
            yield Job("core/1", python("core", os.environ["BENCH_CORE"]), threads)


def layers():
    for threads in dict.fromkeys(("1", CPUS)):
        for library in ("keras", "torch", "tablenet"):
            yield Job(f"{library}/{threads}", python("layers", library, threads), threads)


def scoring():
    clients = ("keras_fetchall", "keras_binary", "numpy_binary", "inserts", "pages", "plpython")
    selects = ("additions", "sum", "sum_row", "additions_worker", "sum_worker")
    for way in (*clients, "insert", "create", "create_worker", *selects):
        yield Job(way, python("scoring", way))


def reading():
    for way in ("fetchall", "csv", "binary", "sum"):
        yield Job(way, python("reading", way))
    for threads in dict.fromkeys(("1", CPUS)):
        yield Job(f"tablenet/{threads}", python("reading", "tablenet"), threads)


def growth():
    for rows in os.environ["BENCH_GROWTH"].split():
        yield Job(f"rows/{rows}", python("growth", "growth", rows, 28), "1")
    for width in os.environ["BENCH_WIDTHS"].split():
        rows = int(os.environ["BENCH_CELLS"]) // int(width)
        yield Job(f"columns/{width}", python("growth", f"width_{width}", rows, width), "1")


def inside_mariadb():
    for way in ("fetchall", "sum", "train", "additions", "predict"):
        yield Job(way, python("mariadb", way))


PARTS = {"a": seed, "b": training, "l": layers, "c": scoring, "d": reading, "f": growth, "g": model, "m": inside_mariadb}
