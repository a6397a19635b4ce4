\echo
\echo Which penguin is it? Measures are missing in some rows: what fills them is learned with the model.
\echo
\set ECHO queries
SELECT model, version, rows, epochs, round(loss::numeric, 4) AS loss, round(val_loss::numeric, 4) AS val_loss,
       metrics, round(seconds::numeric, 1) AS seconds
  FROM ml_train('penguin_species', 'SELECT * FROM penguins WHERE id % 4 <> 0', 'species',
                exclude => '{id}', epochs => 20, batch_size => 16);

SELECT metric, round(value::numeric, 4) AS value
  FROM ml_evaluate('penguin_species', 'SELECT * FROM penguins WHERE id % 4 = 0');

SELECT species, ml_predict_class('penguin_species', p) AS predicted, ml_predict_proba('penguin_species', p) AS probabilities
  FROM penguins p WHERE id % 4 = 0 ORDER BY id % 97 LIMIT 6;
