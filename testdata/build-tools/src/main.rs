//! Says what four tools have made.

use prost::Message;

/// Of the schema.
mod cargo {
    include!(concat!(env!("OUT_DIR"), "/cargo.rs"));
}

/// Of the header.
mod native {
    #![allow(missing_docs)]
    include!(concat!(env!("OUT_DIR"), "/tonnage.rs"));
}

fn main() {
    let manifest = cargo::Manifest { name: "sea cloud".to_owned(), holds: 3 };
    let bytes = manifest.encode_to_vec();
    // SAFETY: it reads and writes nothing.
    let tons = unsafe { native::tonnage(manifest.holds) };
    let digest = openssl::sha::sha256(&bytes);
    println!("{} bytes, {tons} tons, {:02x}{:02x}", bytes.len(), digest[0], digest[1]);
    println!("{}", openssl::version::version());
}
