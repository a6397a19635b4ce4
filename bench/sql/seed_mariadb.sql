-- The seed job with tablenet inside MariaDB. The first line says which connection it is.
SELECT CONNECTION_ID();
CALL ml_train('seed', 'SELECT x1, x2, label FROM seed', 'label',
              '{"layers": [{"class_name": "Dense", "config": {"units": 64, "activation": "relu"}},
                           {"class_name": "Dense", "config": {"units": 1}}],
                "optimizer": "adam", "loss": "mse", "metrics": [], "epochs": 10, "batch_size": 32, "validation_split": 0}');
INSERT INTO predictions
SELECT id, ml_predict((SELECT ml_ref(model) FROM tablenet.deployed WHERE name = 'seed'), x1, x2) FROM seed;
