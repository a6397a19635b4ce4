-- tablenet for MySQL and MariaDB: the procedures for one database. Run it in each database in which models are trained,
-- after install.sql:
--   mariadb shop < sql/mysql/procedures.sql
-- They are made in the current database, because the names in a routine's statements belong to the routine's
-- own database: in a query given to shop.ml_train, `houses` is shop.houses.
--
-- They run with the rights of whoever calls them (SQL SECURITY INVOKER), since they run the caller's query. Who calls them needs
-- the role tablenet_user, and, for ml_train and ml_evaluate, CREATE VIEW, DROP and SELECT on this database: the columns
-- of a query are learned from a view on it, which is there for a moment. Making a view commits an open transaction.

SET @tablenet_log_bin = @@sql_log_bin;
SET sql_log_bin = 0;
-- Routines keep the mode and the character set they are created with. The mode matters: it reads the statements that are put
-- together below, where QUOTE() escapes with backslashes. The caller's query alone is read in another mode.
SET @tablenet_sql_mode = @@sql_mode,
    @tablenet_client = @@character_set_client,
    @tablenet_results = @@character_set_results,
    @tablenet_connection = @@collation_connection;
SET NAMES utf8mb4 COLLATE utf8mb4_bin;
SET sql_mode = 'STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION';

DELIMITER //

-- The columns of a query as JSON: [{"name", "type", "sql", "labels", "refused"}], where sql is the expression that hands the
-- column to the library, and refused the SQL type of a column that it cannot take. Also their names, quoted and with commas,
-- and the query without a semicolon at its end.
DROP PROCEDURE IF EXISTS ml_columns //
CREATE PROCEDURE ml_columns(
    INOUT query LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    OUT column_list LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    OUT name_list LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)
    MODIFIES SQL DATA SQL SECURITY INVOKER
    COMMENT 'tablenet: the columns of a query; used by the other procedures'
BEGIN
    DECLARE done BOOLEAN DEFAULT FALSE;
    DECLARE name, base, kind, quoted, expression, refused, set_name VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
    DECLARE full_type, labels LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
    DECLARE own_mode VARCHAR(1024) DEFAULT @@sql_mode;
    DECLARE view_name VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT CONCAT('ml_query_', CONNECTION_ID());
    DECLARE found CURSOR FOR
        SELECT c.COLUMN_NAME, LOWER(c.DATA_TYPE), c.COLUMN_TYPE, c.CHARACTER_SET_NAME
          FROM information_schema.COLUMNS AS c
         WHERE c.TABLE_SCHEMA = DATABASE() AND c.TABLE_NAME = view_name
         ORDER BY c.ORDINAL_POSITION;
    DECLARE CONTINUE HANDLER FOR NOT FOUND SET done = TRUE;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        SET @tablenet_sql = CONCAT('DROP VIEW IF EXISTS `', view_name, '`');
        PREPARE tablenet_statement FROM @tablenet_sql;
        EXECUTE tablenet_statement;
        SET @tablenet_sql = NULL, @tablenet_labels = NULL;
        RESIGNAL;
    END;

    IF query IS NULL THEN
        SIGNAL SQLSTATE '22004' SET MESSAGE_TEXT = 'the query is NULL';
    END IF;
    -- A semicolon at the end, with nothing but a comment behind it, would end more than the query.
    SET query = REGEXP_REPLACE(query, '[[:space:]]*;[[:space:];]*((--[[:space:]]|#)[^''"`\n]*|/[*][^''"`*]*[*]/)?[[:space:];]*$', '');
    IF query REGEXP '^[[:space:]]*$' THEN
        SIGNAL SQLSTATE '42601' SET MESSAGE_TEXT = 'the query is empty';
    END IF;

    -- The mode that the caller's text is read in is the server's: that of the session cannot be seen in here.
    SET @tablenet_sql = CONCAT('CREATE OR REPLACE SQL SECURITY INVOKER VIEW `', view_name, '` AS\n', query, '\n');
    SET SESSION sql_mode = @@GLOBAL.sql_mode;
    PREPARE tablenet_statement FROM @tablenet_sql;
    EXECUTE tablenet_statement;
    SET SESSION sql_mode = own_mode;

    SET column_list = '[', name_list = '';
    OPEN found;
    reading: LOOP
        FETCH found INTO name, base, full_type, set_name;
        IF done THEN
            LEAVE reading;
        END IF;
        SET quoted = CONCAT('`', REPLACE(name, '`', '``'), '`'), labels = NULL, refused = NULL;
        SET kind = CASE
            WHEN base IN ('tinyint', 'smallint', 'mediumint', 'int', 'bigint', 'year', 'bit', 'decimal', 'double') THEN 'number'
            WHEN base = 'float' THEN 'real'
            WHEN base IN ('char', 'varchar', 'tinytext', 'text', 'mediumtext', 'longtext', 'enum', 'uuid', 'inet4', 'inet6')
                THEN 'category'
            WHEN base IN ('date', 'time', 'timestamp', 'vector') THEN base
            WHEN base = 'datetime' THEN 'timestamp'
            ELSE NULL END;
        IF kind IS NULL THEN
            SET refused = base;
        END IF;
        SET expression = CASE
            -- The library reads UTF-8.
            WHEN kind = 'category' AND IFNULL(set_name, '') NOT IN ('utf8mb4', 'utf8mb3', 'utf8', 'ascii')
                THEN CONCAT('CONVERT(', quoted, ' USING utf8mb4)')
            WHEN base = 'bit' THEN CONCAT(quoted, ' + 0')
            WHEN kind = 'vector' THEN CONCAT(IF(VERSION() LIKE '%MariaDB%', 'VEC_ToText(', 'VECTOR_TO_STRING('), quoted, ')')
            ELSE quoted END;
        IF base = 'enum' THEN
            -- enum('a','it''s'): the server wrote these literals, and reads them again.
            SET @tablenet_sql = CONCAT('SELECT JSON_ARRAY', SUBSTRING(full_type, 5), ' INTO @tablenet_labels');
            PREPARE tablenet_statement FROM @tablenet_sql;
            EXECUTE tablenet_statement;
            SET labels = @tablenet_labels;
        END IF;
        SET name_list = CONCAT_WS(', ', NULLIF(name_list, ''), quoted);
        SET column_list = CONCAT(column_list, IF(column_list = '[', '', ','),
            '{"name":', JSON_QUOTE(name), ',"type":', IFNULL(JSON_QUOTE(kind), 'null'), ',"sql":', JSON_QUOTE(expression),
            ',"labels":', IFNULL(labels, 'null'), ',"refused":', IFNULL(JSON_QUOTE(refused), 'null'), '}');
    END LOOP;
    CLOSE found;
    SET column_list = CONCAT(column_list, ']');

    SET @tablenet_sql = CONCAT('DROP VIEW `', view_name, '`');
    PREPARE tablenet_statement FROM @tablenet_sql;
    EXECUTE tablenet_statement;
    DEALLOCATE PREPARE tablenet_statement;
    SET @tablenet_sql = NULL, @tablenet_labels = NULL;
    IF column_list = '[]' THEN
        SIGNAL SQLSTATE '42501' SET MESSAGE_TEXT = 'the columns of the query cannot be seen: SELECT on this database is needed';
    END IF;
