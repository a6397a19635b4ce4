//! `compile`: every check that needs neither data nor weights (Keras: `model.compile`).

use crate::config::invalid;
use crate::layer::front::Front;
use crate::metric::Subject;
use crate::network::Network;
use crate::sequential::MAX_LAYERS;
use crate::{
    Activation, Error, ErrorKind, InputShape, Inputs, Layer, Loss, Metric, Model, Optimizer,
    Result, Sequential, Shape,
};
use serde::{Deserialize, Serialize};

/// What the model is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// Numbers.
    Regression {
        /// Targets.
        outputs: usize,
    },
    /// Two classes, 0 and 1; 1 is the positive one.
    Binary,
    /// Three or more classes.
    Multiclass {
        /// Classes.
        classes: usize,
    },
}

impl Task {
    /// `regression`, `binary` or `multiclass`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Regression { .. } => "regression",
            Self::Binary => "binary",
            Self::Multiclass { .. } => "multiclass",
        }
    }
}

/// The widest row of inputs.
const MAX_INPUTS: usize = 1 << 24;

impl Sequential {
    /// Checks everything that can be checked before data and weights are there. Takes no memory in proportion to the parameters.
    ///
    /// `inputs` is the width of a row, or [`Inputs`]: every embedding in it becomes a layer in front of the given ones.
    ///
    /// `target_scale` is the target's standard deviation (1.0 when it is not standardised): mae, mse and rmse are
    /// reported in the target's own units, the loss in standardised ones.
    pub fn compile(
        &self,
        inputs: impl Into<Inputs>,
        task: Task,
        optimizer: Optimizer,
        loss: Loss,
        metrics: Vec<Metric>,
        target_scale: f64,
    ) -> Result<Model> {
        let inputs = inputs.into();
        let shape = self.check_inputs(&inputs)?;
        self.check_layers(&inputs)?;
        if !(target_scale.is_finite() && target_scale > 0.0) {
            return Err(invalid(format!(
                "target_scale must be positive, not {target_scale}"
            )));
        }
        // What was built by hand passes the same guards as what was read.
        let optimizer = Optimizer::parse(&optimizer.to_json().to_string())?;
        let loss = Loss::parse(&loss.to_json().to_string())?;

        check_loss(task, loss)?;
        let mut sequential = self.clone();
        // A row of any numbers is what is taken without an InputLayer.
        let any = self.inputs.is_some_and(InputShape::is_any_row);
        sequential.inputs = shape.filter(|_| !any).map(Into::into);
        for (layer, name) in sequential.layers.iter_mut().zip(self.names()?) {
            *layer.kind_mut().name_mut() = Some(name);
        }
        let mut layers = sequential.layers.clone();
        let head = check_head(&mut layers, loss)?;
        let front = Front::new(
            &inputs,
            sequential.embedding_names(inputs.embeddings.len())?,
        )?;
        let last = layers.last().map_or("", Layer::class_name).to_owned();
        let network = Network::new(layers, front, shape)?;
        if network.multiplied() == 0 {
            return Err(invalid("a model needs a layer with weights").hint("Add a Dense layer."));
        }
        check_rank(&last, network.output())?;
        check_outputs(network.outputs, task, loss)?;

        let taken = check_metrics(metrics, task, network.outputs, loss)?;
        Model::new(
            sequential,
            network,
            head,
            task,
            optimizer,
            loss,
            taken,
            target_scale,
        )
    }

    /// The shape of a row, where the layers state one.
    fn check_inputs(&self, inputs: &Inputs) -> Result<Option<Shape>> {
        if inputs.width == 0 {
            return Err(invalid("a model needs at least one input"));
        }
        let wide = inputs.wide().unwrap_or(usize::MAX);
        if inputs.width.max(wide) > MAX_INPUTS {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                format!("a model cannot have more than {MAX_INPUTS} inputs, not {wide}"),
            ));
        }
        inputs.check()?;
        self.inputs.map(|stated| stated.of(wide)).transpose()
    }

    fn check_layers(&self, inputs: &Inputs) -> Result<()> {
        if self.layers.is_empty() {
            return Err(invalid("a model needs at least one layer"));
        }
        if self.layers.len() > MAX_LAYERS {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                format!("a model cannot have more than {MAX_LAYERS} layers"),
            ));
        }
        self.check_embedding(inputs)?;
        self.layers
            .iter()
            .try_for_each(|layer| layer.kind().check())
    }

    /// Indices are what the data has, not what a layer makes.
    fn check_embedding(&self, inputs: &Inputs) -> Result<()> {
        let place = |layer: &Layer| matches!(layer, Layer::Embedding(_));
        let Some(place) = self.layers.iter().rposition(place) else {
            return Ok(());
        };
        let before = &self.layers[..place];
        match before.iter().rfind(|layer| !layer.only_reshapes()) {
            Some(layer) => Err(invalid(format!(
                "an Embedding cannot stand behind {}",
                layer.class_name()
            ))
            .hint("It takes indices: put it first.")),
            None if !inputs.embeddings.is_empty() => Err(invalid(
                "an Embedding layer cannot stand behind the embeddings of text columns",
            )
            .hint("Leave the texts or the layer out.")),
            None => Ok(()),
        }
    }
}

