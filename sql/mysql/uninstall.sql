-- tablenet for MySQL and MariaDB: removes the loadable functions. Run it on each server by itself (see install.sql).

SET @tablenet_log_bin = @@sql_log_bin;
SET sql_log_bin = 0;

DROP FUNCTION IF EXISTS ml_version;

SET sql_log_bin = @tablenet_log_bin;