END //

-- Trains on the rows of a query and stores the model under a name. spec is a JSON object with the words of PostgreSQL's
-- ml_train, or NULL; three of them are for this procedure: deploy, keep_versions and validation_query. Returns one row.
-- Commits an open transaction before the training, and the stored model after it.
DROP PROCEDURE IF EXISTS ml_train //
CREATE PROCEDURE ml_train(
    IN name TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    IN query LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    IN target LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    IN spec LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)
    MODIFIES SQL DATA SQL SECURITY INVOKER
    COMMENT 'tablenet: trains a network on the rows of a query and stores it under a name'
BEGIN
    DECLARE done, committed BOOLEAN DEFAULT FALSE;
    DECLARE message VARCHAR(128) CHARACTER SET utf8mb4;
    DECLARE own_mode VARCHAR(1024) DEFAULT @@sql_mode;
    DECLARE training_query, training_columns, training_names, validation_query, validation_columns, validation_names,
            options, targets, types, labels, notices LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
    DECLARE deploy_rule VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT 'always';
    DECLARE keep_versions INT DEFAULT 10;
    DECLARE new_version INT UNSIGNED;
    DECLARE column_name, quoted, kind, given, refused, expression, other_kind, other_expression VARCHAR(255)
        CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
    DECLARE split_column VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT 'validation_query';
    DECLARE column_labels LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
    DECLARE place INT;
    -- They grow column by column: names and types for the spec, expressions for the statement.
    DECLARE features, spec_types, spec_labels, arguments, training_list, validation_list, union_names LONGTEXT
        CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT '';
    DECLARE found CURSOR FOR
        SELECT c.name, c.kind, c.expression, c.labels, c.refused, t.place, v.kind, v.expression
          FROM JSON_TABLE(training_columns, '$[*]' COLUMNS (
                   number FOR ORDINALITY, name VARCHAR(255) CHARACTER SET utf8mb4 PATH '$.name',
                   kind VARCHAR(255) CHARACTER SET utf8mb4 PATH '$.type', expression VARCHAR(255) CHARACTER SET utf8mb4 PATH '$.sql',
                   labels JSON PATH '$.labels', refused VARCHAR(255) CHARACTER SET utf8mb4 PATH '$.refused')) AS c
          LEFT JOIN JSON_TABLE(targets, '$[*]' COLUMNS (
                   place FOR ORDINALITY, name VARCHAR(255) CHARACTER SET utf8mb4 PATH '$')) AS t
            ON t.name COLLATE utf8mb4_general_ci = c.name COLLATE utf8mb4_general_ci
          LEFT JOIN JSON_TABLE(IFNULL(validation_columns, '[]'), '$[*]' COLUMNS (
                   name VARCHAR(255) CHARACTER SET utf8mb4 PATH '$.name', kind VARCHAR(255) CHARACTER SET utf8mb4 PATH '$.type',
                   expression VARCHAR(255) CHARACTER SET utf8mb4 PATH '$.sql')) AS v
            ON v.name COLLATE utf8mb4_general_ci = c.name COLLATE utf8mb4_general_ci
         ORDER BY t.place IS NULL, t.place, c.number;
    DECLARE CONTINUE HANDLER FOR NOT FOUND SET done = TRUE;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        -- The locks of a statement that failed stay until the transaction ends. What the caller had open is committed by then.
        IF committed THEN
            ROLLBACK;
        END IF;
        SET @tablenet_sql = NULL, @tablenet_spec = NULL, @tablenet_model = NULL;
        RESIGNAL;
    END;

    -- The spec.
    SET options = IFNULL(NULLIF(TRIM(spec), ''), '{}');
    IF NOT JSON_VALID(options) THEN
        SIGNAL SQLSTATE '22023' SET MESSAGE_TEXT = 'the spec is not valid JSON';
    ELSEIF JSON_TYPE(options) <> 'OBJECT' THEN
        SIGNAL SQLSTATE '22023' SET MESSAGE_TEXT = 'the spec must be a JSON object: {"epochs": 10}';
    ELSEIF JSON_CONTAINS_PATH(options, 'one', '$.target', '$.features') THEN
        SIGNAL SQLSTATE '22023' SET MESSAGE_TEXT = 'target and features are not for the spec of ml_train: they come from its arguments';
    END IF;
    IF IFNULL(JSON_TYPE(JSON_EXTRACT(options, '$.deploy')), 'NULL') <> 'NULL' THEN
        SET deploy_rule = LEFT(JSON_UNQUOTE(JSON_EXTRACT(options, '$.deploy')), 64);
    END IF;
    CASE IFNULL(JSON_TYPE(JSON_EXTRACT(options, '$.keep_versions')), 'NULL')
        WHEN 'NULL' THEN BEGIN END;
        WHEN 'INTEGER' THEN
            SET keep_versions = LEAST(GREATEST(JSON_UNQUOTE(JSON_EXTRACT(options, '$.keep_versions')) + 0, 0), 1000000000);
        ELSE SIGNAL SQLSTATE '22023' SET MESSAGE_TEXT = 'keep_versions must be a whole number';
    END CASE;
    CASE IFNULL(JSON_TYPE(JSON_EXTRACT(options, '$.validation_query')), 'NULL')
        WHEN 'NULL' THEN BEGIN END;
        WHEN 'STRING' THEN SET validation_query = JSON_UNQUOTE(JSON_EXTRACT(options, '$.validation_query'));
        ELSE SIGNAL SQLSTATE '22023' SET MESSAGE_TEXT = 'validation_query must be text';
    END CASE;
    IF validation_query IS NOT NULL AND JSON_CONTAINS_PATH(options, 'one', '$.split_column', '$.validation_split') THEN
        SIGNAL SQLSTATE '22023' SET MESSAGE_TEXT = 'validation_query goes with neither split_column nor validation_split';
    END IF;
    SET types = JSON_EXTRACT(options, '$.types'), labels = JSON_EXTRACT(options, '$.labels');
    IF IFNULL(JSON_TYPE(types), 'NULL') NOT IN ('OBJECT', 'NULL') OR IFNULL(JSON_TYPE(labels), 'NULL') NOT IN ('OBJECT', 'NULL') THEN
        SIGNAL SQLSTATE '22023' SET MESSAGE_TEXT = 'types and labels must be objects: {"types": {"column": "category"}}';
    END IF;
    -- Otherwise the library gets the caller's text, with whatever is wrong with it.
    IF JSON_CONTAINS_PATH(options, 'one', '$.deploy', '$.keep_versions', '$.validation_query', '$.types', '$.labels') THEN
        SET options = JSON_REMOVE(options, '$.deploy', '$.keep_versions', '$.validation_query', '$.types', '$.labels');
    END IF;
    CALL tablenet.check_training(name, deploy_rule, keep_versions);
    IF target IS NULL THEN
        SIGNAL SQLSTATE '22004' SET MESSAGE_TEXT = 'the target is NULL';
    END IF;

    -- The columns.
    SET training_query = query;
    CALL ml_columns(training_query, training_columns, training_names);
    SET committed = TRUE;
    IF validation_query IS NOT NULL THEN
        CALL ml_columns(validation_query, validation_columns, validation_names);
        WHILE JSON_SEARCH(LOWER(training_columns), 'one', split_column, NULL, '$[*].name') IS NOT NULL DO
            SET split_column = CONCAT(split_column, '_');
        END WHILE;
    END IF;
    SET targets = JSON_ARRAY(target);
    IF JSON_VALID(target) THEN
        IF JSON_TYPE(target) = 'ARRAY' THEN
            SET targets = target;
        END IF;
    END IF;
    SELECT IFNULL(t.name, 'NULL') INTO column_name
      FROM JSON_TABLE(targets, '$[*]' COLUMNS (
               place FOR ORDINALITY, name VARCHAR(255) CHARACTER SET utf8mb4 PATH '$')) AS t
      LEFT JOIN JSON_TABLE(training_columns, '$[*]' COLUMNS (name VARCHAR(255) CHARACTER SET utf8mb4 PATH '$.name')) AS c
        ON t.name COLLATE utf8mb4_general_ci = c.name COLLATE utf8mb4_general_ci
     WHERE c.name IS NULL ORDER BY t.place LIMIT 1;
    IF column_name IS NOT NULL THEN
        SET message = CONCAT('target "', LEFT(column_name, 64), '" is not a column of the query');
        SIGNAL SQLSTATE '42703' SET MESSAGE_TEXT = message;
    ELSEIF JSON_LENGTH(targets) = 0 THEN
        SIGNAL SQLSTATE '22023' SET MESSAGE_TEXT = 'target must name at least one column';
    END IF;
    SELECT IFNULL(k.name, 'NULL') INTO column_name
      FROM JSON_TABLE(JSON_MERGE_PRESERVE(IFNULL(JSON_KEYS(types), '[]'), IFNULL(JSON_KEYS(labels), '[]')), '$[*]' COLUMNS (
               name VARCHAR(255) CHARACTER SET utf8mb4 PATH '$')) AS k
      LEFT JOIN JSON_TABLE(training_columns, '$[*]' COLUMNS (name VARCHAR(255) CHARACTER SET utf8mb4 PATH '$.name')) AS c
        ON k.name COLLATE utf8mb4_bin = c.name COLLATE utf8mb4_bin
     WHERE c.name IS NULL LIMIT 1;
    IF column_name IS NOT NULL THEN
        SET message = CONCAT('types and labels: "', LEFT(column_name, 64), '" is not a column of the query');
        SIGNAL SQLSTATE '42703' SET MESSAGE_TEXT = message;
    END IF;

    SET done = FALSE;
    OPEN found;
    SET targets = '';
    reading: LOOP
        FETCH found INTO column_name, kind, expression, column_labels, refused, place, other_kind, other_expression;
        IF done THEN
            LEAVE reading;
        END IF;
        SET quoted = CONCAT('`', REPLACE(column_name, '`', '``'), '`');
        SET given = JSON_UNQUOTE(JSON_EXTRACT(types, CONCAT('$.', JSON_QUOTE(column_name))));
        IF place IS NULL AND JSON_CONTAINS(IFNULL(JSON_EXTRACT(options, '$.exclude'), '[]'), JSON_QUOTE(column_name)) THEN
            -- Its name has to be there, its values need not be read.
            SET kind = 'category', expression = 'NULL', other_expression = 'NULL', column_labels = NULL;
        ELSEIF refused IS NOT NULL AND NOT (refused = 'json' AND given <=> 'vector') THEN
            SET message = CONCAT('column "', LEFT(column_name, 40), '" has type ', refused, ': convert it in the query or list it in exclude');
            SIGNAL SQLSTATE '0A000' SET MESSAGE_TEXT = message;
        ELSEIF validation_query IS NOT NULL AND other_expression IS NULL THEN
            SET message = CONCAT('column "', LEFT(column_name, 64), '" is missing in the validation query');
            SIGNAL SQLSTATE '42703' SET MESSAGE_TEXT = message;
        ELSEIF validation_query IS NOT NULL
           AND NOT (IF(kind = 'real', 'number', kind) <=> IF(other_kind = 'real', 'number', other_kind)) THEN
            SET message = CONCAT('column "', LEFT(column_name, 40), '" is ', IFNULL(kind, refused), ' in the query, but ',
                                 IFNULL(other_kind, 'another type'), ' in the validation query');
            SIGNAL SQLSTATE '42804' SET MESSAGE_TEXT = message;
        ELSE
            IF given IN ('category', 'text') AND kind <> 'category' THEN
                SET expression = CONCAT('CONVERT(', expression, ' USING utf8mb4)'),
                    other_expression = CONCAT('CONVERT(', other_expression, ' USING utf8mb4)');
            END IF;
            SET kind = IFNULL(given, kind);
        END IF;
        -- The library calls features all arguments behind the first target, and finds the other targets among them.
        IF place IS NOT NULL THEN
            SET targets = CONCAT_WS(',', NULLIF(targets, ''), JSON_QUOTE(column_name));
        END IF;
        IF spec_types <> '' THEN
            SET features = CONCAT_WS(',', NULLIF(features, ''), JSON_QUOTE(column_name));
        END IF;
        SET spec_types = CONCAT_WS(',', NULLIF(spec_types, ''), CONCAT(JSON_QUOTE(column_name), ':', JSON_QUOTE(kind)));
        SET column_labels = IFNULL(JSON_EXTRACT(labels, CONCAT('$.', JSON_QUOTE(column_name))), column_labels);
        IF IFNULL(JSON_TYPE(column_labels), 'NULL') <> 'NULL' AND kind IN ('category', 'text') THEN
            SET spec_labels = CONCAT_WS(',', NULLIF(spec_labels, ''), CONCAT(JSON_QUOTE(column_name), ':', column_labels));
        END IF;
        SET arguments = CONCAT(arguments, ', ', IF(validation_query IS NULL, expression, quoted));
        IF validation_query IS NOT NULL THEN
            SET training_list = CONCAT(training_list, expression, ', '),
                validation_list = CONCAT(validation_list, other_expression, ', '),
                union_names = CONCAT(union_names, quoted, ', ');
        END IF;
    END LOOP;
    CLOSE found;
    IF validation_query IS NOT NULL THEN
        SET features = CONCAT_WS(',', NULLIF(features, ''), JSON_QUOTE(split_column)),
            spec_types = CONCAT(spec_types, ',', JSON_QUOTE(split_column), ':"category"'),
            arguments = CONCAT(arguments, ', `', split_column, '`');
    END IF;
    SET @tablenet_spec = CONCAT(
        '{"target":', IF(JSON_LENGTH(CONCAT('[', targets, ']')) = 1, targets, CONCAT('[', targets, ']')),
        ',"features":[', features, '],"types":{', spec_types, '},"labels":{', spec_labels, '}',
        IF(validation_query IS NULL, '', CONCAT(',"split_column":', JSON_QUOTE(split_column))),
        IF(JSON_LENGTH(options) = 0, '', ','), SUBSTRING(options, LOCATE('{', options) + 1));

    -- The training. It has the query again, not the view: that would stay behind when the statement is killed, and others could
    -- replace it. Columns get their names by their places. Only the caller's text in here depends on the mode.
    SET @tablenet_sql = CONCAT(
        IF(validation_query IS NULL,
            CONCAT('WITH `ml rows` (', training_names, ') AS (\n', training_query, '\n)\n'),
            CONCAT('WITH `ml training rows` (', training_names, ') AS (\n', training_query, '\n),\n',
                   '`ml validation rows` (', validation_names, ') AS (\n', validation_query, '\n),\n',
                   '`ml rows` (', union_names, '`', split_column, '`) AS (\n',
                   'SELECT ', training_list, '''train'' FROM `ml training rows`\n',
                   'UNION ALL SELECT ', validation_list, '''validation'' FROM `ml validation rows`)\n')),
        'SELECT ml_train_agg(@tablenet_spec', arguments, ') INTO @tablenet_model FROM `ml rows`');
    SET SESSION sql_mode = @@GLOBAL.sql_mode;
    PREPARE tablenet_statement FROM @tablenet_sql;
    EXECUTE tablenet_statement;
    SET SESSION sql_mode = own_mode;
    DEALLOCATE PREPARE tablenet_statement;
    IF validation_query IS NOT NULL AND JSON_VALUE(ml_info(@tablenet_model), '$.results.val_loss') IS NULL THEN
        SIGNAL SQLSTATE '22023' SET MESSAGE_TEXT = 'the validation query returned no row to validate on';
    END IF;

    CALL tablenet.store(name, query, target, spec, deploy_rule, keep_versions, @tablenet_model, new_version);
    COMMIT;
    SET @tablenet_sql = NULL, @tablenet_spec = NULL, @tablenet_model = NULL;
    SELECT v.name AS model, v.version, v.`rows`, v.epochs, v.loss, v.val_loss, v.metrics, v.seconds, v.deployed
      FROM tablenet.versions AS v
     WHERE v.name = name AND v.version = new_version;
    -- Last, or it would be gone: one warning with what the library noticed.
    SELECT v.notices INTO notices FROM tablenet.versions AS v WHERE v.name = name AND v.version = new_version;
    SELECT LEFT(GROUP_CONCAT(n.notice ORDER BY n.number SEPARATOR ' / '), 128) INTO message
      FROM JSON_TABLE(notices, '$[*]' COLUMNS (
               number FOR ORDINALITY, notice VARCHAR(512) CHARACTER SET utf8mb4 PATH '$')) AS n;
    IF message IS NOT NULL THEN
        SIGNAL SQLSTATE '01000' SET MESSAGE_TEXT = message, MYSQL_ERRNO = 1105;
    END IF;
END //

-- What a model is: a reference to the version in use ('x') or to another ('x@3'), and what ml_info says of it.
DROP PROCEDURE IF EXISTS ml_find //
CREATE PROCEDURE ml_find(
    IN name TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    OUT reference VARCHAR(80) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    OUT info LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)
    READS SQL DATA SQL SECURITY INVOKER
    COMMENT 'tablenet: finds a model; used by the other procedures'
BEGIN
    DECLARE message VARCHAR(128) CHARACTER SET utf8mb4;
    DECLARE bare TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT SUBSTRING_INDEX(name, '@', 1);
    DECLARE versions BIGINT;
    IF name REGEXP '^[^@]+@[0-9]{1,9}$' THEN
        SELECT ml_ref(f.model) INTO reference FROM tablenet.files AS f
         WHERE f.name = bare AND f.version = CAST(SUBSTRING_INDEX(name, '@', -1) AS UNSIGNED);
    ELSE
        SELECT ml_ref(d.model) INTO reference FROM tablenet.deployed AS d WHERE d.name = name;
    END IF;
    IF reference IS NULL THEN
        -- SELECT .. INTO locks nothing; a subquery in SET or IF would, the rows of others too.
        SELECT COUNT(*) INTO versions FROM tablenet.versions AS v WHERE v.name = bare;
        SET message = CASE
            WHEN versions = 0
                THEN CONCAT('model "', LEFT(IFNULL(bare, 'NULL'), 63), '" does not exist')
            WHEN bare = name THEN CONCAT('no version of model "', name, '" is deployed')
            ELSE CONCAT('version "', LEFT(name, 80), '" does not exist') END;
        SIGNAL SQLSTATE '42704' SET MESSAGE_TEXT = message;
    END IF;
    SET info = ml_info(reference);
END //

-- The loss and the metrics of a model on the rows of a query, which has the features and the target by name.
-- Commits an open transaction.
DROP PROCEDURE IF EXISTS ml_evaluate //
CREATE PROCEDURE ml_evaluate(
    IN name TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    IN query LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)
    MODIFIES SQL DATA SQL SECURITY INVOKER
    COMMENT 'tablenet: the loss and the metrics of a model on the rows of a query'
BEGIN
    DECLARE done BOOLEAN DEFAULT FALSE;
    DECLARE message VARCHAR(128) CHARACTER SET utf8mb4;
    DECLARE own_mode VARCHAR(1024) DEFAULT @@sql_mode;
    DECLARE named VARCHAR(8) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
    DECLARE info, column_list, name_list, result LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
    DECLARE arguments LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT '';
    DECLARE column_name, expression, refused VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
    DECLARE found CURSOR FOR
        SELECT w.name, c.refused,
               -- What was a category by the spec's types.
               IF(w.type = 'category' AND c.kind <> 'category', CONCAT('CONVERT(', c.expression, ' USING utf8mb4)'), c.expression)
          FROM JSON_TABLE(info, '$.features[*]' COLUMNS (
                   number FOR ORDINALITY, name VARCHAR(255) CHARACTER SET utf8mb4 PATH '$.name',
                   type VARCHAR(32) CHARACTER SET utf8mb4 PATH '$.type', role VARCHAR(32) CHARACTER SET utf8mb4 PATH '$.role')) AS w
          LEFT JOIN JSON_TABLE(column_list, '$[*]' COLUMNS (
                   name VARCHAR(255) CHARACTER SET utf8mb4 PATH '$.name', kind VARCHAR(255) CHARACTER SET utf8mb4 PATH '$.type',
                   expression VARCHAR(255) CHARACTER SET utf8mb4 PATH '$.sql',
                   refused VARCHAR(255) CHARACTER SET utf8mb4 PATH '$.refused')) AS c
            ON w.name COLLATE utf8mb4_general_ci = c.name COLLATE utf8mb4_general_ci
         WHERE w.role IN ('target', 'feature')
         ORDER BY w.role = 'feature', w.number;
    DECLARE CONTINUE HANDLER FOR NOT FOUND SET done = TRUE;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        SET @tablenet_sql = NULL, @tablenet_ref = NULL, @tablenet_result = NULL;
        RESIGNAL;
    END;

    CALL ml_find(name, @tablenet_ref, info);
    SET named = JSON_VALUE(info, '$.feature_names');
    IF named IN ('0', 'false') THEN
        SET message = CONCAT('the features of model "', LEFT(name, 64), '" have no names: use ml_evaluate_agg');
        SIGNAL SQLSTATE '22023' SET MESSAGE_TEXT = message;
    END IF;
    CALL ml_columns(query, column_list, name_list);
    SET done = FALSE;
    OPEN found;
    reading: LOOP
        FETCH found INTO column_name, refused, expression;
        IF done THEN
            LEAVE reading;
        END IF;
        IF expression IS NULL THEN
            SET message = CONCAT('column "', LEFT(column_name, 64), '" is missing in the query');
            SIGNAL SQLSTATE '42703' SET MESSAGE_TEXT = message;
        ELSEIF refused <> 'json' THEN
            SET message = CONCAT('column "', LEFT(column_name, 48), '" has type ', refused, ': convert it in the query');
            SIGNAL SQLSTATE '0A000' SET MESSAGE_TEXT = message;
        END IF;
        SET arguments = CONCAT(arguments, ', ', expression);
    END LOOP;
    CLOSE found;
    SET @tablenet_sql = CONCAT('WITH `ml rows` (', name_list, ') AS (\n', query, '\n)\n',
                               'SELECT ml_evaluate_agg(@tablenet_ref', arguments, ') INTO @tablenet_result FROM `ml rows`');
    SET SESSION sql_mode = @@GLOBAL.sql_mode;
    PREPARE tablenet_statement FROM @tablenet_sql;
    EXECUTE tablenet_statement;
    SET SESSION sql_mode = own_mode;
    DEALLOCATE PREPARE tablenet_statement;
    SET result = @tablenet_result;
    SET @tablenet_sql = NULL, @tablenet_ref = NULL, @tablenet_result = NULL;
    SELECT k.metric, NULLIF(JSON_UNQUOTE(JSON_EXTRACT(result, CONCAT('$.', JSON_QUOTE(k.metric)))), 'null') + 0e0 AS value
      FROM JSON_TABLE(JSON_KEYS(result), '$[*]' COLUMNS (metric VARCHAR(64) CHARACTER SET utf8mb4 PATH '$')) AS k
     ORDER BY k.metric <> 'loss', k.metric;
END //

-- Writes the predictions of a model into a column of a table, for all its rows. columns: NULL for the columns of
-- the features' names, or expressions in training order, as in SELECT. Commits nothing.
DROP PROCEDURE IF EXISTS ml_predict_into //
CREATE PROCEDURE ml_predict_into(
    IN table_name TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    IN column_list LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    IN output_column TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    IN name TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)
    MODIFIES SQL DATA SQL SECURITY INVOKER
    COMMENT 'tablenet: writes the predictions of a model into a column of a table'
BEGIN
    DECLARE done BOOLEAN DEFAULT FALSE;
    DECLARE message VARCHAR(128) CHARACTER SET utf8mb4;
    DECLARE own_mode VARCHAR(1024) DEFAULT @@sql_mode;
    DECLARE info LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
    DECLARE arguments LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT '';
    DECLARE in_schema, in_table, feature, feature_type, column_name, quoted, base, set_name, output_name, output_base, function_name VARCHAR(255)
        CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
    DECLARE named VARCHAR(8) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
    DECLARE task VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
    DECLARE changed BIGINT;
    DECLARE found CURSOR FOR
        SELECT w.name, w.type, c.COLUMN_NAME, LOWER(c.DATA_TYPE), c.CHARACTER_SET_NAME
          FROM JSON_TABLE(info, '$.features[*]' COLUMNS (
                   number FOR ORDINALITY, name VARCHAR(255) CHARACTER SET utf8mb4 PATH '$.name',
                   type VARCHAR(32) CHARACTER SET utf8mb4 PATH '$.type', role VARCHAR(32) CHARACTER SET utf8mb4 PATH '$.role')) AS w
          LEFT JOIN information_schema.COLUMNS AS c
            ON c.TABLE_SCHEMA = in_schema AND c.TABLE_NAME = in_table
           AND c.COLUMN_NAME COLLATE utf8mb3_general_ci = CONVERT(w.name USING utf8mb3) COLLATE utf8mb3_general_ci
         WHERE w.role = 'feature'
         ORDER BY w.number;
    DECLARE CONTINUE HANDLER FOR NOT FOUND SET done = TRUE;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        SET @tablenet_sql = NULL, @tablenet_ref = NULL;
        RESIGNAL;
    END;

    -- A table of this database, or schema.table; names as they are, without quotes.
    SELECT t.TABLE_SCHEMA, t.TABLE_NAME INTO in_schema, in_table
      FROM information_schema.TABLES AS t
     WHERE t.TABLE_SCHEMA = DATABASE() AND t.TABLE_NAME = table_name;
    IF in_table IS NULL THEN
        SELECT t.TABLE_SCHEMA, t.TABLE_NAME INTO in_schema, in_table
          FROM information_schema.TABLES AS t
         WHERE t.TABLE_SCHEMA = SUBSTRING_INDEX(table_name, '.', 1)
           AND t.TABLE_NAME = SUBSTRING(table_name, LOCATE('.', table_name) + 1) AND LOCATE('.', table_name) > 0;
    END IF;
    IF in_table IS NULL THEN
        SET message = CONCAT('table "', LEFT(IFNULL(table_name, 'NULL'), 100), '" does not exist');
        SIGNAL SQLSTATE '42S02' SET MESSAGE_TEXT = message;
    END IF;
    SELECT c.COLUMN_NAME, LOWER(c.DATA_TYPE) INTO output_name, output_base
      FROM information_schema.COLUMNS AS c
     WHERE c.TABLE_SCHEMA = in_schema AND c.TABLE_NAME = in_table
       AND c.COLUMN_NAME COLLATE utf8mb3_general_ci = CONVERT(output_column USING utf8mb3) COLLATE utf8mb3_general_ci;
    IF output_name IS NULL THEN
        SET message = CONCAT('table "', LEFT(in_table, 48), '" has no column "', LEFT(IFNULL(output_column, 'NULL'), 48), '"');
        SIGNAL SQLSTATE '42S22' SET MESSAGE_TEXT = message;
    END IF;

    CALL ml_find(name, @tablenet_ref, info);
    SET named = JSON_VALUE(info, '$.feature_names'), task = JSON_VALUE(info, '$.task');
    SET function_name = CASE
        WHEN JSON_TYPE(JSON_EXTRACT(info, '$.target')) = 'ARRAY' THEN 'ml_predict_values'
        WHEN task = 'multiclass' THEN 'ml_predict_class'
        -- Of two classes, text can hold the label, and a number the probability of the second.
        WHEN task = 'binary'
         AND output_base IN ('char', 'varchar', 'tinytext', 'text', 'mediumtext', 'longtext', 'enum') THEN 'ml_predict_class'
        ELSE 'ml_predict' END;
    IF column_list IS NOT NULL THEN
        SET arguments = CONCAT(', ', column_list);
    ELSE
        IF named IN ('0', 'false') THEN
            SET message = CONCAT('the features of model "', LEFT(name, 48), '" have no names: list columns in training order');
            SIGNAL SQLSTATE '22023' SET MESSAGE_TEXT = message;
        END IF;
        SET done = FALSE;
        OPEN found;
        reading: LOOP
            FETCH found INTO feature, feature_type, column_name, base, set_name;
            IF done THEN
                LEAVE reading;
            END IF;
            IF column_name IS NULL THEN
                SET message = CONCAT('table "', LEFT(in_table, 48), '" has no column "', LEFT(feature, 48), '"');
                SIGNAL SQLSTATE '42703' SET MESSAGE_TEXT = message;
            END IF;
            SET quoted = CONCAT('`', REPLACE(column_name, '`', '``'), '`');
            SET arguments = CONCAT(arguments, ', ', CASE
                WHEN feature_type = 'category' AND IFNULL(set_name, '') NOT IN ('utf8mb4', 'utf8mb3', 'utf8', 'ascii')
                    THEN CONCAT('CONVERT(', quoted, ' USING utf8mb4)')
                WHEN base = 'bit' THEN CONCAT(quoted, ' + 0')
                WHEN base = 'vector'
                    THEN CONCAT(IF(VERSION() LIKE '%MariaDB%', 'VEC_ToText(', 'VECTOR_TO_STRING('), quoted, ')')
                ELSE quoted END);
        END LOOP;
        CLOSE found;
    END IF;
    -- With a LIMIT, because sql_safe_updates refuses an UPDATE of every row without one.
    SET @tablenet_sql = CONCAT(
        'UPDATE `', REPLACE(in_schema, '`', '``'), '`.`', REPLACE(in_table, '`', '``'),
        '` SET `', REPLACE(output_name, '`', '``'), '` = ', function_name, '(@tablenet_ref', arguments,
        '\n) LIMIT 9223372036854775807');
    SET SESSION sql_mode = @@GLOBAL.sql_mode;
    PREPARE tablenet_statement FROM @tablenet_sql;
    EXECUTE tablenet_statement;
    SET changed = ROW_COUNT();
    SET SESSION sql_mode = own_mode;
    DEALLOCATE PREPARE tablenet_statement;
    SET @tablenet_sql = NULL, @tablenet_ref = NULL;
    SELECT name AS model, changed AS rows_changed;
END //

-- Puts another version to use: a number, 'previous' (the one in use before) or 'best' (the lowest val_loss).
DROP PROCEDURE IF EXISTS ml_deploy //
CREATE PROCEDURE ml_deploy(
    IN name TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, IN version TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)
    MODIFIES SQL DATA SQL SECURITY INVOKER
    COMMENT 'tablenet: puts another version of a model to use: a number, previous or best'
BEGIN
    DECLARE new_version INT UNSIGNED;
    CALL tablenet.deploy(name, version, new_version);
    SELECT name AS model, new_version AS version;
END //

-- Deletes a model with all its versions.
DROP PROCEDURE IF EXISTS ml_drop //
CREATE PROCEDURE ml_drop(IN name TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)
    MODIFIES SQL DATA SQL SECURITY INVOKER
    COMMENT 'tablenet: deletes a model with all its versions'
    CALL tablenet.drop_model(name) //

-- Lets another user, named without the host, predict with a model, or train it too.
DROP PROCEDURE IF EXISTS ml_grant //
CREATE PROCEDURE ml_grant(
    IN name TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, IN user_name TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    IN privilege TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)
    MODIFIES SQL DATA SQL SECURITY INVOKER
    COMMENT 'tablenet: lets another user predict with a model or train it'
    CALL tablenet.grant_model(name, user_name, privilege) //

DROP PROCEDURE IF EXISTS ml_revoke //
CREATE PROCEDURE ml_revoke(
    IN name TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, IN user_name TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    IN privilege TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)
    MODIFIES SQL DATA SQL SECURITY INVOKER
    COMMENT 'tablenet: takes a grant back'
    CALL tablenet.revoke_model(name, user_name, privilege) //

-- What the training of the version in use logged, epoch by epoch.
DROP PROCEDURE IF EXISTS ml_history //
CREATE PROCEDURE ml_history(IN name TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)
    READS SQL DATA SQL SECURITY INVOKER
    COMMENT 'tablenet: what the training of a model logged, epoch by epoch'
BEGIN
    DECLARE message VARCHAR(128) CHARACTER SET utf8mb4;
    DECLARE versions, deployed BIGINT;
    SELECT COUNT(*), COUNT(NULLIF(v.deployed, FALSE)) INTO versions, deployed FROM tablenet.versions AS v WHERE v.name = name;
    IF deployed = 0 THEN
        SET message = IF(versions = 0, CONCAT('model "', LEFT(IFNULL(name, 'NULL'), 63), '" does not exist'),
                         CONCAT('no version of model "', LEFT(name, 63), '" is deployed'));
        SIGNAL SQLSTATE '42704' SET MESSAGE_TEXT = message;
    END IF;
    SELECT h.epoch, h.loss, h.val_loss, h.metrics, h.val_metrics, h.seconds
      FROM tablenet.history AS h WHERE h.name = name AND h.deployed ORDER BY h.epoch;
END //

DELIMITER ;

GRANT EXECUTE ON PROCEDURE ml_columns TO tablenet_user;
GRANT EXECUTE ON PROCEDURE ml_find TO tablenet_user;
GRANT EXECUTE ON PROCEDURE ml_train TO tablenet_user;
GRANT EXECUTE ON PROCEDURE ml_evaluate TO tablenet_user;
GRANT EXECUTE ON PROCEDURE ml_predict_into TO tablenet_user;
GRANT EXECUTE ON PROCEDURE ml_deploy TO tablenet_user;
GRANT EXECUTE ON PROCEDURE ml_drop TO tablenet_user;
GRANT EXECUTE ON PROCEDURE ml_grant TO tablenet_user;
GRANT EXECUTE ON PROCEDURE ml_revoke TO tablenet_user;
GRANT EXECUTE ON PROCEDURE ml_history TO tablenet_user;

SET sql_mode = @tablenet_sql_mode,
    character_set_client = @tablenet_client,
    character_set_results = @tablenet_results,
    collation_connection = @tablenet_connection;
SET sql_log_bin = @tablenet_log_bin;
