-- One table of the growth with the number of columns. Variables: rows, width.
\set ON_ERROR_STOP on
SET max_parallel_workers_per_gather = 0;
SET statement_timeout = 0;
SELECT setseed(0.42);
SELECT format($$
    CREATE UNLOGGED TABLE IF NOT EXISTS width_%1$s AS
    SELECT *, (f1 * f2 + f3 - f4 > 0)::int AS label FROM (SELECT %2$s FROM generate_series(1, %3$s) AS id OFFSET 0) AS raw
$$, :width, string_agg('(4 * random() - 2)::real AS f' || i, ', '), :rows)
  FROM generate_series(1, :width) AS i \gexec
VACUUM (FREEZE, ANALYZE) width_:width;
