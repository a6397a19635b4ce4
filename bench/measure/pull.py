"""The ways in which clients read a query into a float32 array: fetchall, COPY CSV and pandas, COPY BINARY and NumPy."""

import io

import numpy as np


def fetchall(connection, query):
    cursor = connection.cursor()
    cursor.execute(query)
    return np.array(cursor.fetchall(), dtype=np.float32)


def csv(connection, query):
    import pandas

    text = io.StringIO()
    connection.cursor().copy_expert(f"COPY ({query}) TO STDOUT (FORMAT csv, HEADER)", text)
    text.seek(0)
    return pandas.read_csv(text).to_numpy(np.float32)


# What PostgreSQL sends for its types of numbers, by oid.
SENT = {20: ">i8", 21: ">i2", 23: ">i4", 700: ">f4", 701: ">f8"}
HEADER, TRAILER = 19, 2


def records(connection, query):
    """The rows of COPY BINARY as a NumPy view with fields v0, v1, ...; every value is there and a number."""
    cursor = connection.cursor()
    cursor.execute(f"SELECT * FROM ({query}) AS q LIMIT 0")
    types = [SENT[column.type_code] for column in cursor.description]
    fields = [("columns", ">i2")]
    for i, sent in enumerate(types):
        fields += [(f"l{i}", ">i4"), (f"v{i}", sent)]
    row = np.dtype(fields)
    data = io.BytesIO()
    cursor.copy_expert(f"COPY ({query}) TO STDOUT (FORMAT binary)", data)
    rows, rest = divmod(data.tell() - HEADER - TRAILER, row.itemsize)
    if rest:
        raise ValueError("rows of different lengths: there are NULLs")
    return np.frombuffer(data.getbuffer(), row, count=rows, offset=HEADER), len(types)


def binary(connection, query):
    rows, columns = records(connection, query)
    array = np.empty((len(rows), columns), np.float32)
    for i in range(columns):
        array[:, i] = rows[f"v{i}"]
    return array


WAYS = {"fetchall": fetchall, "csv": csv, "binary": binary}


def split(array):
    """The target (rows, 1), which is the first column, and the features."""
    return array[:, :1], np.ascontiguousarray(array[:, 1:])
