//! How a request travels: as JSON, compressed, in environment variables of its vertex.
//!
//! As they are they would be half of a graph's bytes, which are limited, and most of a request is what all of them have. So they are
//! compressed against a text that has that already (RFC 1951, with a preset dictionary as RFC 1950 has them). The bytes are part
//! of cache keys: they depend on the request and on nothing else.

use std::cell::RefCell;

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

/// Environment variables that carry a request into a vertex: `LONGSHORE_REQUEST_0`, `_1`, … joined in order.
/// They are cut in pieces because Linux allows 128 KiB for one string of the environment (MAX_ARG_STRLEN).
pub const REQUEST_ENV_PREFIX: &str = "LONGSHORE_REQUEST_";

/// Longest piece of a request, in bytes.
pub const REQUEST_PIECE_BYTES_MAX: usize = 96 * 1024;

/// What requests have in common, the most frequent last. Another text is another key for every vertex.
const DICTIONARY: &[u8] = include_bytes!("wire/dictionary.json");

/// The values of `LONGSHORE_REQUEST_0`, `_1`, … for a request.
pub fn encode(json: &str) -> Vec<String> {
    let text = STANDARD_NO_PAD.encode(compress(json.as_bytes()));
    let mut pieces = Vec::new();
    let mut rest = text.as_str();
    while rest.len() > REQUEST_PIECE_BYTES_MAX {
        let (piece, tail) = rest.split_at(REQUEST_PIECE_BYTES_MAX);
        pieces.push(piece.to_owned());
        rest = tail;
    }
    pieces.push(rest.to_owned());
    pieces
}

/// What [`encode`] made the joined pieces of; `None` when it did not make them.
pub fn decode(text: &str) -> Option<String> {
    String::from_utf8(decompress(&STANDARD_NO_PAD.decode(text).ok()?)?).ok()
}

thread_local! {
    /// To set one up takes longer than to compress most requests. The level is zlib's default: the best one takes longer, and
    /// saves nothing of texts as short as these.
    static COMPRESSOR: RefCell<Compress> = RefCell::new(Compress::new(Compression::default(), false));
}

fn compress(bytes: &[u8]) -> Vec<u8> {
    COMPRESSOR.with_borrow_mut(|compressor| {
        compressor.reset();
        compressor.set_dictionary(DICTIONARY).expect("nothing has been compressed since the reset");
        let mut out = Vec::with_capacity(bytes.len() / 2 + 64);
        loop {
            let read = usize::try_from(compressor.total_in()).expect("it is a length");
            match compressor.compress_vec(&bytes[read..], &mut out, FlushCompress::Finish) {
                Ok(Status::StreamEnd) => return out,
                Ok(Status::Ok | Status::BufError) => out.reserve(out.capacity()),
                Err(error) => unreachable!("compressing into memory cannot fail: {error}"),
            }
        }
    })
}

fn decompress(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut decompressor = Decompress::new(false);
    decompressor.set_dictionary(DICTIONARY).ok()?;
    let mut out = Vec::with_capacity(8 * bytes.len() + 64);
    loop {
        let read = usize::try_from(decompressor.total_in()).ok()?;
        match decompressor.decompress_vec(&bytes[read..], &mut out, FlushDecompress::Finish).ok()? {
            Status::StreamEnd => return Some(out),
            // It is full; otherwise the end is missing.
            _ if out.len() == out.capacity() => out.reserve(out.capacity()),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) {
        let pieces = encode(text);
        assert!(pieces.iter().all(|piece| piece.len() <= REQUEST_PIECE_BYTES_MAX));
        assert_eq!(decode(&pieces.concat()).as_deref(), Some(text));
    }

    /// Text that nothing makes shorter.
    fn noise(len: usize) -> String {
        let mut state = 1_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from_u32(0x4e00 + (state >> 50) as u32).expect("the plane has no surrogates there")
        };
        (0..len).map(|_| next()).collect()
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        for text in ["", "{}", "\"ä\"", "{\"output\":\"/t/serde-1.0.228\",\"packages\":[]}"] {
            check(text);
        }
        check(&"a".repeat(1 << 20));
        check(&noise(200_000));
        assert!(encode(&noise(200_000)).len() > 1);
    }

    #[test]
    fn bytes_are_the_same_on_every_machine() {
        assert_eq!(encode("{\"output\":\"/t/serde-1.0.228\",\"packages\":[]}"), ["q0YpYxG9YiMjUL8AaTQjthYA"]);
    }

    #[test]
    fn what_was_encoded_before_changes_no_bytes() {
        let texts = [noise(70_000), "{\"packages\":[]}".repeat(9), noise(300), String::new()];
        let alone = |text: &str| std::thread::scope(|scope| scope.spawn(|| encode(text)).join().unwrap());
        for before in &texts {
            for text in &texts {
                encode(before);
                assert_eq!(encode(text), alone(text));
            }
        }
    }

    #[test]
    fn what_was_cut_or_changed_is_no_request() {
        let text = encode(&noise(100)).concat();
        assert_eq!(decode(&text[..text.len() - 8]), None);
        assert_eq!(decode("{\"output\":\"/t/x\"}"), None);
        assert_eq!(decode("???"), None);
    }
}
