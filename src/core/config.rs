//! Reading Keras's JSON: `{"class_name": .., "config": {..}}`, bare words, and refusing what is not known.

use crate::nearest::nearest;
use crate::{Error, ErrorKind, Result};
use serde_json::{Map, Value};

/// An error about an argument.
pub(crate) fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidParameter, message)
}

/// The error `unknown loss "mse2"`, whose hint has the nearest and all known names.
pub fn unknown(what: &str, plural: &str, name: &str, known: &[&str]) -> Error {
    let error = invalid(format!("unknown {what} {name:?}"));
    let list = format!("Known {plural}: {}.", known.join(", "));
    match nearest(name, known.iter().copied()) {
        Some(near) => error.hint(format!("Did you mean {near:?}? {list}")),
        None => error.hint(list),
    }
}

/// The keys Keras writes beside `class_name` and `config`; they carry nothing that changes the model.
const ENVELOPE: [&str; 6] = [
    "module",
    "class_name",
    "config",
    "registered_name",
    "build_config",
    "compile_config",
];

/// A name in the form in which names are compared: Keras writes `MeanSquaredError` and `mean_squared_error`.
pub(crate) fn fold(name: &str) -> String {
    name.chars()
        .filter(|c| *c != '_' && *c != ' ')
        .flat_map(char::to_lowercase)
        .collect()
}

/// A named object with its settings, of which every known one is asked for once.
#[derive(Debug)]
pub(crate) struct Config<'a> {
    /// What the object is called in messages: `Dense`, `optimizer adam`.
    pub what: String,
    map: Option<&'a Map<String, Value>>,
}

/// Takes `"word"`, `{"class_name": "Word", "config": {..}}` or `{"word": {..}}` apart.
pub(crate) fn tagged<'a>(what: &str, json: &'a Value) -> Result<(&'a str, Option<&'a Value>)> {
    match json {
        Value::String(name) => Ok((name, None)),
        Value::Object(map) => match map.get("class_name") {
            Some(Value::String(name)) => {
                let object = Config {
                    what: format!("{what} {name}"),
                    map: Some(map),
                };
                object.check_keys(&ENVELOPE)?;
                Ok((name, map.get("config")))
            }
            Some(_) => Err(invalid(format!(
                "class_name of the {what} must be a string"
            ))),
            None => match map.iter().next() {
                Some((name, config)) if map.len() == 1 => Ok((name, Some(config))),
                _ => Err(invalid(format!(
                    "the {what} must be one object, {{\"name\": {{settings}}}}, not {} keys",
                    map.len()
                ))),
            },
        },
        _ => Err(invalid(format!(
            "the {what} must be a name or a JSON object"
        ))),
    }
}

/// Reads an argument that is a bare word or JSON.
pub(crate) fn word_or_json(what: &str, text: &str) -> Result<Value> {
    let text = text.trim();
    if text.is_empty() {
        return Err(invalid(format!("the {what} must not be empty")));
    }
    if !text.starts_with(['{', '[', '"']) {
        return Ok(Value::String(text.to_owned()));
    }
    serde_json::from_str(text)
        .map_err(|e| invalid(format!("the {what} is not valid JSON")).detail(format!("{e}.")))
}

impl<'a> Config<'a> {
    /// The settings of `what`; none, null and {} are all defaults.
    pub fn new(what: impl Into<String>, json: Option<&'a Value>, known: &[&str]) -> Result<Self> {
        let what = what.into();
        let map = match json {
            None | Some(Value::Null) => None,
            Some(Value::Object(map)) => Some(map),
            Some(_) => {
                return Err(invalid(format!(
                    "the settings of {what} must be a JSON object"
                )));
            }
        };
        let config = Self { what, map };
        config.check_keys(known)?;
        Ok(config)
    }

    /// Refuses keys that nobody would read.
    fn check_keys(&self, known: &[&str]) -> Result<()> {
        for key in self.map.into_iter().flat_map(Map::keys) {
            if !known.contains(&key.as_str()) {
                let mut error = unknown("setting", "settings", key, known);
                let hint = error.hint_text().unwrap_or_default().to_owned();
                error = invalid(format!("unknown setting {key:?} of {}", self.what)).hint(hint);
                return Err(error);
            }
        }
        Ok(())
    }

