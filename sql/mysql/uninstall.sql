-- tablenet for MySQL and MariaDB: removes the functions, the schema tablenet with ALL MODELS, the role and the account.
-- Run it on each server by itself (install.sql says why). The library's file stays; remove it from @@plugin_dir afterwards.

SET @tablenet_log_bin = @@sql_log_bin;
SET sql_log_bin = 0;

DROP DATABASE IF EXISTS tablenet;
DROP ROLE IF EXISTS tablenet_user;
DROP USER IF EXISTS `tablenet`@`localhost`;

DROP FUNCTION IF EXISTS ml_version;
DROP FUNCTION IF EXISTS ml_train_agg;
DROP FUNCTION IF EXISTS ml_report;
DROP FUNCTION IF EXISTS ml_ref;
DROP FUNCTION IF EXISTS ml_predict;
DROP FUNCTION IF EXISTS ml_predict_class;
DROP FUNCTION IF EXISTS ml_predict_proba;
DROP FUNCTION IF EXISTS ml_predict_values;
DROP FUNCTION IF EXISTS ml_evaluate_agg;
DROP FUNCTION IF EXISTS ml_info;
DROP FUNCTION IF EXISTS ml_summary;

SET sql_log_bin = @tablenet_log_bin;

-- What procedures.sql made in other databases stays until somebody says so:
SELECT CONCAT('DROP PROCEDURE `', REPLACE(ROUTINE_SCHEMA, '`', '``'), '`.`', ROUTINE_NAME, '`;') AS `type this to remove the procedures too`
  FROM information_schema.ROUTINES
 WHERE ROUTINE_COMMENT LIKE 'tablenet: %'
 ORDER BY ROUTINE_SCHEMA, ROUTINE_NAME;
