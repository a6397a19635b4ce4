-- Who may touch what; the last part of every script. First everything is taken from everybody: ALTER DEFAULT PRIVILEGES may
-- have given tables, sequences and the schema to any role while they were made, and whoever writes stored_grant, or puts a
-- trigger on it, has every model. What it says of functions stays as it is.
DO LANGUAGE plpgsql $$
DECLARE
    role text;
BEGIN
    FOR role IN
        SELECT DISTINCT CASE WHEN a.grantee OPERATOR(pg_catalog.=) 0 THEN 'PUBLIC' ELSE a.grantee::pg_catalog.regrole::text END
          FROM (SELECT nspacl, nspowner FROM pg_catalog.pg_namespace WHERE nspname OPERATOR(pg_catalog.=) 'tablenet'
                 UNION ALL
                SELECT relacl, relowner FROM pg_catalog.pg_class
                 WHERE relnamespace OPERATOR(pg_catalog.=) 'tablenet'::pg_catalog.regnamespace) AS made (acl, owner)
         CROSS JOIN LATERAL pg_catalog.aclexplode(made.acl) AS a
         WHERE a.grantee OPERATOR(pg_catalog.<>) made.owner
    LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON SCHEMA tablenet FROM %s', role);
        EXECUTE pg_catalog.format('REVOKE ALL ON ALL TABLES IN SCHEMA tablenet FROM %s', role);
        EXECUTE pg_catalog.format('REVOKE ALL ON ALL SEQUENCES IN SCHEMA tablenet FROM %s', role);
    END LOOP;
END $$;
GRANT USAGE ON SCHEMA tablenet TO PUBLIC;
GRANT SELECT ON tablenet.models, tablenet.versions, tablenet.history, tablenet.grants, tablenet.progress TO PUBLIC;

-- Everybody may call every function, since rights are per model. A site that wants only some roles to make and change models
-- runs this, with a role of its own in place of trainers; scoring and looking stay open to whoever has a right on a model.
--   REVOKE EXECUTE ON ROUTINE ml_train(text, text, text, jsonb, text, text, text[], int, int, float8, text, text, text, text,
--       text[], text, text, boolean, bigint, float8, text, boolean, text, text, int),
--       ml_train(text, text, text[], jsonb, text, text, text[], int, int, float8, text, text, text, text,
--       text[], text, text, boolean, bigint, float8, text, boolean, text, text, int),
--       ml_partial_fit, ml_import, ml_train_agg, ml_deploy(text, text), ml_deploy(text, int), ml_rename, ml_drop(text), ml_drop(text, int), ml_grant, ml_revoke
--       FROM PUBLIC;
--   GRANT EXECUTE ON ROUTINE ml_train(text, text, text, jsonb, text, text, text[], int, int, float8, text, text, text, text,
--       text[], text, text, boolean, bigint, float8, text, boolean, text, text, int),
--       ml_train(text, text, text[], jsonb, text, text, text[], int, int, float8, text, text, text, text,
--       text[], text, text, boolean, bigint, float8, text, boolean, text, text, int),
--       ml_partial_fit, ml_import, ml_train_agg, ml_deploy(text, text), ml_deploy(text, int), ml_rename, ml_drop(text), ml_drop(text, int), ml_grant, ml_revoke
--       TO trainers;
