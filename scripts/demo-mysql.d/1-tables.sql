CREATE TABLE diamonds (
    id INT AUTO_INCREMENT PRIMARY KEY,
    carat DOUBLE, cut VARCHAR(9), color CHAR(1), clarity VARCHAR(4), depth DOUBLE, `table` DOUBLE, price INT, x DOUBLE, y DOUBLE, z DOUBLE);
LOAD DATA LOCAL INFILE 'data/diamonds.csv' INTO TABLE diamonds
    FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '"' IGNORE 1 LINES (carat, cut, color, clarity, depth, `table`, price, x, y, z);

CREATE TABLE penguins (
    id INT AUTO_INCREMENT PRIMARY KEY,
    species VARCHAR(9), island VARCHAR(9), bill_length_mm DOUBLE, bill_depth_mm DOUBLE, flipper_length_mm DOUBLE, body_mass_g DOUBLE, sex VARCHAR(6));
LOAD DATA LOCAL INFILE 'data/penguins.csv' INTO TABLE penguins
    FIELDS TERMINATED BY ',' IGNORE 1 LINES
    (species, island, @length, @depth, @flipper, @mass, @sex)
    SET bill_length_mm = NULLIF(@length, ''), bill_depth_mm = NULLIF(@depth, ''), flipper_length_mm = NULLIF(@flipper, ''),
        body_mass_g = NULLIF(@mass, ''), sex = NULLIF(@sex, '');

SELECT (SELECT COUNT(*) FROM diamonds) AS diamonds, (SELECT COUNT(*) FROM penguins) AS penguins;
