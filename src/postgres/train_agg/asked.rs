//! A spec and what it makes of the arguments: which columns there are, what they are called, and how each is read.

use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys::{self, NullableDatum, Oid};
use tablenet_core::{Column, Error, ErrorKind, Result, Spec, TrainOptions, Value, unknown};

use super::plan::Aggregate;
use crate::decoder::Decoder;
use crate::whole_row::{Layout, invented};
use crate::{error, guc};

/// How the arguments behind the target stand for features.
#[derive(Debug, Clone)]
pub enum Form {
    /// One row, whose columns are features.
    Row(Oid),
    /// One value per feature, of these types.
    Values(Vec<Oid>),
}

/// Arguments before the features: the state, the spec and the target.
const BEFORE: i32 = 3;

impl Form {
    /// Looks at the types of the call.
    ///
    /// # Safety
    /// `flinfo` is that of the call in progress with `nargs` arguments.
    pub unsafe fn of(flinfo: *mut pg_sys::FmgrInfo, nargs: usize) -> Result<Self> {
        // SAFETY: reads the expression that the node made for its calls.
        unsafe {
            if pg_sys::get_fn_expr_variadic(flinfo) {
                let message = "ml_train_agg() does not take VARIADIC and an array";
                return Err(Error::new(ErrorKind::NotSupported, message).hint(
                    "Pass the array as it is: it is one feature with one input per element.",
                ));
            }
            let nargs = i32::try_from(nargs).unwrap_or(0);
            let types = (BEFORE..nargs)
                .map(|argument| pg_sys::get_fn_expr_argtype(flinfo, argument))
                .collect::<Vec<_>>();
            if let [single] = types[..] {
                let base = pg_sys::getBaseType(single);
                if base == pg_sys::RECORDOID || pg_sys::type_is_rowtype(base) {
                    return Ok(Self::Row(target_type(flinfo)));
                }
            }
            let mut all = vec![target_type(flinfo)];
            all.extend(types);
            Ok(Self::Values(all))
        }
    }

    fn target(&self) -> Oid {
        match self {
            Self::Row(target) => *target,
            Self::Values(types) => types.first().copied().unwrap_or(pg_sys::InvalidOid),
        }
    }
}

/// # Safety
/// As for [`Form::of`].
unsafe fn target_type(flinfo: *mut pg_sys::FmgrInfo) -> Oid {
    // SAFETY: by contract.
    unsafe { pg_sys::get_fn_expr_argtype(flinfo, BEFORE - 1) }
}

/// What a group is asked for, and how its rows are read.
pub struct Asked {
    /// The spec as it lies in the database, to be compared.
    spec: Option<Vec<u8>>,
    /// What it says.
    pub options: TrainOptions,
    /// The target first, then the features.
    pub columns: Vec<Column>,
    /// The columns to learn.
    pub targets: Vec<String>,
    /// The names of the features are made up.
    pub unnamed: bool,
    target: Decoder,
    /// The place of each feature, and how it is read.
    features: Vec<(usize, Decoder)>,
}

/// A column of the arguments: its place, name, type and type modifier.
type Field = (usize, String, Oid, i32);

