//! Which questions this frontend answers.

use serde_json::{Value, json};

use super::{Answer, Question, table};

/// The list of questions.
pub fn answer() -> Answer {
    let file = |name: &str| json!({ "name": name });
    let question = |question: &Question| -> Value {
        json!({
            "name": question.name(),
            "version": "1.0.0",
            "type": "rpc",
            "description": question.description(),
            "opts": [{ "name": "target", "description": "Target build stage" }],
            "inputs": [],
            "metadata": [file("result.json"), file("result.txt")],
            "refs": [],
        })
    };
    let row = |question: &Question| {
        vec![question.name().to_owned(), "1.0.0".to_owned(), question.description().to_owned()]
    };
    let heads = ["NAME", "VERSION", "DESCRIPTION"].map(str::to_owned).to_vec();
    let rows: Vec<Vec<String>> = std::iter::once(heads).chain(Question::ALL.iter().map(row)).collect();
    Answer { json: Question::ALL.iter().map(question).collect(), text: table(&rows), status: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_question_is_described() {
        let answer = answer();
        assert_eq!(answer.json.as_array().map(Vec::len), Some(Question::ALL.len()));
        assert!(answer.text.contains("frontend.explain"), "{}", answer.text);
    }
}
