-- A model as a value. The type is the model file behind its sha256; as text it is the file in base64. It has no implicit
-- casts, and is not in the category of strings: ml_predict('price', ...) is a model by its name, whatever else there is.
CREATE TYPE tablenet.model;

CREATE FUNCTION tablenet.model_in(cstring) RETURNS tablenet.model
    LANGUAGE c IMMUTABLE PARALLEL SAFE STRICT COST 100000
    AS 'MODULE_PATHNAME', 'tablenet_value_in';
CREATE FUNCTION tablenet.model_out(tablenet.model) RETURNS cstring
    LANGUAGE c IMMUTABLE PARALLEL SAFE STRICT COST 1000
    AS 'MODULE_PATHNAME', 'tablenet_value_out';
CREATE FUNCTION tablenet.model_recv(internal) RETURNS tablenet.model
    LANGUAGE c IMMUTABLE PARALLEL SAFE STRICT COST 100000
    AS 'MODULE_PATHNAME', 'tablenet_value_recv';
CREATE FUNCTION tablenet.model_send(tablenet.model) RETURNS bytea
    LANGUAGE c IMMUTABLE PARALLEL SAFE STRICT COST 1000
    AS 'MODULE_PATHNAME', 'tablenet_value_send';

-- The weights do not compress, and the digest in front must be readable without the rest.
CREATE TYPE tablenet.model (
    INPUT = tablenet.model_in,
    OUTPUT = tablenet.model_out,
    RECEIVE = tablenet.model_recv,
    SEND = tablenet.model_send,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = int4,
    STORAGE = external,
    CATEGORY = 'U');
COMMENT ON TYPE tablenet.model IS 'a trained model as a value; as text the base64 of its file';

CREATE FUNCTION tablenet.model(bytea) RETURNS tablenet.model
    LANGUAGE c IMMUTABLE PARALLEL SAFE STRICT COST 100000
    AS 'MODULE_PATHNAME', 'tablenet_value_of_bytea';
COMMENT ON FUNCTION tablenet.model(bytea) IS 'the model in the bytes of a model file';
CREATE FUNCTION tablenet.bytea(tablenet.model) RETURNS bytea
    LANGUAGE c IMMUTABLE PARALLEL SAFE STRICT COST 1000
    AS 'MODULE_PATHNAME', 'tablenet_value_bytea';
COMMENT ON FUNCTION tablenet.bytea(tablenet.model) IS 'the model file of a model';
CREATE CAST (bytea AS tablenet.model) WITH FUNCTION tablenet.model(bytea);
CREATE CAST (tablenet.model AS bytea) WITH FUNCTION tablenet.bytea(tablenet.model);

CREATE FUNCTION ml_model(model text) RETURNS tablenet.model
    LANGUAGE c STABLE PARALLEL SAFE STRICT COST 100000
    AS 'MODULE_PATHNAME', 'tablenet_model';
COMMENT ON FUNCTION ml_model(text) IS
    'the model of a name as a value; an error where there is none';

-- IMMUTABLE: the answer depends on the arguments alone. Each row costs what it costs by name.
CREATE FUNCTION ml_predict(model tablenet.model, VARIADIC features "any") RETURNS float8
    LANGUAGE c IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT SUPPORT tablenet.predict_support COST 75
    AS 'MODULE_PATHNAME', 'tablenet_value_predict';
COMMENT ON FUNCTION ml_predict(tablenet.model, VARIADIC "any") IS
    'what ml_predict() answers by name, of a model that is a value';

CREATE FUNCTION ml_predict_class(model tablenet.model, VARIADIC features "any") RETURNS text
    LANGUAGE c IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT SUPPORT tablenet.predict_support COST 100
    AS 'MODULE_PATHNAME', 'tablenet_value_predict_class';
COMMENT ON FUNCTION ml_predict_class(tablenet.model, VARIADIC "any") IS
    'the most probable label, of a model that is a value';

CREATE FUNCTION ml_predict_proba(model tablenet.model, VARIADIC features "any") RETURNS jsonb
    LANGUAGE c IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT SUPPORT tablenet.predict_support COST 250
    AS 'MODULE_PATHNAME', 'tablenet_value_predict_proba';
COMMENT ON FUNCTION ml_predict_proba(tablenet.model, VARIADIC "any") IS
    'the probability of every label, of a model that is a value';

CREATE FUNCTION ml_predict_values(model tablenet.model, VARIADIC features "any") RETURNS float4[]
    LANGUAGE c IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT SUPPORT tablenet.predict_support COST 100
    AS 'MODULE_PATHNAME', 'tablenet_value_predict_values';
COMMENT ON FUNCTION ml_predict_values(tablenet.model, VARIADIC "any") IS
    'the outputs of the network, of a model that is a value';

-- The state is what a group has read so far, in memory of the library's own. SSPACE is what the planner thinks of it: it sorts
-- by group, so that one group at a time has all of tablenet.work_mem. The model takes the state up, so there is no other use of it.
CREATE FUNCTION tablenet.train_agg_step(internal, jsonb, "any", VARIADIC "any") RETURNS internal
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT COST 10
    AS 'MODULE_PATHNAME', 'tablenet_train_agg_step';
CREATE FUNCTION tablenet.train_agg_end(internal) RETURNS tablenet.model
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT COST 10000
    AS 'MODULE_PATHNAME', 'tablenet_train_agg_end';
CREATE AGGREGATE ml_train_agg(spec jsonb, target "any", VARIADIC features "any") (
    SFUNC = tablenet.train_agg_step,
    STYPE = internal,
    SSPACE = 2000000000,
    FINALFUNC = tablenet.train_agg_end,
    FINALFUNC_MODIFY = READ_WRITE,
    PARALLEL = UNSAFE);
COMMENT ON AGGREGATE ml_train_agg(jsonb, "any", VARIADIC "any") IS
    'trains a model on the rows of each group; features: a row (by name), or values in their order';
