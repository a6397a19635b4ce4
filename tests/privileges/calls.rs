//! What is asked: every function of the extension in its forms, and what each needs.

use super::roles::Right;
use Right::{Own, Predict, Train};

pub struct Call {
    /// The function with its first three arguments.
    pub function: &'static str,
    /// The statement; `$m` is the model.
    pub statement: &'static str,
    pub needs: Right,
    pub kind: Kind,
}

/// What a call does with names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Takes "name" for the deployed version, and "name@2".
    Version,
    /// Takes the name of a model alone.
    Name,
    /// Takes the name of a model, and "name@2" for that version alone.
    NameOrVersion,
    /// Makes the model where there is none.
    Make,
    /// The same, going on from the deployed version where there is one.
    GoOn,
}

use Kind::{GoOn, Make, Name, NameOrVersion, Version};

const fn call(function: &'static str, needs: Right, kind: Kind, statement: &'static str) -> Call {
    Call {
        function,
        statement,
        needs,
        kind,
    }
}

/// A file of one weight for one layer.
const TINY_IMPORT: &str = "SELECT ml_import($m, '\\x40000000000000007b22642f6b65726e656c223a7b226474797065223a22463332222c227368617065223a5b312c315d2c22646174615f6f666673657473223a5b302c345d7d7d2000000040', '[{\"class_name\": \"Dense\",
    \"config\": {\"name\": \"d\", \"units\": 1, \"use_bias\": false}}]', '{a}')";

#[rustfmt::skip]
pub const CALLS: [Call; 33] = [
    call("ml_predict(text,\"any\")", Predict, Version, "SELECT ml_predict($m, 1.5, 2)"),
    call("ml_predict(text,\"any\")", Predict, Version, "SELECT ml_predict($m, h) FROM h"),
    call("ml_predict(text,\"any\")", Predict, Version, "SELECT ml_predict($m, '{\"a\": 1, \"b\": 2}'::jsonb)"),
    call("ml_predict(text,\"any\")", Predict, Version, "SELECT ml_predict($m, '{a,b}'::name[], 1.5, 2)"),
    call("ml_predict(text,\"any\")", Predict, Version, "SELECT ml_predict($m, VARIADIC ARRAY[1.5, 2])"),
    call("ml_predict_class(text,\"any\")", Predict, Version, "SELECT ml_predict_class($m, 1.5, 2)"),
    call("ml_predict_proba(text,\"any\")", Predict, Version, "SELECT ml_predict_proba($m, 1.5, 2)"),
    call("ml_predict_values(text,\"any\")", Predict, Version, "SELECT ml_predict_values($m, 1.5, 2)"),
    call("ml_model(text)", Predict, Version, "SELECT ml_predict(ml_model($m), 1.5, 2)"),
    call("ml_evaluate(text,text)", Predict, Version, "SELECT * FROM ml_evaluate($m, 'TABLE h')"),
    call("ml_transform(text,text)", Predict, Version, "SELECT * FROM ml_transform($m, 'TABLE h')"),
    call("ml_drift(text,text)", Predict, Version, "SELECT * FROM ml_drift($m, 'TABLE h')"),
    call("ml_history(text)", Predict, Version, "SELECT * FROM ml_history($m)"),
    call("ml_summary(text)", Predict, Version, "SELECT * FROM ml_summary($m)"),
    call("ml_feature_info(text)", Predict, Version, "SELECT * FROM ml_feature_info($m)"),
    call("ml_partial_fit(text,text,integer)", Train, Version, "SELECT ml_partial_fit($m, 'TABLE h')"),
    call("ml_train(text,text,text)", Train, Make, "SELECT ml_train($m, 'TABLE h', 'y', epochs => 1)"),
    call("ml_train(text,text,text)", Train, GoOn, "SELECT ml_train($m, 'TABLE h', 'y', epochs => 1, warm_start => true)"),
    call("ml_train(text,text,text[])", Train, Make, "SELECT ml_train($m, 'SELECT a, b, 2 * a AS c FROM h', ARRAY['b', 'c'], epochs => 1)"),
    call("ml_export(text,text)", Predict, Version, "SELECT ml_export($m, 'safetensors')"),
    call("ml_export_sql(text)", Predict, Version, "SELECT ml_export_sql($m)"),
    call("ml_import(text,bytea,jsonb)", Train, Make, TINY_IMPORT),
    call("ml_deploy(text,integer)", Train, Name, "SELECT ml_deploy($m, 1)"),
    call("ml_deploy(text,text)", Train, Name, "SELECT ml_deploy($m, '1')"),
    call("ml_deploy(text,text)", Train, Name, "SELECT ml_deploy($m, 'best')"),
    call("ml_rename(text,text)", Own, Name, "SELECT ml_rename($m, 'fresh')"),
    call("ml_drop(text)", Own, NameOrVersion, "SELECT ml_drop($m)"),
    call("ml_drop(text,integer)", Own, Name, "SELECT ml_drop($m, 1)"),
    call("ml_grant(text,name,text)", Own, Name, "SELECT ml_grant($m, 'stranger', 'predict')"),
    call("ml_grant(text,name,text)", Own, Name, "SELECT ml_grant($m, 'stranger', 'own')"),
    call("ml_grant(text,name,text)", Own, Name, "SELECT ml_grant($m, 'public', 'train')"),
    call("ml_revoke(text,name,text)", Own, Name, "SELECT ml_revoke($m, 'predictor')"),
    call("ml_revoke(text,name,text)", Own, Name, "SELECT ml_revoke($m, 'stranger', 'own')"),
];

/// What no right on a model decides: a model that is a value belongs to whoever has it.
pub const OPEN: [&str; 17] = [
    "ml_version()",
    "predict_support(internal)",
    "layer(text,jsonb)",
    "sequential(jsonb)",
    "ml_predict(tablenet.model,\"any\")",
    "ml_predict_class(tablenet.model,\"any\")",
    "ml_predict_proba(tablenet.model,\"any\")",
    "ml_predict_values(tablenet.model,\"any\")",
    "ml_train_agg(jsonb,\"any\",\"any\")",
    "train_agg_step(internal,jsonb,\"any\")",
    "train_agg_end(internal)",
    "model_in(cstring)",
    "model_out(tablenet.model)",
    "model_recv(internal)",
    "model_send(tablenet.model)",
    "model(bytea)",
    "bytea(tablenet.model)",
];

impl Call {
    /// The statement for a model.
    pub fn on(&self, model: &str) -> String {
        self.statement.replace("$m", &format!("'{model}'"))
    }
}