    /// The value of `key`; null counts as absent, as in Keras.
    pub fn get(&self, key: &str) -> Option<&'a Value> {
        self.map?.get(key).filter(|v| !v.is_null())
    }

    fn wrong(&self, key: &str, wanted: &str, value: &Value) -> Error {
        invalid(format!(
            "{key} of {} must be {wanted}, not {value}",
            self.what
        ))
    }

    /// A finite number that passes `allowed`, described by `wanted`.
    pub fn number(
        &self,
        key: &str,
        default: f64,
        wanted: &str,
        allowed: impl Fn(f64) -> bool,
    ) -> Result<f64> {
        match self.get(key) {
            None => Ok(default),
            Some(value) => match value.as_f64() {
                Some(number) if number.is_finite() && allowed(number) => Ok(number),
                _ => Err(self.wrong(key, wanted, value)),
            },
        }
    }

    /// As [`Config::number`]; without a default it must be there.
    pub fn given(
        &self,
        key: &str,
        default: Option<f64>,
        wanted: &str,
        allowed: impl Fn(f64) -> bool,
    ) -> Result<f64> {
        if default.is_none() && self.get(key).is_none() {
            return Err(invalid(format!("{} needs {key}", self.what)));
        }
        self.number(key, default.unwrap_or_default(), wanted, allowed)
    }

    /// A list of finite numbers that each pass `allowed`; it must be there.
    pub fn numbers(
        &self,
        key: &str,
        wanted: &str,
        allowed: impl Fn(f64) -> bool,
    ) -> Result<Vec<f64>> {
        let Some(value) = self.get(key) else {
            return Err(invalid(format!("{} needs {key}", self.what)));
        };
        let number = |value: &Value| value.as_f64().filter(|n| n.is_finite() && allowed(*n));
        let list = value.as_array();
        let numbers = list.and_then(|list| list.iter().map(number).collect());
        numbers.ok_or_else(|| self.wrong(key, wanted, value))
    }

    /// A whole number in `range`.
    pub fn count(&self, key: &str, range: std::ops::RangeInclusive<u64>) -> Result<Option<u64>> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        let whole = value.as_u64().or_else(|| {
            // Keras writes 64.0 where a user passed a float.
            let number = value.as_f64()?;
            ((0.0..=9e15).contains(&number) && libm::floor(number) == number)
                .then_some(number as u64)
        });
        match whole {
            Some(number) if range.contains(&number) => Ok(Some(number)),
            _ if *range.end() == u64::MAX => Err(self.wrong(
                key,
                &format!("an integer of at least {}", range.start()),
                value,
            )),
            _ => Err(self.wrong(
                key,
                &format!("an integer from {} to {}", range.start(), range.end()),
                value,
            )),
        }
    }

    /// true or false.
    pub fn flag(&self, key: &str, default: bool) -> Result<bool> {
        match self.get(key) {
            None => Ok(default),
            Some(value) => value
                .as_bool()
                .ok_or_else(|| self.wrong(key, "true or false", value)),
        }
    }

    /// A string.
    pub fn string(&self, key: &str) -> Result<Option<&'a str>> {
        match self.get(key) {
            None => Ok(None),
            Some(value) => Ok(Some(
                value
                    .as_str()
                    .ok_or_else(|| self.wrong(key, "a string", value))?,
            )),
        }
    }

    /// Refuses settings that Keras has and this release has not, unless they are off.
    pub fn refuse(&self, keys: &[&str]) -> Result<()> {
        for key in keys {
            match self.get(key) {
                None | Some(Value::Bool(false)) => {}
                Some(value) if value.as_f64() == Some(0.0) => {}
                Some(_) => {
                    return Err(Error::new(
                        ErrorKind::NotSupported,
                        format!("{key} of {} is not supported", self.what),
                    ));
                }
            }
        }
        Ok(())
    }

    /// Refuses any other string than the one that is built.
    pub fn only(&self, key: &str, value: &str) -> Result<()> {
        match self.string(key)? {
            Some(other) if other != value => Err(Error::new(
                ErrorKind::NotSupported,
                format!("{key} {other:?} of {} is not supported", self.what),
            )
            .hint(format!("It can be {value:?}."))),
            _ => Ok(()),
        }
    }

    /// Whole numbers, each from -1 on, where -1 is what is left.
    pub fn dimensions(&self, key: &str) -> Result<Option<Vec<i64>>> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        let dims = value.as_array().and_then(|dims| {
            let dims = dims
                .iter()
                .map(|n| n.as_i64().filter(|&n| n >= -1 && n != 0));
            dims.collect::<Option<Vec<_>>>()
        });
        match dims {
            Some(dims) if !dims.is_empty() => Ok(Some(dims)),
            _ => Err(self.wrong(
                key,
                "a list of positive integers, one of which may be -1",
                value,
            )),
        }
    }

    /// Whether the key is given as null, where that is something else than leaving it out.
    pub fn is_null(&self, key: &str) -> bool {
        self.map
            .is_some_and(|map| map.get(key) == Some(&Value::Null))
    }

    /// The name of the data type, if one is given.
    pub fn dtype(&self) -> Option<&'a Value> {
        match self.get("dtype") {
            Some(Value::Object(policy)) => policy.get("config").and_then(|c| c.get("name")),
            other => other,
        }
    }

    /// Refuses another data type than float32.
    pub fn check_dtype(&self) -> Result<()> {
        if self.dtype().is_some_and(|dtype| dtype != "float32") {
            return Err(Error::new(
                ErrorKind::NotSupported,
                format!(
                    "a dtype other than float32 of {} is not supported",
                    self.what
                ),
            ));
        }
        Ok(())
    }

    /// The same of what cannot be trained in part.
    pub fn check_dtype_and_trainable(&self) -> Result<()> {
        self.check_dtype()?;
        if !self.flag("trainable", true)? {
            return Err(Error::new(
                ErrorKind::NotSupported,
                format!("trainable false of {} is not supported", self.what),
            )
            .hint("Write it in the layers that are to stay as they are."));
        }
        Ok(())
    }

    /// The `name` of a layer.
    pub fn name(&self) -> Result<Option<String>> {
        let Some(name) = self.string("name")? else {
            return Ok(None);
        };
        if name.is_empty()
            || name.len() > 100
            || name.contains('/')
            || name.chars().any(char::is_control)
        {
            return Err(invalid(format!("{name:?} cannot be the name of a layer"))
                .hint("A name has 1 to 100 bytes, without \"/\" and control characters."));
        }
        Ok(Some(name.to_owned()))
    }
}
