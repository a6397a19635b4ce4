"""Writes the report from the results, as Markdown. usage: report.py RESULTS > benchmarks.md"""

import json
import os
import statistics
import sys
from collections import defaultdict

PEERS = {
    "seed": {
        "fetchall": "psycopg2 `fetchall`, Keras, INSERTs",
        "csv": "COPY CSV, pandas, Keras, INSERTs",
        "mariadb": "MariaDB: pymysql, Keras, INSERTs",
        "tuned": "COPY BINARY, Keras with `steps_per_execution=50`, COPY BINARY",
        "torch": "COPY BINARY, PyTorch with fused Adam, COPY BINARY",
        "numpy": "COPY BINARY, NumPy by hand, COPY BINARY",
        "tablenet_mariadb": "**tablenet in MariaDB**",
    },
    "mariadb": {
        "fetchall": "pymysql `fetchall`, into float32",
        "sum": "`SELECT sum(f1 + ... + f28 + label)`: what the scan costs",
        "train": "**`ml_train_agg` besides its epoch**: reading, learning the encoding, keeping the rows",
        "additions": "`SELECT sum(f1 + ... + f28)`: what the scan costs",
        "predict": "**`SELECT sum(ml_predict(ref, f1, ..., f28))`**, 28-64-64-1",
    },
    "model": {
        "fetchall": "psycopg2 `fetchall`, Keras",
        "csv": "COPY CSV, pandas, Keras",
        "binary": "COPY BINARY, Keras",
        "tuned": "COPY BINARY, Keras with `steps_per_execution=50`",
        "torch": "COPY BINARY, PyTorch with fused Adam",
        "numpy": "COPY BINARY, NumPy by hand",
        "tablenet": "**tablenet, `tablenet.work_mem = 1GB`**",
        "tablenet_file": "**tablenet, default memory**",
    },
    "training": {
        "keras": "Keras",
        "keras_tuned": "Keras, `steps_per_execution=50`",
        "torch": "PyTorch",
        "torch_fused": "PyTorch, fused Adam",
        "torch_compiled": "PyTorch, fused Adam, compiled",
        "sklearn": "scikit-learn",
        "numpy": "NumPy by hand",
        "tablenet": "**tablenet, `tablenet.work_mem = 1GB`**",
        "tablenet_file": "**tablenet, default memory**",
        "core": "tablenet's core alone, no database (mean squared error)",
    },
    "layers": {"keras": "Keras", "torch": "PyTorch, fused Adam", "tablenet": "**tablenet**"},
    "scoring": {
        "keras_fetchall": "psycopg2 `fetchall`, Keras, COPY text",
        "keras_binary": "COPY BINARY, Keras, COPY BINARY",
        "numpy_binary": "COPY BINARY, NumPy by hand, COPY BINARY",
        "inserts": "the writing alone: one INSERT per row",
        "pages": "the writing alone: 1,000 rows per INSERT",
        "plpython": "PL/Python with NumPy, 10,000 rows at a time",
        "insert": "**tablenet**, `INSERT ... SELECT`",
        "create": "**tablenet**, `CREATE TABLE AS`",
        "create_worker": "**tablenet**, `CREATE TABLE AS`, one parallel worker",
    },
    "selects": {
        "additions": "`f1 + ... + f28`, what the scan costs",
        "sum": "`ml_predict` of 28 values",
        "sum_row": "`ml_predict` of the whole row",
        "additions_worker": "`f1 + ... + f28`, one parallel worker",
        "sum_worker": "`ml_predict` of 28 values, one parallel worker",
    },
    "reading": {
        "fetchall": "psycopg2 `fetchall`",
        "csv": "COPY CSV, pandas",
        "binary": "COPY BINARY, NumPy",
        "sum": "`SELECT sum(f1 + f28)`: a query that only visits the rows",
    },
}


