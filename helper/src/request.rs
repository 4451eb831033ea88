//! Reads the request that a vertex carries in its environment.

use std::env;

use longshore_helper::wire::{self, REQUEST_ENV_PREFIX};
use serde::de::DeserializeOwned;

use crate::problem::{Problem, Result};

/// Joins `LONGSHORE_REQUEST_0`, `_1`, … and parses what they spell.
pub(crate) fn read<T: DeserializeOwned>() -> Result<T> {
    parse(|name| env::var_os(name).map(|value| value.to_string_lossy().into_owned()))
}

fn parse<T: DeserializeOwned>(variable: impl Fn(&str) -> Option<String>) -> Result<T> {
    let mut text = String::new();
    let mut index = 0;
    while let Some(piece) = variable(&format!("{REQUEST_ENV_PREFIX}{index}")) {
        text.push_str(&piece);
        index += 1;
    }
    if index == 0 {
        return Err(Problem::new(format!("there is no request: `{REQUEST_ENV_PREFIX}0` is not set")));
    }
    let invalid =
        |error: &str| Problem::new(format!("the request in `{REQUEST_ENV_PREFIX}0`… is not valid: {error}"));
    let json = wire::decode(&text).ok_or_else(|| invalid("it is cut off or changed"))?;
    serde_json::from_str(&json).map_err(|error| invalid(&error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_joined() {
        let pieces = wire::encode("\"text\"").concat();
        let (head, tail) = pieces.split_at(3);
        let read: String = parse(|name| match name.strip_prefix(REQUEST_ENV_PREFIX)? {
            "0" => Some(head.to_owned()),
            "1" => Some(tail.to_owned()),
            _ => None,
        })
        .unwrap();
        assert_eq!(read, "text");
    }

    #[test]
    fn no_request_and_a_broken_one_are_told_apart() {
        assert_eq!(
            parse::<String>(|_| None).unwrap_err().to_string(),
            "there is no request: `LONGSHORE_REQUEST_0` is not set"
        );
        let one = |text: &str| {
            let text = text.to_owned();
            parse::<String>(move |name| name.ends_with("_0").then(|| text.clone())).unwrap_err().to_string()
        };
        let expected = "the request in `LONGSHORE_REQUEST_0`… is not valid: ";
        assert_eq!(one("\"text\""), format!("{expected}it is cut off or changed"));
        assert!(one(&wire::encode("\"cut off").concat()).starts_with(expected));
    }
}
