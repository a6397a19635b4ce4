//! Whose numbers are whose: tensors under Keras's paths or PyTorch's names become the weights of the layers.

use super::tensors::Tensors;
use crate::config::invalid;
use crate::export::torch::{Module, Source, modules};
use crate::export::{Item, Stack};
use crate::nearest::nearest;
use crate::weights::zeros;
use crate::{Callback, Error, Result};
use std::collections::BTreeMap;

/// All weights of the layers of `stack`, `count` of them, out of `tensors`.
///
/// # Errors
/// InvalidParameter that names the tensor: missing, of another shape or dtype, or of no layer; NotFinite likewise.
pub(super) fn weights(
    stack: &Stack,
    count: usize,
    tensors: &mut Tensors<'_>,
    callback: &mut dyn Callback,
) -> Result<Vec<f32>> {
    // The state of dropout's random numbers, and how many batches a normalization saw.
    tensors.leave_out(|name| {
        name.ends_with("/seed_generator_state") || name.ends_with("num_batches_tracked")
    });
    let mut all = zeros(count, callback)?;
    if tensors.names().any(|name| name.contains('/')) {
        keras(stack, tensors, &mut all, callback)?;
    } else {
        pytorch(stack, tensors, &mut all, callback)?;
    }
    tensors.check_taken()?;
    Ok(all)
}

/// Keras's path is that of the layer, behind the model's name where the model has built the layer.
fn keras(
    stack: &Stack,
    tensors: &mut Tensors<'_>,
    all: &mut [f32],
    callback: &mut dyn Callback,
) -> Result<()> {
    for item in &stack.layers {
        for variable in &item.variables {
            let path = format!("{}/{}", item.name, variable.name);
            // Keras builds what is inside of another layer with or without that layer's name before.
            let inside = matches!(item.class.as_str(), "Bidirectional" | "TimeDistributed");
            let name = match called(tensors, &path) {
                Err(_) if inside && tensors.names().any(|name| name == variable.name) => {
                    variable.name.clone()
                }
                called => called?,
            };
            let numbers = tensors.take(&name, &variable.shape, callback)?;
            all[variable.offset..variable.offset + numbers.len()].copy_from_slice(&numbers);
        }
    }
    Ok(())
}

/// The one tensor whose path ends with `path`.
fn called(tensors: &Tensors<'_>, path: &str) -> Result<String> {
    let behind = format!("/{path}");
    let mut found = tensors
        .names()
        .filter(|name| *name == path || name.ends_with(&behind));
    match (found.next(), found.next()) {
        (Some(name), None) => Ok(name.to_owned()),
        (Some(first), Some(second)) => {
            let message = format!("tensors \"{first}\" and \"{second}\" are both \"{path}\"");
            Err(invalid(message))
        }
        (None, _) => Err(tensors.missing(path).detail(
            "The layers must have the names that they had when the file was saved: those of model.to_json().",
        )),
    }
}

/// A layer with variables, and the module that has their numbers.
struct Wanted<'s> {
    item: &'s Item,
    module: Module,
}

fn pytorch(
    stack: &Stack,
    tensors: &mut Tensors<'_>,
    all: &mut [f32],
    callback: &mut dyn Callback,
) -> Result<()> {
    let mut wanted = Vec::new();
    for item in stack
        .layers
        .iter()
        .filter(|item| !item.variables.is_empty())
    {
        let modules = modules(item).map_err(|error| {
            error.hint(
                "An activation may be a layer of its own; else name the tensors as Keras does.",
            )
        })?;
        let with_tensors = modules.into_iter().find(|it| !it.tensors.is_empty());
        wanted.extend(with_tensors.map(|module| Wanted { item, module }));
    }
    let names: Vec<String> = tensors.names().map(str::to_owned).collect();
    let groups = grouped(&names, &wanted)?;
    for (Wanted { item, module }, group) in wanted.into_iter().zip(groups) {
        for tensor in module.tensors {
            let Some(name) = group.get(tensor.name.as_str()) else {
                return Err(lacking(item, &tensor.name, &group));
            };
            let numbers = tensors.take(name, &tensor.shape, callback)?;
            match tensor.source {
                Source::Variable { place, at } => {
                    let offset = item.variables[place].offset;
                    for (from, number) in numbers.into_iter().enumerate() {
                        all[offset + at(from)] = number;
                    }
                }
                Source::Added { place, at } => {
                    let offset = item.variables[place].offset;
                    for (from, number) in numbers.into_iter().enumerate() {
                        all[offset + at(from)] += number;
                    }
                }
                Source::Constant(constant) => {
                    if numbers.iter().any(|number| *number != constant) {
                        let message = format!(
                            "tensor \"{name}\" must be {constant} everywhere, layer \"{}\" has none",
                            item.name
                        );
                        return Err(invalid(message));
                    }
                }
            }
        }
    }
    Ok(())
}

