//! What the network really sees of a row.

use super::RowEncoder;
use crate::predict::Entries;
use crate::weights::room;
use crate::{Binding, Column, Result, Scorer, Value};

/// Rows of a query becoming the numbers that the first dense layer is given.
#[derive(Debug)]
pub struct Transform {
    encoder: RowEncoder,
    /// The column of each feature.
    places: Vec<usize>,
    names: Vec<String>,
    entries: Entries,
    instants: Vec<f64>,
    x: Vec<f32>,
}

impl Transform {
    /// Binds the features of `scorer` to `columns` by name.
    pub fn new(scorer: &Scorer, columns: &[Column]) -> Result<Self> {
        let places = Binding::columns(scorer.features(), columns)?;
        let (encoder, width) = scorer.encoder().written_out()?;
        let mut x = room(width)?;
        x.resize(width, 0.0);
        Ok(Self {
            places,
            names: names(&encoder),
            entries: Entries::new(encoder.most())?,
            instants: vec![0.0; encoder.instants()],
            x,
            encoder,
        })
    }

    /// The names of the numbers; `city[2]` is the second one of the vector that stands for a city.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The numbers of one row, given in column order.
    pub fn row(&mut self, row: &[Value<'_>]) -> Result<&[f32]> {
        let values = self
            .places
            .iter()
            .map(|place| row.get(*place).unwrap_or(&Value::Null));
        self.encoder
            .encode(values, &mut self.entries, &mut self.instants)?;
        self.x.fill(0.0);
        for entry in self.entries.all() {
            if let Some(x) = self.x.get_mut(entry.row as usize) {
                *x = entry.x;
            }
        }
        Ok(&self.x)
    }
}

/// The inputs' names, those of a vector's numbers in the place of its index.
fn names(encoder: &RowEncoder) -> Vec<String> {
    let preprocessing = encoder.preprocessing();
    let mut embeddings = preprocessing.embeddings().into_iter().peekable();
    let mut names = Vec::new();
    for (input, name) in preprocessing.input_names().into_iter().enumerate() {
        match embeddings.next_if(|embedding| embedding.input == input) {
            Some(embedding) => {
                names.extend((1..=embedding.dim).map(|place| format!("{name}[{place}]")));
            }
            None => names.push(name),
        }
    }
    names
}
