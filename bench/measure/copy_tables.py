"""Copies what peers need outside PostgreSQL: `large` to NumPy files (for the training alone), `seed` to MariaDB."""

import os

import numpy as np

from backend import LARGE, connect, connect_mariadb
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