/// The tensors of a module: from the name in the module to that in the file.
type Group<'n> = BTreeMap<&'n str, &'n str>;

/// The tensors of each of the modules that are wanted: those called as the layer, else by the number that an `nn.Sequential` gives.
fn grouped<'n>(names: &'n [String], wanted: &[Wanted<'_>]) -> Result<Vec<Group<'n>>> {
    let mut by_module: BTreeMap<&str, Group<'n>> = BTreeMap::new();
    for name in names {
        let (module, tensor) = name.rsplit_once('.').unwrap_or(("", name));
        by_module.entry(module).or_default().insert(tensor, name);
    }
    let called = |item: &Item, module: &str| {
        let last = module.rsplit('.').next().unwrap_or(module);
        module == item.name || last == item.name
    };
    let by_name = wanted.iter().map(|wanted| {
        let mut found = by_module
            .iter()
            .filter(|(module, _)| called(wanted.item, module));
        found.next().map(|(_, group)| group.clone())
    });
    if let Some(groups) = by_name.collect::<Option<Vec<_>>>() {
        return Ok(groups);
    }
    let modules: Vec<&str> = by_module.keys().copied().collect();
    let mut numbered = Vec::with_capacity(modules.len());
    let common = common(&modules);
    for (module, group) in &by_module {
        let number = module.split('.').nth(common).map(str::parse::<usize>);
        let Some(Ok(number)) = number else {
            return Err(unplaced(module, wanted));
        };
        numbered.push((number, group.clone()));
    }
    numbered.sort_by_key(|(number, _)| *number);
    if let Some(missing) = wanted.get(numbered.len()) {
        let message = format!(
            "the file has the tensors of {} modules, but none for layer \"{}\"",
            numbered.len(),
            missing.item.name
        );
        return Err(invalid(message));
    }
    Ok(numbered.into_iter().map(|(_, group)| group).collect())
}

/// How many parts of their names all modules have in common; none where there is only one.
fn common(modules: &[&str]) -> usize {
    let Some((first, rest)) = modules.split_first() else {
        return 0;
    };
    if rest.is_empty() {
        return first
            .split('.')
            .position(|part| part.parse::<usize>().is_ok())
            .unwrap_or(0);
    }
    let alike = |place: usize| {
        let part = first.split('.').nth(place);
        part.is_some()
            && rest
                .iter()
                .all(|module| module.split('.').nth(place) == part)
    };
    (0..).take_while(|place| alike(*place)).count()
}

/// The error of a module that no layer is called after.
fn unplaced(module: &str, wanted: &[Wanted<'_>]) -> Error {
    let error = invalid(format!(
        "no layer is called as module \"{module}\" of the file"
    ));
    let names = wanted.iter().map(|wanted| wanted.item.name.as_str());
    let names: Vec<&str> = names.collect();
    let near = nearest(module, names.iter().copied());
    let near = near
        .map(|near| format!("Did you mean \"{near}\"? "))
        .unwrap_or_default();
    error.hint(format!(
        "{near}Save the state of an nn.Sequential, or give the layers the names of the modules: {}.",
        names.join(", ")
    ))
}

/// The error of a module without a tensor that its layer needs.
fn lacking(item: &Item, tensor: &str, group: &Group<'_>) -> Error {
    let there: Vec<&str> = group.values().copied().collect();
    let message = format!(
        "layer \"{}\" ({}) has no tensor \"{tensor}\"",
        item.name, item.class
    );
    let hint = if there.is_empty() {
        "The file has none for it.".to_owned()
    } else {
        format!("Its place in the file has {}.", there.join(", "))
    };
    invalid(message).hint(hint)
}
