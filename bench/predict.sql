-- What scoring costs: 1,000,000 rows of 28 columns through a network of 28-64-64-1, in one process and in parallel.
--   psql -f bench/predict.sql
-- Leaves the database as it was. Compare each form with the additions: the rest is the scan, which both pay.
\set QUIET on
\pset pager off
BEGIN;
CREATE EXTENSION IF NOT EXISTS tablenet;
DO $$
DECLARE
    columns text := (SELECT string_agg(format('(random() * 4 - 2)::float8 AS f%s', i), ', ') FROM generate_series(1, 28) AS i);
BEGIN
    EXECUTE 'CREATE UNLOGGED TABLE predict_bench AS SELECT ' || columns || ' FROM generate_series(1, 1000000)';
END $$;
ANALYZE predict_bench;
SELECT model, rows, loss
  FROM ml_train('predict_bench', 'SELECT *, f1 * f2 + f3 - 2 * f4 AS y FROM predict_bench LIMIT 20000', 'y', epochs => 2,
                layers => '[{"class_name": "Dense", "config": {"units": 64, "activation": "relu"}},
                            {"class_name": "Dense", "config": {"units": 64, "activation": "relu"}},
                            {"class_name": "Dense", "config": {"units": 1}}]');
SELECT string_agg('f' || i, ', ') AS features, string_agg('f' || i, ' + ') AS additions FROM generate_series(1, 28) AS i \gset
SET LOCAL jit = off;
SET LOCAL max_parallel_workers_per_gather = 0;
\timing on
\echo 'one process: 27 additions, values in training order, the whole row'
SELECT sum(:additions) FROM predict_bench;
SELECT sum(ml_predict('predict_bench', :features)) FROM predict_bench;
SELECT sum(ml_predict('predict_bench', b)) FROM predict_bench AS b;
SET LOCAL max_parallel_workers_per_gather = 2;
\echo 'with two parallel workers'
SELECT sum(:additions) FROM predict_bench;
SELECT sum(ml_predict('predict_bench', :features)) FROM predict_bench;
SELECT sum(ml_predict('predict_bench', b)) FROM predict_bench AS b;
\timing off
ROLLBACK;
