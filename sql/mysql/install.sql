-- tablenet for MySQL and MariaDB: declares the loadable functions.
--
-- First put the library where the server looks for it, under the name used below:
--   install -m 755 target/release/libtablenet_mysql.so "$(mysql -Nse 'SELECT @@plugin_dir')/tablenet_mysql.so.tmp"
--   then rename it to tablenet_mysql.so. Never copy over a library that a server has loaded.
-- Needs INSERT on the schema mysql. Running it again changes nothing.

-- CREATE FUNCTION .. SONAME is written to the binary log, and a replica without the library would stop at it:
-- install on each server by itself.
SET @tablenet_log_bin = @@sql_log_bin;
SET sql_log_bin = 0;

CREATE FUNCTION IF NOT EXISTS ml_version RETURNS STRING SONAME 'tablenet_mysql.so';

SET sql_log_bin = @tablenet_log_bin;
