//! Convolution and pooling as modules.

use super::{Module, Places, activation, refused, same, settings};
use crate::Result;
use crate::export::Item;
use serde_json::json;

/// Zeros before and after the steps, as Keras pads them.
fn padding(item: &Item, size: usize, stride: usize, dilation: usize) -> Option<[usize; 2]> {
    let reach = dilation * (size - 1);
    match item.text("padding")? {
        "valid" => Some([0, 0]),
        "causal" => Some([reach, 0]),
        "same" => {
            let steps = *item.input.dims().first()?;
            let windows = steps.div_ceil(stride);
            let all = ((windows - 1) * stride + reach + 1).saturating_sub(steps);
            Some([all / 2, all - all / 2])
        }
        _ => None,
    }
}

/// The kernel is (size, channels, filters) in Keras and (filters, channels, size) in PyTorch.
pub(super) fn conv(item: &Item) -> Result<Vec<Module>> {
    let [kernel, bias @ ..] = item.variables.as_slice() else {
        return Err(refused(item, "has no kernel"));
    };
    let [size, channels, filters] = *kernel.shape.as_slice() else {
        return Err(refused(item, "has a kernel of another rank"));
    };
    let stride = item.size("strides").unwrap_or(1);
    let dilation = item.size("dilation_rate").unwrap_or(1);
    let Some([before, after]) = padding(item, size, stride, dilation) else {
        return Err(refused(item, "with this padding has no module"));
    };
    let mut modules = Vec::new();
    if before + after > 0 {
        // Of (batch, steps, channels) the last two are padded, channels not at all.
        modules.push(Module::new(
            "ZeroPad2d",
            json!({"padding": [0, 0, before, after]}),
        ));
    }
    let all = settings(&[
        ("in_channels", json!(channels)),
        ("out_channels", json!(filters)),
        ("kernel_size", json!(size)),
        ("stride", json!(stride)),
        ("dilation", json!(dilation)),
        ("bias", json!(!bias.is_empty())),
    ]);
    let at: Places = Box::new(move |place| {
        let (filter, rest) = (place / (channels * size), place % (channels * size));
        let (channel, step) = (rest / size, rest % size);
        (step * channels + channel) * filters + filter
    });
    let mut conv = Module::new("Conv1d", all).with("weight", &[filters, channels, size], 0, at);
    if !bias.is_empty() {
        conv = conv.with("bias", &[filters], 1, same());
    }
    modules.push(conv);
    modules.extend(activation::named(item, item.text("activation"))?);
    Ok(modules)
}

/// Only without padding: PyTorch pads both ends alike.
pub(super) fn pooling(item: &Item, class: &'static str) -> Result<Vec<Module>> {
    let size = item.size("pool_size").unwrap_or(2);
    let stride = item.size("strides").unwrap_or(size);
    if padding(item, size, stride, 1) != Some([0, 0]) {
        return Err(refused(item, "with this padding has no module"));
    }
    let settings = json!({"kernel_size": size, "stride": stride});
    Ok(vec![Module::new(class, settings)])
}

pub(super) fn global(item: &Item, class: &'static str) -> Module {
    Module::new(class, json!({"keepdims": item.flag("keepdims")}))
}
