\echo
\echo What is a diamond worth? Nine rows in ten train; every tenth is kept for the test.
\echo
\set ECHO queries
SELECT model, version, rows, epochs, round(loss::numeric, 4) AS loss, round(val_loss::numeric, 4) AS val_loss,
       metrics, round(seconds::numeric, 1) AS seconds
  FROM ml_train('diamond_price', 'SELECT * FROM diamonds WHERE id % 10 <> 0', 'price',
                exclude => '{id}', epochs => 10);

SELECT epoch, round(loss::numeric, 4) AS loss, round(val_loss::numeric, 4) AS val_loss,
       round((val_metrics->>'mae')::numeric, 1) AS val_mae, round((val_metrics->>'r2')::numeric, 4) AS val_r2
  FROM ml_history('diamond_price');

SELECT * FROM ml_summary('diamond_price');

SELECT metric, round(value::numeric, 4) AS value
  FROM ml_evaluate('diamond_price', 'SELECT * FROM diamonds WHERE id % 10 = 0');

SELECT carat, cut, color, clarity, price, round(ml_predict('diamond_price', d)) AS predicted
  FROM diamonds d WHERE id % 10 = 0 ORDER BY id % 7919 LIMIT 8;
