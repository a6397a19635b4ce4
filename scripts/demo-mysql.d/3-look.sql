CALL ml_evaluate('diamond_price', 'SELECT * FROM diamonds WHERE id % 10 = 0');

SELECT epoch, ROUND(loss, 4) AS loss, ROUND(val_loss, 4) AS val_loss, val_metrics FROM tablenet.history WHERE name = 'diamond_price' ORDER BY epoch;

SELECT ml_summary(model) AS summary FROM tablenet.deployed WHERE name = 'diamond_price'\G
