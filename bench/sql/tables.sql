-- The tables of the benchmark, the same on every machine. Variables: rows (of large), growth (of growth, the longest).
\set ON_ERROR_STOP on
SET max_parallel_workers_per_gather = 0; -- the order of random() has to be the same
SET statement_timeout = 0;
SET synchronous_commit = off;
CREATE EXTENSION IF NOT EXISTS tablenet;
DROP TABLE IF EXISTS seed, large, growth, series, words;

-- The seed job: two features and a smooth target.
SELECT setseed(0.42);
CREATE TABLE seed AS
SELECT id, x1, x2, 3 * x1 - 2 * x2 + 0.5 * x1 * x2 + 0.1 * (random() - 0.5) AS label
  FROM (SELECT id, 2 * random() - 1 AS x1, 2 * random() - 1 AS x2 FROM generate_series(1, 10000) AS id OFFSET 0) AS raw;
ALTER TABLE seed ADD PRIMARY KEY (id);

-- HIGGS's shape: 21 measured features (double precision), 7 derived from them (real), a label of 0 or 1. Mean 0, deviation about 1.
SELECT setseed(0.42);
SELECT format($$
    CREATE TABLE large AS
    SELECT id, %1$s, f22::real, f23::real, f24::real, f25::real, f26::real, f27::real, f28::real,
           (1.2 * f1 * f2 - 0.9 * f3 * f3 + 0.8 * sin(2 * f4) + abs(f5) - 0.7 * f6 * f7 + 0.6 * f8 + 0.5 * f22 - 0.4 * f23 * f24
            + 0.5 * (random() - 0.5) > 0.1)::int AS label
      FROM (SELECT *, sqrt(f1 * f1 + f2 * f2) AS f22, f3 * f4 AS f23, f5 * f6 AS f24, (f7 + f8) / 2 AS f25, f9 * f10 AS f26,
                   f11 - f12 AS f27, f13 * f14 AS f28
              FROM (SELECT id, %2$s FROM generate_series(1, %3$s) AS id OFFSET 0) AS drawn OFFSET 0) AS raw
$$, string_agg('f' || i, ', '), string_agg('2 * (random() + random() + random()) - 3 AS f' || i, ', '), :rows)
  FROM generate_series(1, 21) AS i \gexec
ALTER TABLE large ADD PRIMARY KEY (id);

-- 28 real features, for the growth with the number of rows: a prefix of this table each. Drawing a million rows takes long
-- enough; what is longer repeats them.
SELECT setseed(0.42);
SELECT format($$
    CREATE UNLOGGED TABLE growth AS
    SELECT *, (f1 * f2 + f3 - f4 > 0)::int AS label FROM (SELECT %s FROM generate_series(1, %s) AS id OFFSET 0) AS raw
$$, string_agg('(4 * random() - 2)::real AS f' || i, ', '), least(:growth, 1000000))
  FROM generate_series(1, 28) AS i \gexec
INSERT INTO growth SELECT growth.* FROM generate_series(2, :growth / 1000000), growth;

-- Rows of 24 steps: a wave with noise and what comes next, and words of a vocabulary of 1,000 with a number that hangs on them.
SELECT setseed(0.42);
CREATE TABLE series AS
SELECT array_agg((sin((row + step) / 3.8) + (random() - 0.5) / 5)::real ORDER BY step) AS x, sin((row + 24) / 3.8) AS y
  FROM (SELECT row, step FROM generate_series(1, 10000) AS row, generate_series(0, 23) AS step ORDER BY row, step OFFSET 0) AS raw
 GROUP BY row;
CREATE TABLE words AS
SELECT x, (SELECT avg((word * 7) % 20) FROM unnest(x) AS word) AS y
  FROM (SELECT array_agg((999 * random())::int ORDER BY step) AS x
          FROM (SELECT row, step FROM generate_series(1, 10000) AS row, generate_series(0, 23) AS step ORDER BY row, step OFFSET 0) AS raw
         GROUP BY row) AS drawn;

VACUUM (FREEZE, ANALYZE) seed, large, growth, series, words;
CHECKPOINT;
