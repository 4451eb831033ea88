//! The shipped model on sentences that it was not trained on.

use model::Model;

const SENTIMENT: &[u8] = include_bytes!("../../../models/sentiment.safetensors");

#[test]
fn unseen_sentences_get_the_right_label() {
    let model = Model::from_bytes(SENTIMENT).unwrap();
    for (text, expected) in [
        ("the soup was delicious and the waiter kind", "positive"),
        ("a wonderful evening, we will come back", "positive"),
        ("quick delivery and a sturdy box", "positive"),
        ("the soup was cold and the waiter rude", "negative"),
        ("a terrible evening, we will never come back", "negative"),
        ("late delivery and a broken box", "negative"),
    ] {
        let prediction = model.predict(text);
        assert_eq!(prediction.label, expected, "{text}: {:?}", prediction.scores);
    }
}

#[test]
fn scores_are_probabilities() {
    let model = Model::from_bytes(SENTIMENT).unwrap();
    for text in ["delicious", "rude", "words nobody taught it: xyzzy", ""] {
        let sum: f32 = model.predict(text).scores.iter().map(|(_, score)| score).sum();
        assert!((sum - 1.0).abs() < 1e-5, "{text}: {sum}");
    }
}

#[test]
fn what_is_not_a_model_is_refused_with_a_reason() {
    let error = Model::from_bytes(b"GIF89a, not a model").unwrap_err().to_string();
    assert!(error.starts_with("not a safetensors file: "), "{error}");
    let truncated = &SENTIMENT[..SENTIMENT.len() - 4];
    assert!(Model::from_bytes(truncated).is_err());
}
