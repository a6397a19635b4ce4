//! What each column of the training query is for: a feature, a target, the weight of a row, its part, or nothing.

use crate::nearest::nearest;
use crate::{Column, ColumnType, Error, ErrorKind, Result, TrainOptions};
use std::collections::HashSet;

/// Columns with their places in the query.
#[derive(Debug, Clone, Default)]
pub(crate) struct Roles {
    pub(crate) features: Vec<(usize, Column)>,
    /// In the order in which they were asked for.
    pub(crate) targets: Vec<(usize, Column)>,
    /// `sample_weight`.
    pub(crate) weight: Option<(usize, Column)>,
    /// `split_column`.
    pub(crate) split: Option<(usize, Column)>,
}

impl Roles {
    /// Finds `targets` and the columns that `options` name among `columns`; what is left and not excluded is a feature.
    pub(crate) fn new(
        columns: Vec<Column>,
        targets: &[&str],
        options: &TrainOptions,
    ) -> Result<Self> {
        let find = |what: &str, name: &str| find(&columns, what, name);
        let mut places = Vec::new();
        for target in targets {
            let place = find("target", target)?;
            if places.contains(&place) {
                let message = format!("the target \"{target}\" is named twice");
                return Err(
                    Error::new(ErrorKind::InvalidParameter, message).hint("Name each target once.")
                );
            }
            places.push(place);
        }
        check_excluded(&columns, targets, &options.exclude)?;
        let mut named = |what: &str, name: &Option<String>| -> Result<Option<usize>> {
            let Some(name) = name else {
                return Ok(None);
            };
            let place = find(what, name)?;
            if places.contains(&place) {
                let message = format!("{what} \"{name}\" has another role too");
                return Err(Error::new(ErrorKind::InvalidParameter, message)
                    .hint("Target, sample_weight and split_column must be different columns."));
            }
            places.push(place);
            Ok(Some(place))
        };
        let weight = named("sample_weight", &options.sample_weight)?;
        let split = named("split_column", &options.split_column)?;

        let mut roles = Self::default();
        let mut names = HashSet::new();
        for (index, column) in columns.into_iter().enumerate() {
            let is_feature = !places.contains(&index);
            if is_feature && options.exclude.contains(&column.name) {
                continue;
            }
            if !names.insert(column.name.clone()) {
                return Err(duplicate(
                    &column.name,
                    "Give each column its own name with AS, or list both in exclude.",
                ));
            }
            if is_feature {
                roles.features.push((index, column));
            } else if weight == Some(index) {
                check_weight(&column)?;
                roles.weight = Some((index, column));
            } else if split == Some(index) {
                roles.split = Some((index, column));
            } else {
                roles.targets.push((index, column));
            }
        }
        let asked = |index: usize| places.iter().position(|place| *place == index);
        roles.targets.sort_by_key(|(index, _)| asked(*index));
        if roles.targets.is_empty() {
            let message = "no target is named";
            return Err(Error::new(ErrorKind::InvalidParameter, message)
                .hint("Name the column to predict."));
        }
        Ok(roles)
    }

    /// Refuses columns without a feature among them.
    pub(crate) fn check_features(&self) -> Result<()> {
        if !self.features.is_empty() {
            return Ok(());
        }
        let targets = self.targets.iter().map(|(_, target)| target.name.as_str());
        let message = format!(
            "the query has no column to learn from besides the {}",
            crate::target::words(&targets.collect::<Vec<_>>())
        );
        Err(Error::new(ErrorKind::InvalidParameter, message)
            .hint("Let the query return the feature columns too."))
    }

    /// The columns whose values are needed of every row.
    pub(crate) fn needed(&self) -> impl Iterator<Item = &(usize, Column)> {
        self.features
            .iter()
            .chain(&self.targets)
            .chain(&self.weight)
    }

    /// Features and targets whose vectors have a length that no type tells.
    pub(crate) fn unmeasured(&mut self) -> impl Iterator<Item = (usize, &mut Option<usize>)> {
        let columns = self.features.iter_mut().chain(&mut self.targets);
        columns
            .filter(|(_, column)| {
                column.column_type == ColumnType::Vector && column.length.is_none()
            })
            .map(|(index, column)| (*index, &mut column.length))
    }

