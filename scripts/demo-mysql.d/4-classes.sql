CALL ml_train('penguin_species', 'SELECT * FROM penguins WHERE id % 4 <> 0', 'species', '{"exclude": ["id"], "epochs": 20, "batch_size": 16}');

CALL ml_evaluate('penguin_species', 'SELECT * FROM penguins WHERE id % 4 = 0');

SET @model = (SELECT ml_ref(model) FROM tablenet.deployed WHERE name = 'penguin_species');
SELECT species,
       ml_predict_class(@model, island, bill_length_mm, bill_depth_mm, flipper_length_mm, body_mass_g, sex) AS predicted,
       ml_predict_proba(@model, island, bill_length_mm, bill_depth_mm, flipper_length_mm, body_mass_g, sex) AS probabilities
  FROM penguins WHERE id % 4 = 0 ORDER BY id % 97 LIMIT 6;

SELECT name, version, owner, task, `rows`, epochs, size FROM tablenet.deployed;
