//! A sentiment classifier: the mean of word embeddings, one hidden layer, a softmax.
//!
//! All of it comes from one safetensors file, the words and labels included, so that another
//! file is another classifier.

mod text;

use std::{error, fmt};

use safetensors::{Dtype, SafeTensors, tensor::Metadata};
use serde::{Deserialize, Serialize};
use tensor::Matrix;

pub use text::words;

/// The key of the file's metadata under which the [`Card`] stands, as JSON.
pub const CARD_KEY: &str = "card";

/// What the numbers of a model file mean.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Card {
    /// What each output of the network stands for.
    pub labels: Vec<String>,
    /// The word of each embedding, sorted.
    pub vocabulary: Vec<String>,
}

/// A classifier ready to answer.
#[derive(Debug)]
pub struct Model {
    card: Card,
    embedding: Matrix,
    hidden_weight: Matrix,
    hidden_bias: Matrix,
    output_weight: Matrix,
    output_bias: Matrix,
}

/// The answer for one text.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// The label with the highest score.
    pub label: String,
    /// Every label with its probability, in the order of the card.
    pub scores: Vec<(String, f32)>,
}

/// Why a file is not a model.
#[derive(Debug)]
pub struct Error(String);

impl Model {
    /// Reads a model file.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let not_safetensors = |error| Error(format!("not a safetensors file: {error}"));
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(not_safetensors)?;
        let tensors = SafeTensors::deserialize(bytes).map_err(not_safetensors)?;
        let card = card(&metadata)?;
        let (words, labels) = (card.vocabulary.len(), card.labels.len());

        let embedding = matrix(&tensors, "embedding")?;
        let hidden_weight = matrix(&tensors, "hidden.weight")?;
        let hidden_bias = matrix(&tensors, "hidden.bias")?;
        let output_weight = matrix(&tensors, "output.weight")?;
        let output_bias = matrix(&tensors, "output.bias")?;
        let hidden = hidden_weight.rows();
        expect_shape("embedding", &embedding, words, hidden_weight.cols())?;
        expect_shape("hidden.bias", &hidden_bias, 1, hidden)?;
        expect_shape("output.weight", &output_weight, labels, hidden)?;
        expect_shape("output.bias", &output_bias, 1, labels)?;
        Ok(Self { card, embedding, hidden_weight, hidden_bias, output_weight, output_bias })
    }

    /// What the numbers mean.
    pub fn card(&self) -> &Card {
        &self.card
    }

    /// The label of a text. Words outside the vocabulary do not count.
    pub fn predict(&self, text: &str) -> Prediction {
        let known: Vec<usize> =
            words(text).filter_map(|word| self.card.vocabulary.binary_search(&word).ok()).collect();
        let hidden = self
            .embedding
            .mean_of_rows(&known)
            .matmul_transposed(&self.hidden_weight)
            .plus_row(&self.hidden_bias)
            .relu();
        let output = hidden.matmul_transposed(&self.output_weight).plus_row(&self.output_bias).softmax();

        let scores: Vec<(String, f32)> =
            self.card.labels.iter().cloned().zip(output.row(0).iter().copied()).collect();
        let best = scores.iter().max_by(|a, b| a.1.total_cmp(&b.1));
        let label = best.expect("a card has at least one label").0.clone();
        Prediction { label, scores }
    }
}

fn card(metadata: &Metadata) -> Result<Card, Error> {
    let text = metadata.metadata().as_ref().and_then(|entries| entries.get(CARD_KEY));
    let text = text.ok_or_else(|| Error(format!("the metadata has no `{CARD_KEY}`")))?;
    let card: Card =
        serde_json::from_str(text).map_err(|error| Error(format!("`{CARD_KEY}` is not valid: {error}")))?;
    if card.labels.is_empty() {
        return Err(Error("there are no labels".to_owned()));
    }
    // Looking words up by halving relies on it.
    if !card.vocabulary.is_sorted_by(|a, b| a < b) {
        return Err(Error("the vocabulary is not sorted".to_owned()));
    }
    Ok(card)
}

/// A tensor of one or two dimensions; one dimension is one row.
fn matrix(tensors: &SafeTensors<'_>, name: &str) -> Result<Matrix, Error> {
    let view = tensors.tensor(name).map_err(|error| Error(format!("`{name}`: {error}")))?;
    if view.dtype() != Dtype::F32 {
        return Err(Error(format!("`{name}` has elements of type {:?}, expected F32", view.dtype())));
    }
    let (rows, cols) = match *view.shape() {
        [cols] => (1, cols),
        [rows, cols] => (rows, cols),
        _ => return Err(Error(format!("`{name}` has the shape {:?}, expected a matrix", view.shape()))),
    };
    let elements =
        view.data().chunks_exact(4).map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]));
    Matrix::new(rows, cols, elements.collect()).map_err(|error| Error(format!("`{name}`: {error}")))
}

fn expect_shape(name: &str, matrix: &Matrix, rows: usize, cols: usize) -> Result<(), Error> {
    if (matrix.rows(), matrix.cols()) == (rows, cols) {
        return Ok(());
    }
    let (found_rows, found_cols) = (matrix.rows(), matrix.cols());
    Err(Error(format!("`{name}` is {found_rows} by {found_cols}, expected {rows} by {cols}")))
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl error::Error for Error {}
