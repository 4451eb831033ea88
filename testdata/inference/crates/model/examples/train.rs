//! Trains the classifier on `models/reviews.tsv` and writes `models/sentiment.safetensors`.
//!
//! ```text
//! cargo run --release -p model --example train
//! ```
//!
//! Plain gradient descent from a fixed start, one review at a time in the order of the file, so
//! that the same reviews give the same model.

use std::{collections::BTreeSet, error::Error, fs, path::Path};

use model::{CARD_KEY, Card, Model, words};
use safetensors::{Dtype, tensor::TensorView};

const LABELS: [&str; 2] = ["negative", "positive"];
const WIDTH: usize = 8;
const EPOCHS: usize = 300;
const RATE: f32 = 0.1;
/// Pulls weights towards zero; without it, words seen once would decide alone.
const DECAY: f32 = 1e-4;

struct Review {
    label: usize,
    words: Vec<usize>,
}

struct Network {
    embedding: Vec<[f32; WIDTH]>,
    hidden_weight: [[f32; WIDTH]; WIDTH],
    hidden_bias: [f32; WIDTH],
    output_weight: [[f32; WIDTH]; LABELS.len()],
    output_bias: [f32; LABELS.len()],
}

fn main() -> Result<(), Box<dyn Error>> {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models");
    let text = fs::read_to_string(models.join("reviews.tsv"))?;
    let (vocabulary, reviews) = parse(&text)?;

    let mut network = Network::new(vocabulary.len());
    for _ in 0..EPOCHS {
        for review in &reviews {
            network.learn(review);
        }
    }

    let file = network.to_file(vocabulary)?;
    let model = Model::from_bytes(&file)?;
    let right = text
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .filter(|(label, review)| model.predict(review).label == *label)
        .count();
    println!("{right} of {} reviews are labelled right", reviews.len());
    fs::write(models.join("sentiment.safetensors"), file)?;
    Ok(())
}

fn parse(text: &str) -> Result<(Vec<String>, Vec<Review>), String> {
    let vocabulary: BTreeSet<String> =
        text.lines().filter_map(|line| line.split_once('\t')).flat_map(|(_, review)| words(review)).collect();
    let vocabulary = Vec::from_iter(vocabulary);
    let mut reviews = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let (label, review) = line.split_once('\t').ok_or(format!("line {} has no tab", index + 1))?;
        let label = LABELS
            .iter()
            .position(|name| *name == label)
            .ok_or(format!("line {} has the unknown label `{label}`", index + 1))?;
        let words = words(review).filter_map(|word| vocabulary.binary_search(&word).ok()).collect();
        reviews.push(Review { label, words });
    }
    Ok((vocabulary, reviews))
}

impl Network {
    fn new(vocabulary: usize) -> Self {
        // A linear congruential generator; any will do, as long as it is always the same.
        let mut state = 42_u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1_u64 << 24) as f32 - 0.5
        };
        Self {
            embedding: (0..vocabulary).map(|_| std::array::from_fn(|_| random())).collect(),
            hidden_weight: std::array::from_fn(|_| std::array::from_fn(|_| random())),
            hidden_bias: [0.0; WIDTH],
            output_weight: std::array::from_fn(|_| std::array::from_fn(|_| random())),
            output_bias: [0.0; LABELS.len()],
        }
    }

    /// One step against the gradient of the cross entropy.
    fn learn(&mut self, review: &Review) {
        let share = 1.0 / review.words.len().max(1) as f32;
        let mut mean = [0.0; WIDTH];
        for &word in &review.words {
            for (sum, value) in mean.iter_mut().zip(self.embedding[word]) {
                *sum += value * share;
            }
        }
        let hidden: [f32; WIDTH] =
            std::array::from_fn(|i| (dot(&self.hidden_weight[i], &mean) + self.hidden_bias[i]).max(0.0));
        let output: [f32; LABELS.len()] =
            std::array::from_fn(|i| (dot(&self.output_weight[i], &hidden) + self.output_bias[i]).exp());
        let total: f32 = output.iter().sum();

        let output_slope: [f32; LABELS.len()] =
            std::array::from_fn(|i| output[i] / total - f32::from(u8::from(i == review.label)));
        let hidden_slope: [f32; WIDTH] = std::array::from_fn(|i| {
            let slope: f32 = (0..LABELS.len()).map(|o| output_slope[o] * self.output_weight[o][i]).sum();
            if hidden[i] > 0.0 { slope } else { 0.0 }
        });
        let mean_slope: [f32; WIDTH] =
            std::array::from_fn(|i| (0..WIDTH).map(|h| hidden_slope[h] * self.hidden_weight[h][i]).sum());

        for (o, slope) in output_slope.into_iter().enumerate() {
            step(&mut self.output_weight[o], &hidden, slope);
            self.output_bias[o] -= RATE * slope;
        }
        for (h, slope) in hidden_slope.into_iter().enumerate() {
            step(&mut self.hidden_weight[h], &mean, slope);
            self.hidden_bias[h] -= RATE * slope;
        }
        for &word in &review.words {
            step(&mut self.embedding[word], &mean_slope, share);
        }
    }

    fn to_file(&self, vocabulary: Vec<String>) -> Result<Vec<u8>, Box<dyn Error>> {
        let words = vocabulary.len();
        let labels = LABELS.map(str::to_owned).to_vec();
        let card = serde_json::to_string(&Card { labels, vocabulary })?;
        let tensors = [
            ("embedding", vec![words, WIDTH], bytes(self.embedding.as_flattened())),
            ("hidden.weight", vec![WIDTH, WIDTH], bytes(self.hidden_weight.as_flattened())),
            ("hidden.bias", vec![WIDTH], bytes(&self.hidden_bias)),
            ("output.weight", vec![LABELS.len(), WIDTH], bytes(self.output_weight.as_flattened())),
            ("output.bias", vec![LABELS.len()], bytes(&self.output_bias)),
        ];
        let mut views = Vec::new();
        for (name, shape, data) in &tensors {
            views.push((*name, TensorView::new(Dtype::F32, shape.clone(), data)?));
        }
        Ok(safetensors::serialize(views, Some([(CARD_KEY.to_owned(), card)].into()))?)
    }
}

fn dot(a: &[f32; WIDTH], b: &[f32; WIDTH]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn step(weights: &mut [f32; WIDTH], inputs: &[f32; WIDTH], slope: f32) {
    for (weight, input) in weights.iter_mut().zip(inputs) {
        *weight -= RATE * (slope * input + DECAY * *weight);
    }
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}
