\set ECHO queries
CREATE EXTENSION tablenet;

CREATE TABLE diamonds (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    carat float8, cut text, color text, clarity text, depth float8, "table" float8, price int, x float8, y float8, z float8);
\copy diamonds (carat, cut, color, clarity, depth, "table", price, x, y, z) FROM 'data/diamonds.csv' (FORMAT csv, HEADER)

CREATE TABLE penguins (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    species text, island text, bill_length_mm float8, bill_depth_mm float8, flipper_length_mm float8, body_mass_g float8, sex text);
\copy penguins (species, island, bill_length_mm, bill_depth_mm, flipper_length_mm, body_mass_g, sex) FROM 'data/penguins.csv' (FORMAT csv, HEADER)

SELECT (SELECT count(*) FROM diamonds) AS diamonds, (SELECT count(*) FROM penguins) AS penguins;