impl Asked {
    /// Reads the spec, given as it lies in the database and as text, and finds the columns that it speaks of.
    pub fn new(
        (bytes, text): (Option<&[u8]>, &str),
        form: &Form,
        layout: Option<&Layout>,
        aggregate: &Aggregate,
    ) -> Result<Self> {
        let mut spec = Spec::parse(text, guc::work_mem())?;
        check(&spec)?;
        spec.options.max_model_size = guc::max_model_size();
        spec.options.check()?;
        let Fields {
            target,
            features,
            unnamed,
        } = match (form, layout) {
            (Form::Row(_), Some(layout)) => of_row(layout, &spec, aggregate)?,
            (Form::Values(types), _) => of_values(types.get(1..).unwrap_or_default(), &spec)?,
            (Form::Row(_), None) => {
                return Err(error::own(
                    Code::ERRCODE_DATA_EXCEPTION,
                    "there is no row to learn from",
                ));
            }
        };
        let targets = spec.target.unwrap_or_else(|| vec![target.clone()]);
        let options = spec.options;
        let what = format!("target \"{target}\"");
        let decoder = Decoder::new(&what, form.target(), -1)?;
        let mut columns = vec![decoder.column(&target)];
        let mut readers = Vec::with_capacity(features.len());
        for (place, name, type_oid, typmod) in features {
            let named = |it: &Option<String>| it.as_ref() == Some(&name);
            let excluded = options.exclude.contains(&name)
                && !targets.contains(&name)
                && !named(&options.sample_weight)
                && !named(&options.split_column);
            let decoder = if excluded {
                Decoder::ignored()
            } else {
                Decoder::new(&format!("column \"{name}\""), type_oid, typmod)?
            };
            columns.push(decoder.column(&name));
            readers.push((place, decoder));
        }
        Ok(Self {
            spec: bytes.map(<[u8]>::to_vec),
            options,
            columns,
            targets,
            unnamed,
            target: decoder,
            features: readers,
        })
    }

    /// Whether this is what `spec` asks for.
    #[inline]
    pub fn is_of(&self, spec: Option<&[u8]>) -> bool {
        self.spec.as_deref() == spec
    }

    /// Puts the values of a row into `row`.
    ///
    /// # Safety
    /// The datums are the arguments of the call in progress; a row is unpacked in the layout.
    pub unsafe fn read<'a>(
        &'a self,
        target: &NullableDatum,
        features: &[NullableDatum],
        layout: Option<&Layout>,
        row: &mut Vec<Value<'a>>,
    ) -> Result<()> {
        row.resize(self.columns.len(), Value::Null);
        let Some((first, rest)) = row.split_first_mut() else {
            return Ok(());
        };
        // SAFETY: by contract.
        unsafe {
            self.target.put(target.value, target.isnull, first)?;
            for ((place, decoder), value) in self.features.iter().zip(rest) {
                let found = match layout {
                    Some(layout) => layout.value(*place),
                    None => features.get(*place).map(|it| (it.value, it.isnull)),
                };
                if let Some((datum, is_null)) = found {
                    decoder.put(datum, is_null, value)?;
                }
            }
        }
        Ok(())
    }
}

/// The target's name and the other columns.
struct Fields {
    target: String,
    features: Vec<Field>,
    unnamed: bool,
}

/// PostgreSQL knows the types of its values.
fn check(spec: &Spec) -> Result<()> {
    let refused = |key: &str| {
        let message = format!("{key} of the spec is not supported in PostgreSQL");
        Err(Error::new(ErrorKind::NotSupported, message)
            .hint("Leave it out: values have types and labels of their own, and can be cast."))
    };
    match (spec.types.is_empty(), spec.labels.is_empty()) {
        (false, _) => refused("types"),
        (_, false) => refused("labels"),
        _ => Ok(()),
    }
}

/// The name that the target has in the spec.
fn target_of(spec: &Spec) -> Option<&String> {
    spec.target.as_ref().and_then(|targets| targets.first())
}

fn of_values(types: &[Oid], spec: &Spec) -> Result<Fields> {
    let (names, unnamed) = names(types.len(), spec)?;
    let fields = (0..).zip(names).zip(types);
    Ok(Fields {
        target: target_of(spec).map_or_else(|| "target".to_string(), String::clone),
        features: fields
            .map(|((place, name), &type_oid)| (place, name, type_oid, -1))
            .collect(),
        unnamed,
    })
}

