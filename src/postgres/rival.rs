//! The deployed version of a model, with which a new one is compared before it takes its place.

use std::rc::Rc;

use tablenet_core::{Binding, Column, Result, Scorer, Training};

use crate::catalog;
use crate::catalog::versions::{Comparison, Deploy, NewVersion, Stored};
use crate::lookup;

/// What a training under `deploy => 'if_better'` is compared with.
pub struct Rival {
    /// The deployed version, if there is one: its number, and how it scores.
    deployed: Option<(i32, Rc<Scorer>)>,
}

impl Rival {
    /// That of the model `name`, which may not be there yet; `None` where nothing is to be compared.
    ///
    /// # Errors
    /// Those of [`catalog::find_deployed`] and [`lookup::scorer`].
    pub fn find(name: &str, deploy: Deploy) -> Result<Option<Self>> {
        if deploy != Deploy::IfBetter {
            return Ok(None);
        }
        let deployed = catalog::find_deployed(name)?;
        let deployed = deployed
            .map(|stored| Ok((stored.version, lookup::scorer(name, &stored)?)))
            .transpose()?;
        Ok(Some(Self { deployed }))
    }

    /// The number of the deployed version.
    pub fn version(&self) -> Option<i32> {
        self.deployed.as_ref().map(|(version, _)| *version)
    }

    /// Whether it needs the column `name`.
    pub fn reads(&self, name: &str) -> bool {
        let knows = |(_, scorer): &(i32, Rc<Scorer>)| Binding::knows(scorer.features(), name);
        self.deployed.as_ref().is_some_and(knows)
    }

    /// Lets `training` on rows of these `columns`, which has no row yet, score the deployed version too.
    ///
    /// # Errors
    /// Those of [`Training::compare_with`].
    pub fn join(self, training: &mut Training<'_>, columns: &[Column]) -> Result<()> {
        match self.deployed {
            Some((_, scorer)) => training.compare_with(scorer, columns),
            None => Ok(()),
        }
    }
}

/// What to say where the new version was compared and is not put to use.
pub fn notice(new: &NewVersion<'_>, stored: &Stored) -> Option<String> {
    if new.deploy != Deploy::IfBetter || stored.deployed {
        return None;
    }
    let not = format!(
        "version {} of model \"{}\" was not deployed",
        stored.version, stored.model
    );
    let val_loss = new.val_loss.unwrap_or(f64::NAN);
    Some(match new.comparison {
        Some(Comparison { version, loss }) if val_loss.is_nan() || val_loss >= loss => {
            format!("{not}: val_loss {val_loss}, on the same rows version {version} has {loss}")
        }
        _ => format!("{not}: another version was deployed while it was trained"),
    })
}
