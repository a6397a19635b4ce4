"""Copies what is needed outside PostgreSQL: `large` to NumPy files (for the training alone), `seed` and `large` to MariaDB."""

import os

import numpy as np

from backend import COLUMNS, FEATURES, LARGE, connect, connect_mariadb
from pull import binary, split

connection = connect()
y, x = split(binary(connection, LARGE))
for name, array in (("x.npy", x), ("y.npy", np.ascontiguousarray(y))):
    np.save(os.path.join(os.environ["BENCH_RUN"], name), array)
if os.environ.get("BENCH_MARIADB"):
    cursor = connection.cursor()
    cursor.execute("SELECT id, x1, x2, label FROM seed ORDER BY id")
    connect_mariadb(None).cursor().execute("CREATE DATABASE IF NOT EXISTS bench")
    mariadb = connect_mariadb()
    copy = mariadb.cursor()
    copy.execute("DROP TABLE IF EXISTS seed")
    copy.execute("CREATE TABLE seed (id int PRIMARY KEY, x1 double, x2 double, label double)")
    copy.executemany("INSERT INTO seed VALUES (%s, %s, %s, %s)", cursor.fetchall())
    mariadb.commit()
    # The types of PostgreSQL's table.
    types = ", ".join(f"{name} {'double' if place < 21 else 'float'}" for place, name in enumerate(FEATURES))
    copy.execute("DROP TABLE IF EXISTS large")
    copy.execute(f"CREATE TABLE large (id int PRIMARY KEY, label int, {types})")
    path = os.path.join(os.environ["BENCH_RUN"], "large.csv")
    with open(path, "w") as file:
        connection.cursor().copy_expert(f"COPY (SELECT id, label, {COLUMNS} FROM large ORDER BY id) TO STDOUT (FORMAT csv)", file)
    copy.execute(f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE large FIELDS TERMINATED BY ','")
    mariadb.commit()
    os.remove(path)
