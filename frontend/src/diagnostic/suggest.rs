//! "Did you mean …?" for names of targets, keys, profiles.

/// The candidate that is closest to what was written, when one is close enough to be what was meant.
pub fn did_you_mean<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // One slip in a short word, up to three in a long one; more would suggest unrelated names.
    let distance_max = (written.chars().count() / 3).clamp(1, 3);
    let written = normalized(written);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&written, &normalized(candidate)), candidate))
        .filter(|(distance, _)| *distance <= distance_max)
        // `min_by_key` keeps the first of equals, so the order of the candidates decides.
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Cargo lets packages and crates differ in `-` and `_`, so that alone is never a mistake worth distance.
fn normalized(name: &str) -> String {
    name.to_lowercase().replace('_', "-")
}

#[cfg(test)]
mod tests {
    use super::did_you_mean;

    #[track_caller]
    fn check(written: &str, candidates: &[&str], expected: Option<&str>) {
        assert_eq!(did_you_mean(written, candidates.iter().copied()), expected);
    }

    #[test]
    fn a_slip_finds_its_word() {
        check("sevrer", &["client", "server"], Some("server"));
        check("bas", &["user", "base"], Some("base"));
        check("Server", &["server"], Some("server"));
        check("no_default_features", &["features", "no-default-features"], Some("no-default-features"));
    }

    #[test]
    fn unrelated_words_are_not_suggested() {
        check("web", &["server", "client"], None);
        check("x", &[], None);
        check("", &["server"], None);
    }

    #[test]
    fn the_closest_wins_and_then_the_first() {
        check("serve", &["server2", "server"], Some("server"));
        check("cat", &["bat", "car"], Some("bat"));
    }
}
