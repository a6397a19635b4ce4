-- The model that every way of scoring uses.
\set ON_ERROR_STOP on
SET statement_timeout = 0;
SELECT FROM ml_train('scoring', 'SELECT * FROM large', 'label', exclude => '{id}', epochs => 2, batch_size => 1024,
    layers => '[{"class_name": "Dense", "config": {"units": 64, "activation": "relu"}},
                {"class_name": "Dense", "config": {"units": 64, "activation": "relu"}},
                {"class_name": "Dense", "config": {"units": 1, "activation": "sigmoid"}}]');
