\echo
\echo What is there, and who may use it.
\echo
\set ECHO queries
SELECT model, owner, version, task, target, rows, epochs, parameters, size FROM tablenet.models ORDER BY model;
\set ECHO none
\echo A retrain every night is one line of pg_cron (shown here, not run):
\echo
\echo '  SELECT cron.schedule(''retrain diamonds'', ''0 3 * * *'','
\echo '      $$SELECT * FROM ml_train(''diamond_price'', ''SELECT * FROM diamonds'', ''price'', exclude => ''{id}'')$$);'
