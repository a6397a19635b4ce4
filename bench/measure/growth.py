"""How time and memory grow with rows and with columns, under tablenet.work_mem = 64MB: read, one epoch, score.

usage: growth.py TABLE ROWS COLUMNS
Training is 64-64-1 on COLUMNS inputs at batch 1024. Each session first reads the rows once, untimed.
"""

import sys
import time

from backend import Watch, ask, connect, emit, pid
from training import LAYERS


def main(table, rows, columns):
    features = [f"f{i}" for i in range(1, columns + 1)]
    names = ", ".join(features)
    connection = connect()
    cursor = connection.cursor()
    source = f"(SELECT {names} FROM {table} LIMIT {rows}) AS source"
    if ask(connection, f"SELECT count({features[-1]}) FROM {source}") != rows:
        raise RuntimeError(f"{table} has fewer than {rows} rows")
    cursor.execute("SET tablenet.work_mem = '64MB'")
    with Watch(pid(connection)) as watch:
        cursor.execute(
            "SELECT seconds FROM ml_train('growth', %s, 'label', layers => %s, loss => 'binary_crossentropy',"
            " metrics => '{}', epochs => 1, batch_size => 1024, validation_split => 0)",
            (f"SELECT label, {names} FROM {table} LIMIT {rows}", LAYERS),
        )
        seconds = cursor.fetchone()[0]
    epoch = ask(connection, "SELECT sum(seconds) FROM ml_history('growth')")
    # The kernel remembers the peak of a process: scoring has one of its own.
    connection.close()
    connection = connect()
    ask(connection, f"SELECT count({features[-1]}) FROM {source}")
    begun = time.perf_counter()
    with Watch(pid(connection)) as scoring:
        # PostgreSQL takes 100 arguments at most; a whole row has no such limit.
        arguments = names if table == "growth" else "source"
        ask(connection, f"SELECT sum(ml_predict('growth', {arguments})) FROM {source}")
    score = time.perf_counter() - begun
    emit(
        rows=rows,
        columns=columns,
        read_us=(seconds - epoch) / rows * 1e6,
        epoch_us=epoch / rows * 1e6,
        score_us=score / rows * 1e6,
        backend_mib=watch.peak_mib,
        scoring_mib=scoring.peak_mib,
    )


main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
