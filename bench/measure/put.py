"""The ways in which clients write (id, p) back: INSERT by INSERT, many rows per INSERT, COPY of text and of binary."""

import io

import numpy as np


def inserts(connection, table, ids, p):
    """One INSERT per row, in one transaction. Works with MariaDB too."""
    cursor = connection.cursor()
    cursor.execute("BEGIN")
    for key, value in zip(ids.tolist(), p.tolist()):
        cursor.execute(f"INSERT INTO {table} (id, p) VALUES (%s, %s)", (key, value))
    cursor.execute("COMMIT")


def pages(connection, table, ids, p):
    """1000 rows per INSERT, in one transaction."""
    from psycopg2.extras import execute_values

    cursor = connection.cursor()
    cursor.execute("BEGIN")
    execute_values(cursor, f"INSERT INTO {table} (id, p) VALUES %s", zip(ids.tolist(), p.tolist()), page_size=1000)
    cursor.execute("COMMIT")


def text(connection, table, ids, p):
    lines = io.StringIO("".join(f"{key}\t{value}\n" for key, value in zip(ids.tolist(), p.tolist())))
    connection.cursor().copy_from(lines, table, columns=("id", "p"))


def binary(connection, table, ids, p):
    row = np.dtype([("columns", ">i2"), ("l0", ">i4"), ("id", ">i4"), ("l1", ">i4"), ("p", ">f8")])
    rows = np.empty(len(ids), row)
    rows["columns"], rows["l0"], rows["l1"], rows["id"], rows["p"] = 2, 4, 8, ids, p
    data = io.BytesIO(b"PGCOPY\n\xff\r\n\0" + bytes(8) + rows.tobytes() + b"\xff\xff")
    connection.cursor().copy_expert(f"COPY {table} (id, p) FROM STDIN (FORMAT binary)", data)
