-- tablenet for MySQL and MariaDB: the loadable functions, and the schema tablenet, where models are kept.
--
-- `make install-mysql` puts the library where the server looks for it and runs this script. By hand: the library must
-- be in @@plugin_dir as tablenet_mysql.so (docs/mysql.md), then, as an administrator:
--   mariadb < sql/mysql/install.sql
--   mariadb shop < sql/mysql/procedures.sql     -- once for each database in which models are trained
-- Running it again changes no model and no grant; run it again after an upgrade.
--
-- Who may do what: nobody has rights on the tables, not even those who train. The views show each user what is
-- theirs, and the procedures here, small and with fixed text, write with the rights of the account
-- tablenet@localhost, into which nobody can log in. The owner of a model is the user name of USER(), without the host.

-- Not written to the binary log: a replica without the library would stop at CREATE FUNCTION .. SONAME. Install on
-- each server by itself, on replicas first.
SET @tablenet_log_bin = @@sql_log_bin;
SET sql_log_bin = 0;
-- Routines, triggers and views keep the mode and the character set they are created with.
SET @tablenet_sql_mode = @@sql_mode,
    @tablenet_client = @@character_set_client,
    @tablenet_results = @@character_set_results,
    @tablenet_connection = @@collation_connection;
SET NAMES utf8mb4 COLLATE utf8mb4_bin;
SET sql_mode = 'STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION';

CREATE FUNCTION IF NOT EXISTS ml_version RETURNS STRING SONAME 'tablenet_mysql.so';
CREATE AGGREGATE FUNCTION IF NOT EXISTS ml_train_agg RETURNS STRING SONAME 'tablenet_mysql.so';
CREATE FUNCTION IF NOT EXISTS ml_report RETURNS STRING SONAME 'tablenet_mysql.so';
CREATE FUNCTION IF NOT EXISTS ml_ref RETURNS STRING SONAME 'tablenet_mysql.so';
CREATE FUNCTION IF NOT EXISTS ml_predict RETURNS REAL SONAME 'tablenet_mysql.so';
CREATE FUNCTION IF NOT EXISTS ml_predict_class RETURNS STRING SONAME 'tablenet_mysql.so';
CREATE FUNCTION IF NOT EXISTS ml_predict_proba RETURNS STRING SONAME 'tablenet_mysql.so';
CREATE FUNCTION IF NOT EXISTS ml_predict_values RETURNS STRING SONAME 'tablenet_mysql.so';
CREATE AGGREGATE FUNCTION IF NOT EXISTS ml_evaluate_agg RETURNS STRING SONAME 'tablenet_mysql.so';
CREATE FUNCTION IF NOT EXISTS ml_info RETURNS STRING SONAME 'tablenet_mysql.so';
CREATE FUNCTION IF NOT EXISTS ml_summary RETURNS STRING SONAME 'tablenet_mysql.so';

CREATE DATABASE IF NOT EXISTS tablenet CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

DELIMITER //

-- The account that owns what is below. Its password is known to nobody, and it is locked. An account of that name
-- that was there before belongs to somebody, who must not come to own the models.
DROP PROCEDURE IF EXISTS tablenet.make_account //
CREATE PROCEDURE tablenet.make_account() SQL SECURITY INVOKER
BEGIN
    DECLARE has_account BOOLEAN DEFAULT EXISTS (SELECT 1 FROM mysql.user WHERE User = 'tablenet' AND Host = 'localhost');
    DECLARE has_tables BOOLEAN DEFAULT EXISTS (SELECT 1 FROM information_schema.tables
                                                WHERE table_schema = 'tablenet' AND table_name IN ('names', 'models'));
    IF has_account AND NOT has_tables THEN
        SIGNAL SQLSTATE '42710' SET MESSAGE_TEXT =
            'the account tablenet@localhost is there already; tablenet needs it for itself: drop or rename it first';
    END IF;
    IF NOT has_account AND has_tables THEN
        SIGNAL SQLSTATE '42710' SET MESSAGE_TEXT =
            'the schema tablenet has tables named names or models, but there is no account tablenet@localhost';
    END IF;
    IF NOT has_account THEN
        SET @tablenet_sql = CONCAT('CREATE USER `tablenet`@`localhost` IDENTIFIED BY ',
                                   QUOTE(CONCAT('Aa1-', LOWER(HEX(RANDOM_BYTES(32))))), ' ACCOUNT LOCK');
        PREPARE tablenet_statement FROM @tablenet_sql;
        EXECUTE tablenet_statement;
        DEALLOCATE PREPARE tablenet_statement;
        SET @tablenet_sql = NULL;
    END IF;
