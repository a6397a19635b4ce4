"""Connections to the benchmark's servers (libpq's variables say where), its large table, clocks, and the memory of processes."""

import json
import os
import threading
import time

FEATURES = [f"f{i}" for i in range(1, 29)]
COLUMNS = ", ".join(FEATURES)
LARGE = f"SELECT label, {COLUMNS} FROM large"


def connect():
    """A connection to PostgreSQL in which each statement commits by itself."""
    import psycopg2

    connection = psycopg2.connect("")
    connection.autocommit = True
    return connection


def connect_mariadb(database="bench"):
    import pymysql

    if not os.environ.get("BENCH_MARIADB"):
        raise RuntimeError("there is no MariaDB on this machine")
    return pymysql.connect(unix_socket=os.environ["BENCH_MARIADB"], user="root", database=database, local_infile=True)


def pid(connection):
    return connection.info.backend_pid


def ask(connection, query, answers=True):
    """The first value of the first row, if the query `answers` rows."""
    cursor = connection.cursor()
    cursor.execute(query)
    return cursor.fetchone()[0] if answers else None


def memory(pid):
    """The memory figures of a process in MiB, by the kernel's names; nothing once it has gone."""
    try:
        with open(f"/proc/{pid}/status") as lines:
            pairs = (line.split(":") for line in lines if line.startswith(("VmHWM", "Rss")))
            return {name: int(value.split()[0]) / 1024 for name, value in pairs}
    except (OSError, ValueError):
        return {}


class Watch:
    """The most memory of a process while the block runs, `peak_mib`, without PostgreSQL's shared buffers.

    The kernel's own peak counts them. The figure is the larger of that peak less the shared pages at that time, and of
    what was seen every few milliseconds; both can only be too low, and only by what came and went in between.
    """

    def __init__(self, pid):
        self.pid, self.peak_mib, self.ended = pid, 0.0, threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def look(self):
        now = memory(self.pid)
        if now:
            shared = now.get("RssShmem", 0.0)
            seen = now.get("RssAnon", 0.0) + now.get("RssFile", 0.0)
            self.peak_mib = max(self.peak_mib, seen, now.get("VmHWM", 0.0) - shared)

    def run(self):
        while not self.ended.wait(0.01):
            self.look()

    def __enter__(self):
        self.look()
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()
        self.look()


def peak(connection):
    """The peak memory of a connection's backend so far, in MiB."""
    watch = Watch(pid(connection))
    watch.look()
    return watch.peak_mib


class Clock:
    """Seconds of each part of a job: `lap(name)` ends a part."""

    def __init__(self):
        self.parts, self.last = {}, time.perf_counter()

    def lap(self, name):
        now = time.perf_counter()
        self.parts[name] = self.parts.get(name, 0.0) + now - self.last
        self.last = now


def emit(**figures):
    """Prints the result line that drive.py takes; `client_mib` is the peak memory of this process."""
    figures["client_mib"] = memory("self")["VmHWM"]
    print(json.dumps(figures, default=float), flush=True)
