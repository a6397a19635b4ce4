"""Prints, as JSON, on what the benchmark runs: the machine, the versions, the commit, the date.

usage: machine.py MODE
"""

import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import time

from backend import ask, connect

LIBRARIES = ("keras", "tensorflow-cpu", "torch", "scikit-learn", "numpy", "pandas", "psycopg2-binary", "PyMySQL")
EXTENSIONS = ("avx2", "fma", "avx512f", "avx512_bf16", "amx_tile", "asimd", "sve")


def output(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def version(library):
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return None


def described(path, key):
    """The first value of `key : value` in a file of /proc."""
    with open(path) as lines:
        return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(key)), "")


def main(mode):
    connection = connect()
    flags = described("/proc/cpuinfo", "flags").split() or described("/proc/cpuinfo", "Features").split()
    sources = ("src", "Cargo.lock", "Cargo.toml")
    changed = output("git", "status", "--porcelain", "--", *sources)
    print(
        json.dumps(
            {
                "mode": mode,
                "date": time.strftime("%Y-%m-%d", time.gmtime()),
                "cpu": described("/proc/cpuinfo", "model name") or platform.machine(),
                "cpus": int(os.environ["BENCH_CPUS"]),
                "extensions": [name for name in EXTENSIONS if name in flags],
                "memory_gib": int(described("/proc/meminfo", "MemTotal").split()[0]) / 2**20,
                "kernel": platform.release(),
                "system": platform.freedesktop_os_release().get("PRETTY_NAME", platform.system()),
                "tablenet": ask(connection, "SELECT ml_version()"),
                "commit": output("git", "rev-parse", "--short=12", "HEAD") + (" with changes" if changed else ""),
                "rust": output("rustc", "--version"),
                "postgresql": ask(connection, "SHOW server_version"),
                "shared_buffers": ask(connection, "SHOW shared_buffers"),
                "mariadb": output("mariadbd", "--version").partition("Ver ")[2].split(" ")[0] or None,
                "python": platform.python_version(),
                "libraries": {library: version(library) for library in LIBRARIES},
                "rows": int(os.environ["BENCH_ROWS"]),
            }
        )
    )


main(sys.argv[1])
