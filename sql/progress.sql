-- Whoever may see the query of a session in pg_stat_activity sees here how far its training is. The text is anybody's: what
-- does not look as ours is no row, and whatever does must be readable as numbers.
CREATE VIEW tablenet.progress WITH (security_barrier) AS
SELECT a.pid,
       a.usename,
       pg_catalog.replace(t.part[7], '""', '"') AS model,
       t.part[1] AS phase,
       t.part[2]::bigint AS rows,
       t.part[3]::int AS epoch,
       t.part[4]::int AS epochs,
       t.part[5]::float8 AS loss,
       t.part[6]::float8 AS val_loss,
       a.query_start AS started
  FROM pg_catalog.pg_stat_activity AS a
 CROSS JOIN LATERAL pg_catalog.regexp_match(a.query,
           '^/[*] tablenet: (waiting|reading|training|storing), ([0-9]{1,18}) rows'
           '(?:, epoch ([0-9]{1,9}) of ([0-9]{1,9}))?'
           '(?:, loss ([0-9]{1,18}(?:[.][0-9]{1,18})?(?:e-?[0-9]{1,2})?))?'
           '(?:, val_loss ([0-9]{1,18}(?:[.][0-9]{1,18})?(?:e-?[0-9]{1,2})?))?'
           '(?:, model "((?:[^"]|"")*))?') AS t (part)
 WHERE a.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()
   AND a.state OPERATOR(pg_catalog.=) 'active'
   AND t.part IS NOT NULL;
COMMENT ON VIEW tablenet.progress IS
    'the trainings that run in this database, of all sessions whose query you may see: how many rows are read, which epoch ended last and with which loss';