/// The metrics that fit the task and the loss, each once.
pub(crate) fn check_metrics(
    metrics: Vec<Metric>,
    task: Task,
    outputs: usize,
    loss: Loss,
) -> Result<Vec<Metric>> {
    let mut taken = Vec::new();
    let of = Subject::new(task, outputs, loss, &[]);
    for metric in metrics {
        metric.check_of(&of)?;
        if !metric.is_loss() && !taken.contains(&metric) {
            taken.push(metric);
        }
    }
    Ok(taken)
}

/// The loss against the task, before any layer is blamed for a loss that cannot fit.
fn check_loss(task: Task, loss: Loss) -> Result<()> {
    if loss.fits(task) {
        return Ok(());
    }
    let (target, fitting) = match task {
        Task::Regression { .. } => ("a numeric target".to_owned(), "Use mse, mae or huber."),
        Task::Binary => (
            "a target of two classes".to_owned(),
            "Use binary_crossentropy or hinge, or cast the target to double precision.",
        ),
        Task::Multiclass { classes } => (
            format!("a target of {classes} classes"),
            "Use categorical_crossentropy.",
        ),
    };
    let name = loss.name();
    Err(invalid(format!("loss {name} does not fit {target}")).hint(fitting))
}

/// The last layer's activation against the loss. Under a crossentropy it goes over to the loss: returns what
/// turns the logits into probabilities.
fn check_head(layers: &mut [Layer], loss: Loss) -> Result<Activation> {
    let Some(last) = layers.last_mut() else {
        return Err(invalid("a model needs at least one layer"));
    };
    let Some(activation) = last.kind().activation() else {
        return check_plain_head(last, loss);
    };
    let unfit = |hint: String| {
        let (activation, loss) = (activation.name(), loss.name());
        let message = format!("the last layer's {activation} does not fit loss {loss}");
        Err(invalid(message).hint(hint))
    };
    match loss.head() {
        Some(head) if activation == head || activation == Activation::Linear => {
            last.kind_mut().set_linear();
            Ok(head)
        }
        Some(head) => unfit(format!(
            "End with {}, or with no activation, which gives logits.",
            head.name()
        )),
        None if activation == Activation::Softmax && !loss.takes_shares() => {
            unfit("softmax goes with categorical_crossentropy.".to_owned())
        }
        None if loss.needs_positive() && may_be_negative(activation) => unfit(
            "It has no value for negative answers: end with softplus, exponential or relu."
                .to_owned(),
        ),
        None => Ok(Activation::Linear),
    }
}

/// A last layer without an activation answers the numbers that it makes.
fn check_plain_head(last: &Layer, loss: Loss) -> Result<Activation> {
    let class = last.class_name();
    let message = if matches!(last, Layer::Dropout(_) | Layer::GaussianNoise(_)) {
        format!("the last layer must not be {class}")
    } else if loss.head().is_some() || loss.needs_positive() {
        let loss = loss.name();
        format!("the last layer must not be {class} under loss {loss}")
    } else {
        return Ok(Activation::Linear);
    };
    Err(invalid(message).hint("End with a Dense or an Activation layer."))
}

/// Whether an activation that users end with answers as far below 0 as above it.
fn may_be_negative(activation: Activation) -> bool {
    matches!(activation, Activation::Linear | Activation::Tanh)
}

/// The last layer's rank: an answer for a row is not one for each of its steps.
fn check_rank(last: &str, output: Option<Shape>) -> Result<()> {
    match output {
        Some(shape) if shape.rank() > 1 => Err(invalid(format!(
            "the last layer, {last}, gives a row of shape {shape}, not one answer"
        ))
        .hint("Put Flatten, GlobalAveragePooling1D, GlobalMaxPooling1D or a recurrent layer without return_sequences before it.")),
        _ => Ok(()),
    }
}

