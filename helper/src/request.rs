//! Reads the request that a vertex carries in its environment.

use std::env;

use longshore_helper::REQUEST_ENV_PREFIX;
use serde::de::DeserializeOwned;

use crate::problem::{Problem, Result};

/// Joins `LONGSHORE_REQUEST_0`, `_1`, … and parses what they spell.
pub(crate) fn read<T: DeserializeOwned>() -> Result<T> {
    parse(|name| env::var_os(name).map(|value| value.to_string_lossy().into_owned()))
}

fn parse<T: DeserializeOwned>(variable: impl Fn(&str) -> Option<String>) -> Result<T> {
    let mut json = String::new();
    let mut index = 0;
    while let Some(piece) = variable(&format!("{REQUEST_ENV_PREFIX}{index}")) {
        json.push_str(&piece);
        index += 1;
    }
    if index == 0 {
        return Err(Problem::new(format!("there is no request: `{REQUEST_ENV_PREFIX}0` is not set")));
    }
    serde_json::from_str(&json).map_err(|error| {
        Problem::new(format!("the request in `{REQUEST_ENV_PREFIX}0`… is not valid: {error}"))
    })
}

#[cfg(test)]
mod tests {
    use longshore_helper::{REQUEST_PIECE_BYTES_MAX, split_request};

    use super::*;

    #[test]
    fn pieces_join_to_the_text_that_was_split() {
        let text = "ä".repeat(REQUEST_PIECE_BYTES_MAX);
        let json = serde_json::to_string(&text).unwrap();
        let pieces = split_request(&json);
        assert!(pieces.len() > 1);
        let read: String = parse(|name| {
            let index: usize = name.strip_prefix(REQUEST_ENV_PREFIX)?.parse().ok()?;
            pieces.get(index).map(|piece| (*piece).to_owned())
        })
        .unwrap();
        assert_eq!(read, text);
    }

    #[test]
    fn no_request_and_a_broken_one_are_told_apart() {
        assert_eq!(
            parse::<String>(|_| None).unwrap_err().to_string(),
            "there is no request: `LONGSHORE_REQUEST_0` is not set"
        );
        let broken = parse::<String>(|name| name.ends_with("_0").then(|| "\"cut off".to_owned()));
        assert!(
            broken.unwrap_err().to_string().starts_with("the request in `LONGSHORE_REQUEST_0`… is not valid")
        );
    }
}
