//! Sources in the text form: kind, place, attributes.

use buildkit_proto::pb;

use crate::json;
use crate::text::Lines;

pub(super) fn write(source: &pb::SourceOp, lines: &mut Lines) -> String {
    let (scheme, place) = source.identifier.split_once("://").unwrap_or(("", &source.identifier));
    for (key, value) in &source.attrs {
        let short = key.split_once('.').map_or(key.as_str(), |(_, short)| short);
        match (key.as_str(), value.as_str()) {
            ("local.session" | "local.unique" | "oci.session", _) => lines.push(format!("{short} $SESSION")),
            // What every git source asks for.
            ("git.authtokensecret", "GIT_AUTH_TOKEN") | ("git.authheadersecret", "GIT_AUTH_HEADER") => {}
            _ => match json::parse_array(value) {
                Some(items) => items.iter().for_each(|item| lines.word(short, item)),
                None => lines.word(short, value),
            },
        }
    }
    match scheme {
        "http" | "https" => format!("http {}", source.identifier),
        "" => format!("source {place}"),
        scheme => format!("{scheme} {place}"),
    }
}
