"""Reading the label and 28 features of every row of `large` into float32.

usage: reading.py WAY
WAY is one of pull.py; sum: a query that only visits the rows; tablenet: what ml_train needs besides its epoch. Every session first reads the table once, untimed.
"""

import sys
import time

from backend import LARGE, Watch, ask, connect, emit, pid

SUM = "SELECT sum(f1 + f28) FROM large"


def by_tablenet(connection, query):
    """All seconds of a training of the smallest network, less those of its only epoch: reading, learning the encoding,
    keeping the rows, storing the model."""
    cursor = connection.cursor()
    cursor.execute("SET tablenet.work_mem = '1GB'")
    cursor.execute(
        "SELECT seconds FROM ml_train('reading', %s, 'label', metrics => '{}', loss => 'binary_crossentropy', layers =>"
        ' \'[{"class_name": "Dense", "config": {"units": 1, "activation": "sigmoid"}}]\','
        " epochs => 1, batch_size => 4096, validation_split => 0)",
        (query,),
    )
    seconds = cursor.fetchone()[0]
    return seconds - ask(connection, "SELECT sum(seconds) FROM ml_history('reading')")


def main(way):
    connection = connect()
    ask(connection, SUM)
    rows = ask(connection, "SELECT count(*) FROM large")
    if way == "tablenet":
        with Watch(pid(connection)) as watch:
            seconds = by_tablenet(connection, LARGE)
    else:
        if way != "sum":
            from pull import WAYS
        with Watch(pid(connection)) as watch:
            begun = time.perf_counter()
            if way == "sum":
                ask(connection, SUM)
            else:
                array = WAYS[way](connection, LARGE)
                assert array.shape == (rows, 29)
            seconds = time.perf_counter() - begun
    emit(rows=rows, seconds=seconds, backend_mib=watch.peak_mib)


main(sys.argv[1])