END //
CALL tablenet.make_account() //
DROP PROCEDURE tablenet.make_account //

DELIMITER ;

-- No foreign keys: any caller can switch their checks off, and a grant that outlives its model would be one on the next of that
-- name.
CREATE TABLE IF NOT EXISTS tablenet.names (
    name             VARCHAR(63) NOT NULL PRIMARY KEY,
    owner            VARCHAR(128) NOT NULL,
    created          TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    next_version     INT UNSIGNED NOT NULL DEFAULT 1,
    deployed_version INT UNSIGNED,
    deployed_loss    DOUBLE,
    previous_version INT UNSIGNED,
    deployments      INT UNSIGNED NOT NULL DEFAULT 0
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
  COMMENT = 'one row per model: its owner and the version in use';

-- owner is that of names, so that a view can tell from a row alone who may see it.
CREATE TABLE IF NOT EXISTS tablenet.models (
    name            VARCHAR(63) NOT NULL,
    version         INT UNSIGNED NOT NULL,
    owner           VARCHAR(128) NOT NULL,
    trained_by      VARCHAR(128) NOT NULL,
    query           LONGTEXT,
    target          LONGTEXT,
    spec            LONGTEXT,
    deploy          VARCHAR(9) NOT NULL,
    task            VARCHAR(32),
    settings        LONGTEXT,
    `rows`          BIGINT UNSIGNED,
    training_rows   BIGINT UNSIGNED,
    validation_rows BIGINT UNSIGNED,
    epochs          INT UNSIGNED,
    loss            DOUBLE,
    val_loss        DOUBLE,
    metrics         LONGTEXT,
    history         LONGTEXT,
    notices         LONGTEXT,
    parameters      BIGINT UNSIGNED,
    seconds         DOUBLE,
    created         TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    library_version VARCHAR(63) NOT NULL,
    size            BIGINT UNSIGNED NOT NULL,
    sha256          CHAR(64) CHARACTER SET ascii NOT NULL,
    model           LONGBLOB NOT NULL,
    PRIMARY KEY (name, version)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
  COMMENT = 'what each training used and reached, and the model file';

CREATE TABLE IF NOT EXISTS tablenet.grants (
    name      VARCHAR(63) NOT NULL,
    user      VARCHAR(128) NOT NULL,
    privilege ENUM ('predict', 'train') NOT NULL,
    PRIMARY KEY (name, user)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
  COMMENT = 'who else may use a model; train includes predict';

-- SELECT on the schema: where a role is active, MySQL 9.7 does not find the rights of a view's definer on single tables.
GRANT SELECT ON tablenet.* TO `tablenet`@`localhost`;
GRANT INSERT, UPDATE, DELETE ON tablenet.names TO `tablenet`@`localhost`;
GRANT INSERT, UPDATE (version, owner), DELETE, TRIGGER ON tablenet.models TO `tablenet`@`localhost`;
GRANT INSERT, UPDATE, DELETE ON tablenet.grants TO `tablenet`@`localhost`;

DELIMITER //

-- Below, what is only looked up is looked up by SELECT .. INTO, which locks nothing: a subquery in SET or IF would.

-- Gives a new model its version and deploys it as its row says. In a trigger, so that storing is one statement: it
-- happens as a whole or not at all, also when it is killed, and it commits nothing that the caller has open.
-- Rows that have a version already, from a dump, stay as they are.
DROP TRIGGER IF EXISTS tablenet.models_insert //
CREATE DEFINER = `tablenet`@`localhost` TRIGGER tablenet.models_insert BEFORE INSERT ON tablenet.models FOR EACH ROW
BEGIN
    DECLARE model_owner VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
    DECLARE new_version, deployed INT UNSIGNED;
    DECLARE deployed_loss DOUBLE;
    DECLARE message VARCHAR(128) CHARACTER SET utf8mb4;
    DECLARE deploys BOOLEAN DEFAULT TRUE;
    IF NEW.version = 0 THEN
        -- Takes the row's lock, be it there or not: whoever stores the same name waits here.
        INSERT INTO tablenet.names (name, owner) VALUES (NEW.name, NEW.trained_by)
            ON DUPLICATE KEY UPDATE name = NEW.name;
        SELECT n.owner, n.next_version, n.deployed_version, n.deployed_loss
          INTO model_owner, new_version, deployed, deployed_loss
          FROM tablenet.names AS n WHERE n.name = NEW.name FOR UPDATE;
        IF model_owner <> NEW.trained_by AND NOT EXISTS (
            SELECT 1 FROM tablenet.grants AS g
             WHERE g.name = NEW.name AND g.user = NEW.trained_by AND g.privilege = 'train') THEN
            SET message = CONCAT('model "', NEW.name, '" belongs to another user');
            SIGNAL SQLSTATE '42501' SET MESSAGE_TEXT = message;
        END IF;
        IF NEW.deploy = 'never' THEN
            SET deploys = FALSE;
        ELSEIF NEW.deploy = 'if_better' AND deployed IS NOT NULL THEN
            IF NEW.val_loss IS NULL OR deployed_loss IS NULL THEN
                SET message = CONCAT('model "', LEFT(NEW.name, 48), '": deploy "if_better" needs validation rows in both trainings');
                SIGNAL SQLSTATE '22023' SET MESSAGE_TEXT = message;
            END IF;
            SET deploys = NEW.val_loss < deployed_loss;
        END IF;
        UPDATE tablenet.names AS n
           SET n.next_version = new_version + 1,
               n.previous_version = IF(deploys, n.deployed_version, n.previous_version),
               n.deployed_version = IF(deploys, new_version, n.deployed_version),
               n.deployed_loss = IF(deploys, NEW.val_loss, n.deployed_loss),
               n.deployments = n.deployments + deploys
         WHERE n.name = NEW.name;
        SET NEW.owner = model_owner, NEW.version = new_version;
        -- For the procedure that inserts.
        SET @tablenet_version = new_version;
    END IF;
END //

-- Whether the caller may train under this name. Signals why not.
DROP PROCEDURE IF EXISTS tablenet.check_training //
CREATE DEFINER = `tablenet`@`localhost` PROCEDURE tablenet.check_training(
    IN model_name TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    IN deploy_rule TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    IN keep_versions INT)
    READS SQL DATA SQL SECURITY DEFINER
    COMMENT 'tablenet: signals why the caller may not train a model of this name'
BEGIN
    DECLARE caller VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
        DEFAULT LEFT(USER(), CHAR_LENGTH(USER()) - LOCATE('@', REVERSE(USER())));
    DECLARE model_owner VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
    DECLARE message VARCHAR(128) CHARACTER SET utf8mb4;
    DECLARE may_train, comparable BOOLEAN DEFAULT FALSE;
    IF model_name IS NULL THEN
        SIGNAL SQLSTATE '22004' SET MESSAGE_TEXT = 'the name of the model is NULL';
    END IF;
    -- Names compare as if spaces at their end were not there.
    IF model_name = '' OR OCTET_LENGTH(model_name) > 63 OR LOCATE('@', model_name) > 0 OR RIGHT(model_name, 1) = ' ' THEN
        SET message = CONCAT('the name "', LEFT(model_name, 40),
                             '" is not 1 to 63 bytes long, has an @ or ends with a space');
        SIGNAL SQLSTATE '22023' SET MESSAGE_TEXT = message;
    END IF;
    IF deploy_rule IS NULL OR deploy_rule NOT IN ('always', 'if_better', 'never') THEN
        SET message = CONCAT('deploy must be "always", "if_better" or "never", not "', LEFT(IFNULL(deploy_rule, 'null'), 40), '"');
        SIGNAL SQLSTATE '22023' SET MESSAGE_TEXT = message;
    END IF;
    IF keep_versions IS NULL OR keep_versions < 1 THEN
        SIGNAL SQLSTATE '22023' SET MESSAGE_TEXT = 'keep_versions must be at least 1';
    END IF;
    SELECT n.owner, n.owner = caller OR IFNULL(g.privilege = 'train', FALSE), n.deployed_version IS NULL OR n.deployed_loss IS NOT NULL
      INTO model_owner, may_train, comparable
      FROM tablenet.names AS n LEFT JOIN tablenet.grants AS g ON g.name = n.name AND g.user = caller
     WHERE n.name = model_name;
    IF model_owner IS NULL THEN
        -- Every event has the same USER(), whoever made it, and an anonymous account any that its client says.
        IF caller IN ('', 'event_scheduler') THEN
            SET message = CONCAT('model "', model_name, '" does not exist, and an event cannot own one');
            SIGNAL SQLSTATE '42501' SET MESSAGE_TEXT = message;
        END IF;
    ELSEIF NOT may_train THEN
        SET message = CONCAT('model "', model_name, '" belongs to another user');
        SIGNAL SQLSTATE '42501' SET MESSAGE_TEXT = message;
    ELSEIF deploy_rule = 'if_better' AND NOT comparable THEN
        SET message = CONCAT('model "', LEFT(model_name, 48), '": deploy "if_better": the deployed version has no val_loss');
        SIGNAL SQLSTATE '22023' SET MESSAGE_TEXT = message;
    END IF;
END //

-- Stores a model under the next version of its name. What is known of its training comes from the library, not from the caller.
DROP PROCEDURE IF EXISTS tablenet.store //
CREATE DEFINER = `tablenet`@`localhost` PROCEDURE tablenet.store(
    IN model_name TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    IN training_query LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    IN training_target LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    IN training_spec LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    IN deploy_rule TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    IN keep_versions INT,
    IN model_file LONGBLOB,
    OUT new_version INT UNSIGNED)
    MODIFIES SQL DATA SQL SECURITY DEFINER
    COMMENT 'tablenet: stores a model file under a name'
BEGIN
    DECLARE caller VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
        DEFAULT LEFT(USER(), CHAR_LENGTH(USER()) - LOCATE('@', REVERSE(USER())));
    DECLARE info, report LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
    DECLARE oldest INT UNSIGNED;
    DECLARE safe_updates BOOLEAN DEFAULT @@sql_safe_updates;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        SET SESSION sql_safe_updates = safe_updates;
        RESIGNAL;
    END;
    CALL tablenet.check_training(model_name, deploy_rule, keep_versions);
    -- Bytes that are no model are an error of ml_info.
    SET info = ml_info(model_file), report = ml_report(model_file);
    IF info IS NULL THEN
        SIGNAL SQLSTATE '22004' SET MESSAGE_TEXT = 'the model is NULL';
    END IF;
    INSERT INTO tablenet.models (
        name, version, owner, trained_by, query, target, spec, deploy, task, settings,
        `rows`, training_rows, validation_rows, epochs, loss, val_loss,
        metrics, history, notices, parameters, seconds, library_version, size, sha256, model)
    VALUES (
        model_name, 0, caller, caller, training_query, training_target, training_spec, deploy_rule,
        JSON_VALUE(info, '$.task'), JSON_EXTRACT(report, '$.settings'),
        JSON_VALUE(report, '$.rows'), JSON_VALUE(report, '$.training_rows'), JSON_VALUE(report, '$.validation_rows'),
        JSON_VALUE(report, '$.epochs'),
        JSON_VALUE(info, '$.results.loss'), JSON_VALUE(info, '$.results.val_loss'), JSON_EXTRACT(info, '$.results.metrics'),
        JSON_EXTRACT(report, '$.history'), JSON_EXTRACT(report, '$.notices'),
        JSON_VALUE(info, '$.parameters'), JSON_VALUE(report, '$.seconds'),
        ml_version(), OCTET_LENGTH(model_file), SHA2(model_file, 256), model_file);
    SET new_version = @tablenet_version;
    -- The deployed version stays, however old. names comes first, as in the trigger: whoever locks does so in this order.
    SELECT m.version INTO oldest FROM tablenet.models AS m
     WHERE m.name = model_name AND m.version <= new_version ORDER BY m.version DESC LIMIT 1 OFFSET keep_versions;
    IF oldest IS NOT NULL THEN
        -- It refuses to delete a range in several tables.
        SET SESSION sql_safe_updates = FALSE;
        DELETE m FROM tablenet.names AS n STRAIGHT_JOIN tablenet.models AS m FORCE INDEX (PRIMARY) ON m.name = n.name
         WHERE n.name = model_name AND m.version <= oldest AND NOT (m.version <=> n.deployed_version);
        SET SESSION sql_safe_updates = safe_updates;
    END IF;
END //

-- Puts another version to use: a number, 'previous' (the one in use before) or 'best' (the lowest val_loss).
DROP PROCEDURE IF EXISTS tablenet.deploy //
CREATE DEFINER = `tablenet`@`localhost` PROCEDURE tablenet.deploy(
    IN model_name TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    IN which TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    OUT new_version INT UNSIGNED)
    MODIFIES SQL DATA SQL SECURITY DEFINER
    COMMENT 'tablenet: puts another version of a model to use'
BEGIN
    DECLARE caller VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
        DEFAULT LEFT(USER(), CHAR_LENGTH(USER()) - LOCATE('@', REVERSE(USER())));
    DECLARE message VARCHAR(128) CHARACTER SET utf8mb4;
    DECLARE deployed, previous INT UNSIGNED;
    DECLARE may_use, may_train BOOLEAN DEFAULT FALSE;
    SELECT n.deployed_version, n.previous_version, TRUE, n.owner = caller OR g.privilege = 'train'
      INTO deployed, previous, may_use, may_train
      FROM tablenet.names AS n LEFT JOIN tablenet.grants AS g ON g.name = n.name AND g.user = caller
     WHERE n.name = model_name AND (n.owner = caller OR g.user IS NOT NULL);
    IF NOT may_use THEN
        SET message = CONCAT('model "', LEFT(IFNULL(model_name, ''), 63), '" does not exist');
        SIGNAL SQLSTATE '42704' SET MESSAGE_TEXT = message;
    ELSEIF NOT may_train THEN
        SET message = CONCAT('only those who may train model "', model_name, '" may deploy it');
        SIGNAL SQLSTATE '42501' SET MESSAGE_TEXT = message;
    END IF;
    SET new_version = CASE WHEN which = 'previous' THEN previous WHEN which REGEXP '^[0-9]{1,9}$' THEN CAST(which AS UNSIGNED) END;
    IF which = 'best' THEN
        SELECT m.version INTO new_version FROM tablenet.models AS m
         WHERE m.name = model_name AND m.val_loss IS NOT NULL
         ORDER BY m.val_loss, m.version DESC LIMIT 1;
    END IF;
    -- One statement, which finds the version again: a training may drop it meanwhile.
    UPDATE tablenet.names AS n STRAIGHT_JOIN tablenet.models AS m ON m.name = n.name AND m.version = new_version
       SET n.previous_version = IF(n.deployed_version <=> m.version, n.previous_version, n.deployed_version),
           n.deployed_version = m.version,
           n.deployed_loss = m.val_loss,
           n.deployments = n.deployments + 1
     WHERE n.name = model_name;
    IF ROW_COUNT() = 0 THEN
        SET message = CASE
            WHEN which = 'previous' THEN CONCAT('model "', model_name, '" has no previous version')
            WHEN which = 'best' THEN CONCAT('no version of model "', model_name, '" has a val_loss')
            WHEN which REGEXP '^[0-9]{1,9}$' THEN CONCAT('model "', model_name, '" has no version ', which)
            ELSE CONCAT('the version must be a number, "previous" or "best", not "', LEFT(IFNULL(which, 'NULL'), 60), '"') END;
        SIGNAL SQLSTATE '22023' SET MESSAGE_TEXT = message;
    END IF;
END //

-- Signals why the caller may not do to this model what only its owner may. Without locks: what is another's, or nobody's,
-- must not be locked until the caller's transaction ends.
DROP PROCEDURE IF EXISTS tablenet.check_owner //
CREATE DEFINER = `tablenet`@`localhost` PROCEDURE tablenet.check_owner(
    IN model_name TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    IN verb VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)
    READS SQL DATA SQL SECURITY DEFINER
    COMMENT 'tablenet: signals why the caller is not the owner of a model'
BEGIN
    DECLARE caller VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
        DEFAULT LEFT(USER(), CHAR_LENGTH(USER()) - LOCATE('@', REVERSE(USER())));
    DECLARE message VARCHAR(128) CHARACTER SET utf8mb4;
    DECLARE owned, granted BOOLEAN DEFAULT FALSE;
    SELECT n.owner = caller, g.user IS NOT NULL INTO owned, granted
      FROM tablenet.names AS n LEFT JOIN tablenet.grants AS g ON g.name = n.name AND g.user = caller
     WHERE n.name = model_name;
    IF granted AND NOT owned THEN
        SET message = CONCAT('only its owner may ', verb, ' model "', model_name, '"');
        SIGNAL SQLSTATE '42501' SET MESSAGE_TEXT = message;
    ELSEIF NOT owned THEN
        SET message = CONCAT('model "', LEFT(IFNULL(model_name, ''), 63), '" does not exist');
        SIGNAL SQLSTATE '42704' SET MESSAGE_TEXT = message;
    END IF;
END //

-- Deletes a model, its versions and its grants, in one statement.
DROP PROCEDURE IF EXISTS tablenet.drop_model //
CREATE DEFINER = `tablenet`@`localhost` PROCEDURE tablenet.drop_model(
    IN model_name TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)
    MODIFIES SQL DATA SQL SECURITY DEFINER
    COMMENT 'tablenet: deletes a model with all its versions'
BEGIN
    DECLARE caller VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
        DEFAULT LEFT(USER(), CHAR_LENGTH(USER()) - LOCATE('@', REVERSE(USER())));
    DECLARE message VARCHAR(128) CHARACTER SET utf8mb4;
    CALL tablenet.check_owner(model_name, 'drop');
    DELETE n, m, g
      FROM tablenet.names AS n
      LEFT JOIN tablenet.models AS m FORCE INDEX (PRIMARY) ON m.name = n.name
      LEFT JOIN tablenet.grants AS g FORCE INDEX (PRIMARY) ON g.name = n.name
     WHERE n.name = model_name AND n.owner = caller;
    -- Another session of the owner was faster.
    IF ROW_COUNT() = 0 THEN
        SET message = CONCAT('model "', model_name, '" does not exist');
        SIGNAL SQLSTATE '42704' SET MESSAGE_TEXT = message;
    END IF;
END //

-- Lets another user predict with a model, or train it too.
DROP PROCEDURE IF EXISTS tablenet.grant_model //
CREATE DEFINER = `tablenet`@`localhost` PROCEDURE tablenet.grant_model(
    IN model_name TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    IN user_name TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    IN privilege_name TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)
    MODIFIES SQL DATA SQL SECURITY DEFINER
    COMMENT 'tablenet: lets another user use a model'
BEGIN
    DECLARE caller VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
        DEFAULT LEFT(USER(), CHAR_LENGTH(USER()) - LOCATE('@', REVERSE(USER())));
    DECLARE message VARCHAR(128) CHARACTER SET utf8mb4;
    CALL tablenet.check_owner(model_name, 'grant');
    IF privilege_name IS NULL OR privilege_name NOT IN ('predict', 'train') THEN
        SET message = CONCAT('the privilege must be "predict" or "train", not "', LEFT(IFNULL(privilege_name, 'NULL'), 60), '"');
        SIGNAL SQLSTATE '22023' SET MESSAGE_TEXT = message;
    ELSEIF user_name IS NULL OR user_name = '' OR CHAR_LENGTH(user_name) > 128 OR user_name REGEXP '@(%|localhost)$' THEN
        SET message = CONCAT('give the user as in USER(), without the host, not "', LEFT(IFNULL(user_name, 'NULL'), 60), '"');
        SIGNAL SQLSTATE '22023' SET MESSAGE_TEXT = message;
    END IF;
    INSERT INTO tablenet.grants (name, user, privilege)
    SELECT n.name, user_name, privilege_name FROM tablenet.names AS n WHERE n.name = model_name AND n.owner = caller
        ON DUPLICATE KEY UPDATE privilege = IF(privilege_name = 'train', 'train', tablenet.grants.privilege);
END //

-- Takes 'predict' (with it goes 'train') or 'train' (what stays is 'predict') back.
DROP PROCEDURE IF EXISTS tablenet.revoke_model //
CREATE DEFINER = `tablenet`@`localhost` PROCEDURE tablenet.revoke_model(
    IN model_name TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    IN user_name TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    IN privilege_name TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)
    MODIFIES SQL DATA SQL SECURITY DEFINER
    COMMENT 'tablenet: takes a grant back'
BEGIN
    DECLARE caller VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
        DEFAULT LEFT(USER(), CHAR_LENGTH(USER()) - LOCATE('@', REVERSE(USER())));
    DECLARE message VARCHAR(128) CHARACTER SET utf8mb4;
    DECLARE found BOOLEAN DEFAULT FALSE;
    CALL tablenet.check_owner(model_name, 'revoke');
    IF privilege_name IS NULL OR privilege_name NOT IN ('predict', 'train') THEN
        SET message = CONCAT('the privilege must be "predict" or "train", not "', LEFT(IFNULL(privilege_name, 'NULL'), 60), '"');
        SIGNAL SQLSTATE '22023' SET MESSAGE_TEXT = message;
    END IF;
    SELECT COUNT(*) INTO found FROM tablenet.grants AS g
     WHERE g.name = model_name AND g.user = user_name AND privilege_name IN ('predict', g.privilege);
    IF found AND privilege_name = 'predict' THEN
        DELETE g FROM tablenet.grants AS g JOIN tablenet.names AS n ON n.name = g.name
         WHERE g.name = model_name AND g.user = user_name AND n.owner = caller;
        SET found = ROW_COUNT() > 0;
    ELSEIF found THEN
        UPDATE tablenet.grants AS g JOIN tablenet.names AS n ON n.name = g.name SET g.privilege = 'predict'
         WHERE g.name = model_name AND g.user = user_name AND n.owner = caller AND g.privilege = 'train';
        SET found = ROW_COUNT() > 0;
    END IF;
    IF NOT found THEN
        SET message = CONCAT('user "', LEFT(IFNULL(user_name, 'NULL'), 32), '" has no such right on "', model_name, '"');
        SIGNAL SQLSTATE '22023' SET MESSAGE_TEXT = message;
    END IF;
END //

DELIMITER ;

-- What a user may see: the models that they own or were granted. The server may compute a condition that the caller
-- adds before those of the view; so every column but name and version tells nothing in a row that is not the
-- caller's. The caller is the user without the host. Nobody is granted this view, the others build on it.
CREATE OR REPLACE DEFINER = `tablenet`@`localhost` SQL SECURITY DEFINER VIEW tablenet.visible AS
SELECT m.name,
       m.version,
       n.deployed_version,
       n.deployed_version <=> m.version AS deployed,
       m.owner = caller.name OR g.name = m.name AND g.privilege = 'train' AS may_train,
       IF(m.owner = caller.name OR g.name = m.name, m.owner, NULL) AS owner,
       IF(m.owner = caller.name OR g.name = m.name, m.trained_by, NULL) AS trained_by,
       IF(m.owner = caller.name OR g.name = m.name, m.query, NULL) AS query,
       IF(m.owner = caller.name OR g.name = m.name, m.target, NULL) AS target,
       IF(m.owner = caller.name OR g.name = m.name, m.spec, NULL) AS spec,
       IF(m.owner = caller.name OR g.name = m.name, m.deploy, NULL) AS deploy,
       IF(m.owner = caller.name OR g.name = m.name, m.task, NULL) AS task,
       IF(m.owner = caller.name OR g.name = m.name, m.settings, NULL) AS settings,
       IF(m.owner = caller.name OR g.name = m.name, m.`rows`, NULL) AS `rows`,
       IF(m.owner = caller.name OR g.name = m.name, m.training_rows, NULL) AS training_rows,
       IF(m.owner = caller.name OR g.name = m.name, m.validation_rows, NULL) AS validation_rows,
       IF(m.owner = caller.name OR g.name = m.name, m.epochs, NULL) AS epochs,
       IF(m.owner = caller.name OR g.name = m.name, m.loss, NULL) AS loss,
       IF(m.owner = caller.name OR g.name = m.name, m.val_loss, NULL) AS val_loss,
       IF(m.owner = caller.name OR g.name = m.name, m.metrics, NULL) AS metrics,
       IF(m.owner = caller.name OR g.name = m.name, m.history, NULL) AS history,
       IF(m.owner = caller.name OR g.name = m.name, m.notices, NULL) AS notices,
       IF(m.owner = caller.name OR g.name = m.name, m.parameters, NULL) AS parameters,
       IF(m.owner = caller.name OR g.name = m.name, m.seconds, NULL) AS seconds,
       IF(m.owner = caller.name OR g.name = m.name, m.created, NULL) AS created,
       IF(m.owner = caller.name OR g.name = m.name, m.library_version, NULL) AS library_version,
       IF(m.owner = caller.name OR g.name = m.name, m.size, NULL) AS size,
       IF(m.owner = caller.name OR g.name = m.name, m.sha256, NULL) AS sha256,
       IF(m.owner = caller.name OR g.name = m.name, m.model, NULL) AS model
  FROM tablenet.models AS m
  JOIN tablenet.names AS n ON n.name = m.name
  JOIN (SELECT CONVERT(LEFT(USER(), CHAR_LENGTH(USER()) - LOCATE('@', REVERSE(USER()))) USING utf8mb4) COLLATE utf8mb4_bin AS name) AS caller
  LEFT JOIN tablenet.grants AS g ON g.name = m.name AND g.user = caller.name
 WHERE m.owner = caller.name OR g.name IS NOT NULL;

-- The version of each model that is in use: ml_predict((SELECT ml_ref(model) FROM tablenet.deployed WHERE name = 'x'), ..)
CREATE OR REPLACE DEFINER = `tablenet`@`localhost` SQL SECURITY DEFINER VIEW tablenet.deployed AS
SELECT v.name, v.version, v.owner, v.task, v.target, v.`rows`, v.epochs, v.loss, v.val_loss, v.metrics, v.created, v.size, v.model
  FROM tablenet.visible AS v
 WHERE v.version = v.deployed_version;

-- Every version. What it was trained with is for those who may train it.
CREATE OR REPLACE DEFINER = `tablenet`@`localhost` SQL SECURITY DEFINER VIEW tablenet.versions AS
SELECT v.name, v.version, v.deployed, v.owner, v.trained_by, v.task, v.target, v.`rows`, v.training_rows, v.validation_rows,
       v.epochs, v.loss, v.val_loss, v.metrics, v.parameters, v.seconds, v.created,
       IF(v.may_train, v.query, NULL) AS query, IF(v.may_train, v.spec, NULL) AS spec, v.deploy, v.settings, v.notices,
       v.library_version, v.size, v.sha256
  FROM tablenet.visible AS v;

-- The model file of every version.
CREATE OR REPLACE DEFINER = `tablenet`@`localhost` SQL SECURITY DEFINER VIEW tablenet.files AS
SELECT v.name, v.version, v.deployed, v.model
  FROM tablenet.visible AS v;

-- What the trainings logged, epoch by epoch. On the tables: MySQL cannot unpack a column of a view here.
CREATE OR REPLACE DEFINER = `tablenet`@`localhost` SQL SECURITY DEFINER VIEW tablenet.history AS
SELECT m.name, m.version, n.deployed_version <=> m.version AS deployed, e.epoch, e.loss, e.val_loss,
       (SELECT JSON_OBJECTAGG(p.metric, p.value)
          FROM JSON_TABLE(e.metrics, '$[*]' COLUMNS (
              metric VARCHAR(64) CHARACTER SET utf8mb4 PATH '$[0]', value DOUBLE PATH '$[1]')) AS p) AS metrics,
       (SELECT JSON_OBJECTAGG(p.metric, p.value)
          FROM JSON_TABLE(e.val_metrics, '$[*]' COLUMNS (
              metric VARCHAR(64) CHARACTER SET utf8mb4 PATH '$[0]', value DOUBLE PATH '$[1]')) AS p) AS val_metrics,
       e.seconds
  FROM tablenet.models AS m
  JOIN tablenet.names AS n ON n.name = m.name
  JOIN (SELECT CONVERT(LEFT(USER(), CHAR_LENGTH(USER()) - LOCATE('@', REVERSE(USER()))) USING utf8mb4) COLLATE utf8mb4_bin AS name) AS caller
  LEFT JOIN tablenet.grants AS g ON g.name = m.name AND g.user = caller.name
  JOIN JSON_TABLE(
           IF(m.owner = caller.name OR g.name = m.name, m.history, NULL),
           '$.epochs[*]' COLUMNS (
               epoch INT UNSIGNED PATH '$.epoch', loss DOUBLE PATH '$.loss', val_loss DOUBLE PATH '$.val_loss',
               metrics JSON PATH '$.metrics', val_metrics JSON PATH '$.val_metrics', seconds DOUBLE PATH '$.seconds')) AS e
 WHERE m.owner = caller.name OR g.name IS NOT NULL;

-- Who else may use the caller's models, and whose the caller may use.
CREATE OR REPLACE DEFINER = `tablenet`@`localhost` SQL SECURITY DEFINER VIEW tablenet.my_grants AS
SELECT g.name,
       IF(caller.name IN (n.owner, g.user), n.owner, NULL) AS owner,
       IF(caller.name IN (n.owner, g.user), g.user, NULL) AS user,
       IF(caller.name IN (n.owner, g.user), g.privilege, NULL) AS privilege
  FROM tablenet.grants AS g
  JOIN tablenet.names AS n ON n.name = g.name
  JOIN (SELECT CONVERT(LEFT(USER(), CHAR_LENGTH(USER()) - LOCATE('@', REVERSE(USER()))) USING utf8mb4) COLLATE utf8mb4_bin AS name) AS caller
 WHERE caller.name IN (n.owner, g.user);

-- The account needs what its own routines and views use; the role is for those who train and predict.
CREATE ROLE IF NOT EXISTS tablenet_user;
GRANT SELECT ON tablenet.deployed TO tablenet_user;
GRANT SELECT ON tablenet.versions TO tablenet_user;
GRANT SELECT ON tablenet.files TO tablenet_user;
GRANT SELECT ON tablenet.history TO tablenet_user;
GRANT SELECT ON tablenet.my_grants TO tablenet_user;
GRANT EXECUTE ON PROCEDURE tablenet.check_training TO `tablenet`@`localhost`, tablenet_user;
GRANT EXECUTE ON PROCEDURE tablenet.check_owner TO `tablenet`@`localhost`;
GRANT EXECUTE ON PROCEDURE tablenet.store TO `tablenet`@`localhost`, tablenet_user;
GRANT EXECUTE ON PROCEDURE tablenet.deploy TO `tablenet`@`localhost`, tablenet_user;
GRANT EXECUTE ON PROCEDURE tablenet.drop_model TO `tablenet`@`localhost`, tablenet_user;
GRANT EXECUTE ON PROCEDURE tablenet.grant_model TO `tablenet`@`localhost`, tablenet_user;
GRANT EXECUTE ON PROCEDURE tablenet.revoke_model TO `tablenet`@`localhost`, tablenet_user;

SET sql_mode = @tablenet_sql_mode,
    character_set_client = @tablenet_client,
    character_set_results = @tablenet_results,
    collation_connection = @tablenet_connection;
SET sql_log_bin = @tablenet_log_bin;
