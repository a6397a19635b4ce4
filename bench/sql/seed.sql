-- The seed job with tablenet. The first line says which backend it is.
SELECT pg_backend_pid();
SELECT json_build_object('train_s', seconds, 'loss', loss)
  FROM ml_train('seed', 'SELECT x1, x2, label FROM seed', 'label',
                layers => '[{"class_name": "Dense", "config": {"units": 64, "activation": "relu"}},
                            {"class_name": "Dense", "config": {"units": 1}}]',
                optimizer => 'adam', loss => 'mse', metrics => '{}', epochs => 10, batch_size => 32, validation_split => 0);
INSERT INTO predictions SELECT id, ml_predict('seed', x1, x2) FROM seed;
