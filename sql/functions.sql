-- Scoring. STABLE: the answer depends on the models that the statement's snapshot sees. PARALLEL SAFE: they only read,
-- and no transaction id is assigned. Not STRICT: a NULL feature is data for the model's own policy.
-- COST is in additions of two float8, PostgreSQL's own unit, measured on 1,000,000 rows of f1 .. f28 in one process and
-- through 28-64-64-1: the time of sum(ml_predict('m', f1, ..., f28)) beyond that of sum(f28), divided by a 27th of the time
-- of sum(f1 + ... + f28) beyond it. One addition took 5.2 ns, ml_predict 74 of them, ml_predict_class 96,
-- ml_predict_values 105, ml_predict_proba 248 (2 features through 2-64-1: 10; 28-256-256-1: 450).
CREATE FUNCTION tablenet.predict_support(internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE STRICT
    AS 'MODULE_PATHNAME', 'tablenet_predict_support';
COMMENT ON FUNCTION tablenet.predict_support(internal) IS
    'what the planner asks about ml_predict() and its siblings: a whole row becomes its columns';

CREATE FUNCTION ml_predict(model text, VARIADIC features "any") RETURNS float8
    LANGUAGE c STABLE PARALLEL SAFE CALLED ON NULL INPUT SUPPORT tablenet.predict_support COST 75
    AS 'MODULE_PATHNAME', 'tablenet_predict';
COMMENT ON FUNCTION ml_predict(text, VARIADIC "any") IS
    'the predicted value in the target''s own units, or the probability of the positive one of two classes; features: a row or jsonb object (by name), or values in training order';

CREATE FUNCTION ml_predict_class(model text, VARIADIC features "any") RETURNS text
    LANGUAGE c STABLE PARALLEL SAFE CALLED ON NULL INPUT SUPPORT tablenet.predict_support COST 100
    AS 'MODULE_PATHNAME', 'tablenet_predict_class';
COMMENT ON FUNCTION ml_predict_class(text, VARIADIC "any") IS
    'the most probable label; features as for ml_predict()';

CREATE FUNCTION ml_predict_proba(model text, VARIADIC features "any") RETURNS jsonb
    LANGUAGE c STABLE PARALLEL SAFE CALLED ON NULL INPUT SUPPORT tablenet.predict_support COST 250
    AS 'MODULE_PATHNAME', 'tablenet_predict_proba';
COMMENT ON FUNCTION ml_predict_proba(text, VARIADIC "any") IS
    'the probability of every label, as {"label": probability}; features as for ml_predict()';

CREATE FUNCTION ml_predict_values(model text, VARIADIC features "any") RETURNS float4[]
    LANGUAGE c STABLE PARALLEL SAFE CALLED ON NULL INPUT SUPPORT tablenet.predict_support COST 100
    AS 'MODULE_PATHNAME', 'tablenet_predict_values';
COMMENT ON FUNCTION ml_predict_values(text, VARIADIC "any") IS
    'the outputs of the network: values in the target''s own units, or one probability per class; features as for ml_predict()';