    /// Where the values that are needed stand among other `columns`, found by name: pairs of places here and there.
    ///
    /// `UnknownColumn`, `DuplicateColumn`, `TypeMismatch`.
    pub(crate) fn bind(&self, columns: &[Column]) -> Result<Vec<(usize, usize)>> {
        let bind = |(index, needed): &(usize, Column)| {
            let mut found = columns
                .iter()
                .enumerate()
                .filter(|(_, column)| column.name == needed.name);
            let (place, column) = match (found.next(), found.next()) {
                (Some(found), None) => found,
                (Some(_), Some(_)) => {
                    let message = format!(
                        "the validation query has two columns named \"{}\"",
                        needed.name
                    );
                    return Err(Error::new(ErrorKind::DuplicateColumn, message)
                        .hint("Give each column its own name with AS."));
                }
                (None, _) => {
                    let message = format!(
                        "column \"{}\" is missing in the validation query",
                        needed.name
                    );
                    let error = Error::new(ErrorKind::UnknownColumn, message);
                    let others = columns.iter().map(|column| column.name.as_str());
                    let others =
                        others.filter(|name| self.needed().all(|(_, it)| it.name != *name));
                    return Err(match nearest(&needed.name, others) {
                        Some(near) => error.hint(format!("Did you mean \"{near}\"?")),
                        None => error.hint("It must return the columns of the training query."),
                    });
                }
            };
            if column.column_type != needed.column_type {
                let message = format!(
                    "column \"{}\" is {} in the validation query, but {} in the training query",
                    needed.name,
                    column.column_type.words(),
                    needed.column_type.words()
                );
                return Err(Error::new(ErrorKind::TypeMismatch, message)
                    .hint("Cast one of them to the type of the other."));
            }
            Ok((*index, place))
        };
        self.needed().map(bind).collect()
    }
}

fn check_weight(column: &Column) -> Result<()> {
    if column.column_type == ColumnType::Number {
        return Ok(());
    }
    let message = format!(
        "sample_weight \"{}\" must be a number, not {}",
        column.name,
        column.column_type.words()
    );
    Err(Error::new(ErrorKind::TypeMismatch, message)
        .hint("It says how much each row counts; cast it if it holds numbers."))
}

fn find(columns: &[Column], what: &str, name: &str) -> Result<usize> {
    let mut found = columns
        .iter()
        .enumerate()
        .filter(|(_, column)| column.name == name);
    match (found.next(), found.next()) {
        (Some((index, _)), None) => Ok(index),
        (Some(_), Some(_)) => Err(duplicate(name, "Give each column its own name with AS.")),
        (None, _) => Err(unknown(what, name, columns)),
    }
}

fn check_excluded(columns: &[Column], targets: &[&str], exclude: &[String]) -> Result<()> {
    for name in exclude {
        if targets.contains(&name.as_str()) {
            return Err(Error::new(
                ErrorKind::InvalidParameter,
                format!("the target \"{name}\" cannot be excluded"),
            )
            .hint("Leave it out of exclude; it is no feature anyway."));
        }
        if !columns.iter().any(|column| column.name == *name) {
            return Err(unknown("excluded column", name, columns));
        }
    }
    Ok(())
}

fn unknown(what: &str, name: &str, columns: &[Column]) -> Error {
    let error = Error::new(
        ErrorKind::UnknownColumn,
        format!("{what} \"{name}\" is not a column of the query"),
    );
    match nearest(name, columns.iter().map(|column| column.name.as_str())) {
        Some(nearest) => error.hint(format!("Did you mean \"{nearest}\"?")),
        None => error,
    }
}

fn duplicate(name: &str, hint: &str) -> Error {
    Error::new(
        ErrorKind::DuplicateColumn,
        format!("the query has two columns named \"{name}\""),
    )
    .hint(hint)
}