/// The names of values without any: those of the spec, or made up ones.
fn names(count: usize, spec: &Spec) -> Result<(Vec<String>, bool)> {
    match &spec.features {
        None => Ok((
            (1..=count).map(|number| format!("f{number}")).collect(),
            true,
        )),
        Some(names) if names.len() == count => Ok((names.clone(), false)),
        Some(names) => {
            let message = format!(
                "the length of features in the spec is {}, but the call has {count} features",
                names.len()
            );
            Err(Error::new(ErrorKind::FeatureCount, message)
                .hint("Name every value behind the target, in their order."))
        }
    }
}

fn of_row(layout: &Layout, spec: &Spec, aggregate: &Aggregate) -> Result<Fields> {
    let fields = layout.fields()?;
    let own = aggregate.target();
    let own = fields.iter().find(|(place, ..)| Some(*place) == own);
    // Columns called f1, f2 ... are those of ROW(...), which have no names.
    if layout.is_anonymous()
        && own.is_none()
        && !aggregate.is_whole()
        && invented(fields.iter().map(|(_, name, ..)| name.as_bytes()))
    {
        let (names, unnamed) = names(fields.len(), spec)?;
        let fields = fields.into_iter().zip(names);
        return Ok(Fields {
            target: target_of(spec).map_or_else(|| "target".to_string(), String::clone),
            features: fields
                .map(|((place, _, oid, typmod), name)| (place, name, oid, typmod))
                .collect(),
            unnamed,
        });
    }
    let target = match (target_of(spec), own) {
        (Some(named), _) => named.clone(),
        (None, Some((_, name, ..))) => name.clone(),
        (None, None) => "target".to_string(),
    };
    let known = own.is_some() || fields.iter().any(|(_, name, ..)| *name == target);
    let own = own.map(|(place, ..)| *place);
    if let Some(named) = &spec.features {
        return Ok(Fields {
            features: chosen(&fields, named, &target, spec)?,
            target,
            unnamed: false,
        });
    }
    if !known && spec.options.exclude.is_empty() {
        return Err(untold());
    }
    let others = |(place, name, ..): &Field| Some(*place) != own && *name != target;
    Ok(Fields {
        features: fields.into_iter().filter(others).collect(),
        target,
        unnamed: false,
    })
}

/// The columns of a row that the spec names as features, and those that have other roles.
fn chosen(fields: &[Field], named: &[String], target: &str, spec: &Spec) -> Result<Vec<Field>> {
    let others = spec.target.iter().flatten().filter(|name| *name != target);
    let roles = [&spec.options.sample_weight, &spec.options.split_column];
    let roles = others.chain(roles.into_iter().flatten());
    let roles = roles.filter(|name| !named.contains(name));
    let find = |name: &String| {
        let mut found = fields.iter().filter(|(_, it, ..)| it == name);
        match (found.next(), found.next()) {
            (Some(field), None) => Ok(field.clone()),
            (Some(_), Some(_)) => {
                let message = format!("the row has two columns named \"{name}\"");
                Err(Error::new(ErrorKind::DuplicateColumn, message)
                    .hint("Give each column its own name with AS."))
            }
            (None, _) => {
                let known = fields.iter().map(|(_, it, ..)| it.as_str());
                let near = unknown("feature", "columns", name, &known.collect::<Vec<_>>());
                let message = format!("feature \"{name}\" of the spec is not a column of the row");
                let error = Error::new(ErrorKind::UnknownColumn, message);
                Err(error.hint(near.hint_text().unwrap_or_default()))
            }
        }
    };
    named.iter().chain(roles).map(find).collect()
}

/// A model that is given what it shall predict would look perfect, and be of no use.
fn untold() -> Error {
    Error::new(
        ErrorKind::InvalidParameter,
        "cannot tell which column of the row the target is",
    )
    .detail("The row may hold the target, and a model must not learn from it.")
    .hint("Name that column in the spec: {\"target\": \"price\"}, leave columns out: {\"exclude\": [\"price\"]}, or name the features: {\"features\": [\"area\", \"rooms\"]}.")
}
