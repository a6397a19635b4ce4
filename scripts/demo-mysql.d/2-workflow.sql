CALL ml_train('diamond_price', 'SELECT * FROM diamonds WHERE id % 10 <> 0', 'price', '{"exclude": ["id"], "epochs": 10}');

ALTER TABLE diamonds ADD predicted DOUBLE;
CALL ml_predict_into('diamonds', NULL, 'predicted', 'diamond_price');

SELECT carat, cut, color, clarity, price, ROUND(predicted) AS predicted FROM diamonds WHERE id % 10 = 0 ORDER BY id % 7919 LIMIT 8;