class Results:
    """The runs of one part by job, in the order of the jobs; `why` of those that did not run."""

    def __init__(self, directory, part):
        self.runs, self.why = defaultdict(list), {}
        path = os.path.join(directory, f"{part}.jsonl")
        lines = [json.loads(line) for line in open(path)] if os.path.exists(path) else []
        for line in lines:
            if "error" in line:
                self.why[line["job"]] = line["error"]
            else:
                self.runs[line["job"]].append(line)
        self.jobs = list(dict.fromkeys(line["job"] for line in lines))
        self.rounds = max((line["round"] for line in lines), default=0)
        self.others = [line["others"] for line in lines if "others" in line]

    def values(self, job, *path):
        """One figure of every run: a key, or a path of keys."""
        found = []
        for run in self.runs.get(job, []):
            for key in path:
                run = run.get(key) if isinstance(run, dict) else None
            if run is not None:
                found.append(run)
        return found

    def median(self, job, *path):
        values = self.values(job, *path)
        return statistics.median(values) if values else None


def number(value, digits=3):
    """Three digits that count."""
    if value is None:
        return "–"
    if value == 0 or abs(value) >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    decimals = digits - 1
    size = abs(value)
    while size < 1 and decimals < 6:
        size, decimals = size * 10, decimals + 1
    return f"{value:.{decimals - (1 if abs(value) >= 10 else 0)}f}"


def spread(values, scale=1.0):
    """median (min–max)"""
    if not values:
        return "–"
    values = [value * scale for value in values]
    text = number(statistics.median(values))
    return text if len(values) == 1 else f"{text} ({number(min(values))}–{number(max(values))})"


def ratio(value, ours):
    return "–" if not value or not ours else f"{number(value / ours, 2)} x"