/// The last layer's width against task and loss.
fn check_outputs(outputs: usize, task: Task, loss: Loss) -> Result<()> {
    let (wanted, of) = match task {
        Task::Regression { outputs } => (outputs, "a numeric target".to_owned()),
        Task::Binary => (
            loss.units_for_two(),
            format!("{} on two classes", loss.name()),
        ),
        Task::Multiclass { classes } => (classes, format!("{classes} classes")),
    };
    if outputs != wanted {
        let units = if wanted == 1 { "unit" } else { "units" };
        return Err(invalid(format!(
            "the last layer must have {wanted} {units} for {of}, not {outputs}"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ActivationLayer, Dense, Dropout, Lstm, Prelu, Reshape};

    fn compile(layers: Vec<Layer>, task: Task, loss: Loss) -> Result<Model> {
        let metrics = Metric::usual(task, loss);
        Sequential::new(layers).compile(4, task, Optimizer::default(), loss, metrics, 1.0)
    }

    fn dense(units: usize, activation: Activation) -> Layer {
        Layer::Dense(Dense::new(units, activation))
    }

    #[test]
    fn takes_every_fitting_head() {
        use Activation::*;
        let (bce, cce) = (Loss::BINARY, Loss::CATEGORICAL);
        for (layers, task, loss) in [
            (
                vec![dense(1, Linear)],
                Task::Regression { outputs: 1 },
                Loss::MSE,
            ),
            (vec![dense(1, Sigmoid)], Task::Binary, bce),
            (vec![dense(1, Linear)], Task::Binary, bce),
            (
                vec![
                    dense(1, Linear),
                    Layer::Activation(ActivationLayer::new(Sigmoid)),
                ],
                Task::Binary,
                bce,
            ),
            (vec![dense(2, Softmax)], Task::Binary, cce),
            (vec![dense(1, Sigmoid)], Task::Binary, Loss::MSE),
            (vec![dense(3, Linear)], Task::Multiclass { classes: 3 }, cce),
            (
                vec![dense(1, Linear), Layer::PReLU(Prelu::default())],
                Task::Regression { outputs: 1 },
                Loss::MSE,
            ),
            (
                vec![
                    Layer::Reshape(Reshape::new(vec![4, 1])),
                    Layer::LSTM(Lstm::new(2)),
                ],
                Task::Regression { outputs: 2 },
                Loss::MSE,
            ),
        ] {
            compile(layers, task, loss).unwrap();
        }
    }

    #[test]
    fn refuses_every_other_head_by_name() {
        use Activation::*;
        let (bce, cce, mse) = (Loss::BINARY, Loss::CATEGORICAL, Loss::MSE);
        let number = Task::Regression { outputs: 1 };
        for (layers, task, loss, message) in [
            (vec![], number, mse, "a model needs at least one layer"),
            (
                vec![dense(2, Linear)],
                number,
                mse,
                "the last layer must have 1 unit for a numeric target, not 2",
            ),
            (
                vec![dense(1, Sigmoid)],
                number,
                bce,
                "loss binary_crossentropy does not fit a numeric target",
            ),
            (
                vec![dense(1, Relu)],
                Task::Binary,
                bce,
                "the last layer's relu does not fit loss binary_crossentropy",
            ),
            (
                vec![dense(3, Sigmoid)],
                Task::Multiclass { classes: 3 },
                cce,
                "the last layer's sigmoid does not fit loss categorical_crossentropy",
            ),
            (
                vec![dense(2, Linear)],
                Task::Multiclass { classes: 3 },
                cce,
                "the last layer must have 3 units for 3 classes, not 2",
            ),
            (
                vec![dense(3, Linear)],
                Task::Multiclass { classes: 3 },
                mse,
                "loss mse does not fit a target of 3 classes",
            ),
            (
                vec![dense(3, Softmax)],
                Task::Multiclass { classes: 3 },
                bce,
                "loss binary_crossentropy does not fit a target of 3 classes",
            ),
            (
                vec![dense(1, Softmax)],
                number,
                mse,
                "the last layer's softmax does not fit loss mse",
            ),
            (
                vec![dense(1, Linear), Layer::Dropout(Dropout::new(0.1))],
                number,
                mse,
                "the last layer must not be Dropout",
            ),
            (
                vec![dense(1, Linear), Layer::PReLU(Prelu::default())],
                Task::Binary,
                bce,
                "the last layer must not be PReLU under loss binary_crossentropy",
            ),
            (
                vec![Layer::Activation(ActivationLayer::new(Relu))],
                number,
                mse,
                "a model needs a layer with weights",
            ),
            (
                vec![dense(0, Linear)],
                number,
                mse,
                "units of Dense must be from 1 to 16777216, not 0",
            ),
            (
                vec![
                    dense(1 << 24, Linear),
                    dense(1 << 24, Linear),
                    dense(1, Linear),
                ],
                number,
                mse,
                "a model cannot have more than 268435456 parameters",
            ),
        ] {
            assert_eq!(
                compile(layers, task, loss).unwrap_err().to_string(),
                message
            );
        }
        let mut stated = Sequential::new(vec![dense(1, Linear)]);
        stated.inputs = Some(Shape::new(&[5]).unwrap().into());
        let error = stated
            .compile(4, number, Optimizer::default(), mse, vec![], 1.0)
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "the layers state 5 inputs, the data has 4"
        );
    }
}
