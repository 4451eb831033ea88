//! Says which zlib the program is linked with, and which one its headers were of.

use std::ffi::CStr;

fn main() {
    // SAFETY: zlib's version is a constant string, ended by NUL.
    let version = unsafe { CStr::from_ptr(libz_sys::zlibVersion()) };
    println!("zlib {}", version.to_str().expect("a version is ASCII"));
}