def table(head, rows):
    print("\n| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(row) + " |")


def memory(results, job):
    """Client and backend."""
    figures = [results.median(job, key) for key in ("client_mib", "backend_mib")]
    return " + ".join("–" if figure is None else number(figure) for figure in figures)


def jobs(results, labels, head, cells):
    """One row per job: its label, then its cells, or why it did not run."""
    rows = []
    for job in results.jobs:
        label = labels.get(job, "**tablenet**" if job == "tablenet" else job)
        if job in labels or job == "tablenet":
            why = results.why.get(job)
            told = [f"not run: {why}"] + [""] * (len(head) - 2)
            rows.append([label, *(told if why else cells(job))])
    table(head, rows)


def flows(results, labels, quality, name):
    """Jobs from start to exit, with their parts."""
    ours = results.median("tablenet", "wall_s")
    parts = ("import_s", "read_s", "train_s", "predict_s", "write_s", "store_s")
    parts = [part for part in parts if any(results.values(job, part) for job in results.jobs)]
    head = ["way", "s, start to exit", "times tablenet's"]
    head += [part[:-2].replace("import", "imports") for part in parts] + [name, "memory, MiB"]

    def cells(job):
        wall = results.values(job, "wall_s")
        return [
            spread(wall),
            ratio(results.median(job, "wall_s"), ours),
            *(number(results.median(job, part)) for part in parts),
            number(results.median(job, quality)),
            memory(results, job),
        ]

    jobs(results, labels, head, cells)


def training(results):
    batches = ["32", "256", "1024", "4096"]
    counts = list(dict.fromkeys(job.split("/")[1] for job in results.jobs))
    rows = {b: next((v[0] for job in results.jobs if (v := results.values(job, "batches", b, "rows"))), 0) for b in batches}
    print("\nRows: " + ", ".join(f"{rows[b]:,} at batch {b}" for b in batches) + ".")
    for threads in counts:
        print(f"\n### Microseconds per step, {'one thread' if threads == '1' else threads + ' threads'}")
        lines = []
        for library, label in PEERS["training"].items():
            job = f"{library}/{threads}"
            if job in results.why:
                lines.append([label, f"not run: {results.why[job]}", "", "", ""])
            elif job in results.runs:
                cells = []
                for b in batches:
                    ours = results.median(f"tablenet/{threads}", "batches", b, "us_per_step")
                    values = results.values(job, "batches", b, "us_per_step")
                    times = "" if library == "tablenet" else f", {ratio(statistics.median(values), ours)}"
                    cells.append(spread(values) + times)
                lines.append([label, *cells])
        table(["library", *(f"batch {b}" for b in batches)], lines)
    print("\n### Thousand samples per second, loss of the second epoch, what the first epoch took more at batch 1024, memory")
    lines = []
    for threads in counts:
        for library, label in PEERS["training"].items():
            job = f"{library}/{threads}"
            if job in results.runs:
                speed = [number((results.median(job, "batches", b, "samples_per_s") or 0) / 1e3) for b in batches]
                loss = [number(results.median(job, "batches", b, "loss")) for b in batches]
                first = results.median(job, "batches", "1024", "first_epoch_s")
                steps = rows["1024"] / 1024
                second = (results.median(job, "batches", "1024", "us_per_step") or 0) * steps / 1e6
                extra = "–" if first is None else number(max(0.0, first - second), 2)
                lines.append([label, threads, " / ".join(speed), " / ".join(loss), extra, memory(results, job)])
    sizes = " / ".join(batches)
    table(["library", "threads", f"samples, batch {sizes}", f"loss, batch {sizes}", "first epoch longer by, s", "memory, MiB"], lines)


def layers(results):
    counts = list(dict.fromkeys(job.split("/")[1] for job in results.jobs))
    libraries = [library for library in PEERS["layers"] if any(job.startswith(f"{library}/") for job in results.jobs)]
    for threads in counts:
        print(f"\n### {'One thread' if threads == '1' else threads + ' threads'}")
        ours = f"tablenet/{threads}"
        networks = dict.fromkeys(name for run in results.runs.get(ours, []) for name in run["networks"])
        lines = []
        for network in networks:
            name, batch = network.split("/")
            cells, losses = [], []
            for library in libraries:
                job = f"{library}/{threads}"
                values = results.values(job, "networks", network, "seconds")
                times = results.median(ours, "networks", network, "seconds") if library != "tablenet" else None
                cells.append(spread(values) + (f", {ratio(statistics.median(values), times)}" if values and times else ""))
                losses.append(number(results.median(job, "networks", network, "loss")))
            lines.append([name, batch, *cells, " / ".join(losses)])
        table(["network", "batch", *(PEERS["layers"][library] for library in libraries), "loss"], lines)
        peaks = [f"{PEERS['layers'][library]} {memory(results, f'{library}/{threads}')}" for library in libraries]
        print("\nMemory, MiB: " + ", ".join(peaks) + ".")
    for job, why in results.why.items():
        print(f"\n{job}: not run: {why}")


def reading(results):
    best = [job for job in results.jobs if job.startswith("tablenet/")]
    times = {job: results.median(job, "seconds") for job in best}
    ours = min((value for value in times.values() if value), default=None)
    labels = PEERS["reading"] | {
        job: f"**`ml_train` besides its epoch**, {job.split('/')[1]} thread(s)" for job in best
    }

    def cells(job):
        rows, seconds = results.median(job, "rows") or 0, results.median(job, "seconds")
        speed = number(rows / seconds / 1e6)
        return [spread(results.values(job, "seconds")), ratio(seconds, ours), speed, memory(results, job)]

    jobs(results, labels, ["way", "s", "times tablenet's", "million rows/s", "memory, MiB"], cells)


def scoring(results):
    rows, ours = results.median("create", "rows"), results.median("create", "seconds")
    per = ours / rows if rows else None
    head = ["way", "rows", "s", "s per million", "times tablenet's", "imports", "read", "predict", "write", "memory, MiB"]

    def cells(job):
        rows, seconds = results.median(job, "rows"), results.median(job, "seconds")
        parts = [number(results.median(job, part)) for part in ("import_s", "read_s", "predict_s", "write_s")]
        million = number(seconds / rows * 1e6)
        return [f"{rows:,.0f}", spread(results.values(job, "seconds")), million, ratio(seconds / rows, per), *parts, memory(results, job)]

    jobs(results, PEERS["scoring"], head, cells)
    errors = [error for job in results.jobs for error in results.values(job, "difference")]
    if errors:
        print(f"\nThe largest difference of any checked prediction from the reference was {max(errors):.1e}.")
    print("\n### Only computing: `SELECT sum(...)`")

    def selects(job):
        rows, seconds = results.median(job, "rows"), results.median(job, "seconds")
        return [spread(results.values(job, "seconds")), number(seconds / rows * 1e6), memory(results, job)]

    jobs(results, PEERS["selects"], ["query", "s", "us per row", "memory, MiB"], selects)


def inside_mariadb(results):
    def cells(job):
        rows, seconds = results.median(job, "rows") or 0, results.median(job, "seconds")
        base = results.median("additions" if job in ("additions", "predict") else "sum", "seconds")
        return [spread(results.values(job, "seconds")), ratio(seconds, base), number(rows / seconds / 1e6)]

    jobs(results, PEERS["mariadb"], ["way", "s", "times the sum of its columns", "million rows/s"], cells)


def growth(results):
    for kind, first in (("rows", "rows"), ("columns", "columns")):
        chosen = [job for job in results.jobs if job.startswith(kind)]
        print(f"\n### More {kind}")
        lines = []
        for job in chosen:
            if job in results.why:
                lines.append([job, f"not run: {results.why[job]}"] + [""] * 6)
                continue
            rows, columns = int(results.median(job, "rows")), int(results.median(job, "columns"))
            times = [spread(results.values(job, key)) for key in ("read_us", "epoch_us", "score_us")]
            peaks = [spread(results.values(job, key)) for key in ("backend_mib", "scoring_mib")]
            cell = sum(results.median(job, key) for key in ("read_us", "epoch_us", "score_us")) / columns * 1e3
            lines.append([f"{rows:,}", str(columns), *times, number(cell), *peaks])
        head = ["rows", "columns", "read, us per row", "epoch, us per row", "score, us per row"]
        table([*head, "all three, ns per cell", "training, MiB", "scoring, MiB"], lines)


def heading(machine, parts):
    versions = ", ".join(f"{name} {version or 'missing'}" for name, version in machine["libraries"].items())
    others = [share for results in parts.values() for share in results.others]
    rounds = sorted({results.rounds for results in parts.values() if results.jobs})
    busy = statistics.median(others) > 0.05 if others else False
    quick = " This was a quick run with fewer rows: its ratios are not the real ones." if machine["mode"] == "quick" else ""
    warning = "\n**The machine was busy with other work while this was measured: no figure here is what it would be alone.**\n"
    print(
        f"""# Benchmarks

tablenet and what people use instead, on the same tables and the same machine. `make bench` measured and wrote this page whole;
it runs on any Debian or Ubuntu, on yours too.{quick}
{warning if busy else ""}
| | |
|---|---|
| date | {machine["date"]}, {" or ".join(map(str, rounds))} round(s) |
| machine | {machine["cpu"]}, {machine["cpus"]} CPUs ({", ".join(machine["extensions"])}), {machine["memory_gib"]:.0f} GiB; {machine["system"]}, kernel {machine["kernel"]} |
| other processes took | {spread(others, 100)} % of the CPUs during a run |
| tablenet | {machine["tablenet"]}, commit {machine["commit"]}, {machine["rust"]} |
| servers | PostgreSQL {machine["postgresql"]}, shared_buffers {machine["shared_buffers"]}, jit off; MariaDB {machine["mariadb"] or "missing"} |
| clients | Python {machine["python"]}, {versions} |

How to read it:

- A figure is the median of the rounds (smallest–largest). In each round every way runs once, in a process of its own, before any runs
  again: what disturbs the machine disturbs all. A figure with x, or under "times tablenet's", is the time divided by tablenet's.
- All do the same work: the same rows, network, batch size, optimizer (Adam, 0.001, float32) and number of epochs; the loss they
  reached, or the error of what they wrote, stands beside the time.
- The servers are durable as they come (fsync, write-ahead log), with autovacuum off and a checkpoint before every run. Tables are in the cache.
  Clients connect over a Unix socket, which spares them a network.
- Memory is the peak of the client process + that of the backend without PostgreSQL's shared buffers; – where it was not measured.
  Threads are set to the number of CPUs unless the table says otherwise."""
    )


SECTIONS = [
    (
        "a",
        "The seed job",
        "10,000 rows of 2 features: read, train Dense 64 relu and Dense 1 for 10 epochs at batch 32 (mean squared error), predict all rows,"
        " write the predictions back. From the start of the process (Python's, or psql's) to its exit. The first three are what people"
        " write, the next three the best that could be made of each library. RMSE is that of the predictions in the table.",
        lambda results: flows(results, PEERS["seed"], "rmse", "RMSE"),
    ),
    (
        "g",
        "From nothing to a stored model",
        "All rows of a table of 28 features and a label of 0 or 1, one epoch of 28-64-64-1 at batch 1024 (cross-entropy), the model stored:"
        " in a file by the clients, in the database, durably, by tablenet; once with 1 GB of memory, once with the default of 64 MB, where"
        " rows beyond it go to a file. From the start of the process to its exit.",
        lambda results: flows(results, PEERS["model"], "loss", "loss"),
    ),
    (
        "b",
        "Training",
        "28-64-64-1 (relu, cross-entropy), the second of two epochs, rows shuffled in each. The libraries train on arrays in memory;"
        " tablenet is measured inside PostgreSQL, by what `ml_history` says of the epoch, once with 1 GB of memory and once with the"
        " default of 64 MB, where rows beyond it are read from a file in every epoch.",
        training,
    ),
    (
        "l",
        "Other layers",
        "10,000 rows of 24 numbers, or of 24 words of 1,000, mean squared error: seconds of the second of two epochs, rows shuffled in each. SimpleRNN,"
        " LSTM, GRU and a Bidirectional LSTM of 32 units; two Conv1D (32 and 64 filters of 3) with MaxPooling1D between them; Dense 64 twice with a"
        " BatchNormalization behind each; an Embedding of 32 with GlobalAveragePooling1D and Dense 64; then Dense 1. The libraries train on arrays in memory, tablenet"
        " on the table. Its target is standardised inside, so that its loss is in other units.",
        layers,
    ),
    (
        "d",
        "Reading",
        "The label and 28 features (21 double precision, 7 real) of every row, into float32. tablenet's figure is all that `ml_train` does"
        " besides its epoch, for a network of one unit: reading, learning how to encode, keeping the rows, and storing the model."
        " The sum is what the server itself needs to visit every row up to its last column.",
        reading,
    ),
    (
        "c",
        "Scoring into a table",
        "Every row through 28-64-64-1, (id, p) into a table. All ways compute the same model, and about a thousand rows of each result are"
        " compared with a reference computed in NumPy from the stored weights. Imports stand apart from the time.",
        scoring,
    ),
    (
        "m",
        "Inside MariaDB",
        "The table of reading and scoring, in MariaDB: every row to a training of one unit, or through 28-64-64-1, beside the sum of the"
        " same columns. The loadable functions keep `work_mem` at its default of 64 MB.",
        inside_mariadb,
    ),
    (
        "f",
        "Growth",
        "Time per row and peak memory of the backend, as rows or columns become more, with `tablenet.work_mem = 64MB` and one thread: reading and"
        " encoding, one epoch of 64-64-1 at batch 1024, and `SELECT sum(ml_predict(...))`. Real columns. With more columns there are fewer"
        " rows, so that all tables have the same number of cells; these are scored as whole rows.",
        growth,
    ),
]


def main(directory):
    with open(os.path.join(directory, "machine.json")) as file:
        machine = json.load(file)
    parts = {part: Results(directory, part) for part, *_ in SECTIONS}
    heading(machine, parts)
    for part, title, text, show in SECTIONS:
        if parts[part].jobs:
            print(f"\n## {title}\n\n{text}")
            show(parts[part])
    print(
        """
## Measure it yourself

```sh
make bench                                # everything; writes this page
BENCH=quick make bench                    # a tenth of the rows, one round; writes target/bench/benchmarks.md
KEEP=1 BENCH_PARTS="c d" make bench       # single parts, keeping tables and results for the next time
```

[bench/run](../bench/run) says what it installs and starts; the ways are in [bench/measure/work.py](../bench/measure/work.py)."""
    )


main(sys.argv[1])
