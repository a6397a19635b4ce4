//! One value of a spec: still text, until it is known what it has to be.

use crate::config::invalid;
use crate::keys::Keys;
use crate::{Error, ErrorKind, Result};
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Valid JSON under a name.
#[derive(Debug)]
pub(super) struct Json<'a> {
    /// What it is called in messages.
    name: Cow<'a, str>,
    text: &'a str,
}

impl<'a> Json<'a> {
    /// Reads `text`, which must be JSON.
    pub(super) fn parse(name: &'a str, text: &'a str) -> Result<Self> {
        let raw: &RawValue = serde_json::from_str(text).map_err(|error| {
            invalid(format!("{name} is not valid JSON")).detail(format!("{error}."))
        })?;
        Ok(Self {
            name: name.into(),
            text: raw.get(),
        })
    }

    /// The same, which messages call `key` of the column that it is named for.
    pub(super) fn of(&self, key: &str) -> Self {
        Self {
            name: Cow::Owned(format!("{key} of column \"{}\"", self.name)),
            text: self.text,
        }
    }

    pub(super) fn is_null(&self) -> bool {
        self.text == "null"
    }

    fn first(&self) -> u8 {
        self.text.bytes().next().unwrap_or_default()
    }

    /// The keys of an object and their values, which are called by their keys.
    pub(super) fn object(&self, wanted: &str) -> Result<Keys<Json<'a>>> {
        if self.first() != b'{' {
            return Err(self.wrong(wanted));
        }
        let Keys(entries) = self.read::<Keys<&'a RawValue>>()?;
        let named = |(key, raw): (String, &'a RawValue)| {
            let name = Cow::Owned(key.clone());
            let text = raw.get();
            (key, Json { name, text })
        };
        Ok(Keys(entries.into_iter().map(named).collect()))
    }

    /// A word, or an object or array as its text: what takes options is text in SQL.
    pub(super) fn word(&self) -> Result<Cow<'a, str>> {
        match self.first() {
            b'"' => self.read::<String>().map(Cow::Owned),
            b'{' | b'[' => Ok(Cow::Borrowed(self.text)),
            _ => Err(self.wrong("a word or a JSON object")),
        }
    }

    /// A list of words, each as [`Json::word`] reads it, or one.
    pub(super) fn words(&self) -> Result<Vec<String>> {
        let word = self.word()?;
        if !word.trim_start().starts_with('[') {
            return Ok(vec![word.into_owned()]);
        }
        let list = Json::parse(&self.name, &word)?;
        let elements = list.read::<Vec<&RawValue>>()?;
        let words = elements.into_iter().map(|element| {
            let name = Cow::Borrowed(&*self.name);
            let element = Json {
                name,
                text: element.get(),
            };
            match element.first() {
                b'"' | b'{' => element.word().map(Cow::into_owned),
                _ if element.is_null() => Err(null_in(&self.name)),
                _ => {
                    let message = format!(
                        "{} must be an array of words or JSON objects, but has {}",
                        self.name,
                        cut(element.text)
                    );
                    Err(invalid(message))
                }
            }
        });
        words.collect()
    }

    /// An array of names, or one.
    pub(super) fn names(&self) -> Result<Vec<String>> {
        if self.first() == b'"' {
            return Ok(vec![self.read()?]);
        }
        self.list("a name or an array of names")
    }

    /// An array of texts without null; `wanted` is what it has to be.
    pub(super) fn list(&self, wanted: &str) -> Result<Vec<String>> {
        if self.first() != b'[' {
            return Err(self.wrong(wanted));
        }
        let elements = self.read::<Vec<&RawValue>>()?;
        let texts = elements.into_iter().map(|element| {
            let text = element.get();
            if text == "null" {
                return Err(null_in(&self.name));
            }
            if !text.starts_with('"') {
                let message = format!("{} must be {wanted}, but has {}", self.name, cut(text));
                return Err(invalid(message));
            }
            Json {
                name: Cow::Borrowed(&self.name),
                text,
            }
            .read()
        });
        texts.collect()
    }

    /// A string.
    pub(super) fn text(&self) -> Result<String> {
        match self.first() {
            b'"' => self.read(),
            _ => Err(self.wrong("a string")),
        }
    }

    /// A whole number: 10.0 is one too.
    pub(super) fn integer(&self) -> Result<i128> {
        if let Ok(integer) = self.text.parse() {
            return Ok(integer);
        }
        match self.number() {
            Ok(number) if number.abs() <= 9e15 && libm::trunc(number) == number => {
                Ok(number as i128)
            }
            _ => Err(self.wrong("an integer")),
        }
    }

    /// A number in the range of an f64.
    pub(super) fn number(&self) -> Result<f64> {
        let number = match self.first() {
            b'-' | b'0'..=b'9' => self.text.parse().ok(),
            _ => None,
        };
        number
            .filter(|number: &f64| number.is_finite())
            .ok_or_else(|| self.wrong("a number"))
    }

    /// true or false, which some servers write as 1 and 0.
    pub(super) fn flag(&self) -> Result<bool> {
        match self.text {
            "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            _ => Err(self.wrong("true or false")),
        }
    }

    /// An object or array, or its text.
    pub(super) fn tree(&self) -> Result<Value> {
        match self.first() {
            b'{' | b'[' => self.read(),
            b'"' => serde_json::from_str(&self.text()?).map_err(|error| self.unreadable(&error)),
            _ => Err(self.wrong("a JSON array or object")),
        }
    }

    fn read<T: serde::Deserialize<'a>>(&self) -> Result<T> {
        serde_json::from_str(self.text).map_err(|error| self.unreadable(&error))
    }

    #[cold]
    fn unreadable(&self, error: &serde_json::Error) -> Error {
        invalid(format!("{} cannot be read: {error}", self.name))
    }

    #[cold]
    pub(super) fn wrong(&self, wanted: &str) -> Error {
        invalid(format!(
            "{} must be {wanted}, not {}",
            self.name,
            cut(self.text)
        ))
    }
}

#[cold]
fn null_in(name: &str) -> Error {
    let message = format!("{name} must not contain a null");
    Error::new(ErrorKind::NullNotAllowed, message)
}

/// The beginning of a long text.
fn cut(text: &str) -> Cow<'_, str> {
    const LONGEST: usize = 100;
    match text.get(..text.floor_char_boundary(LONGEST)) {
        Some(start) if start.len() < text.len() => Cow::Owned(format!("{start}...")),
        _ => Cow::Borrowed(text),
    }
}
