-- From nothing to a stored model with tablenet: one statement. The first line says which backend it is. Variable: memory.
SELECT pg_backend_pid();
SET tablenet.work_mem = :'memory';
SELECT json_build_object('train_s', seconds, 'loss', loss, 'rows', rows)
  FROM ml_train('model', 'SELECT * FROM large', 'label', exclude => '{id}',
                layers => '[{"class_name": "Dense", "config": {"units": 64, "activation": "relu"}},
                            {"class_name": "Dense", "config": {"units": 64, "activation": "relu"}},
                            {"class_name": "Dense", "config": {"units": 1, "activation": "sigmoid"}}]',
                optimizer => 'adam', loss => 'binary_crossentropy', metrics => '{}', epochs => 1, batch_size => 1024,
                validation_split => 0);
