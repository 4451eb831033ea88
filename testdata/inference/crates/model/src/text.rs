//! What counts as a word. Training and answering must agree on it.

/// The words of a text, in lower case.
pub fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn case_and_punctuation_do_not_count() {
        let found: Vec<String> = words("Late, cold... and NOT worth it!").collect();
        assert_eq!(found, ["late", "cold", "and", "not", "worth", "it"]);
    }
}
