//! Says which zlib the program is linked with, and which one was there when its toolchain was made ready.

use std::ffi::CStr;

fn main() {
    // SAFETY: zlib's version is a constant string, ended by NUL.
    let version = unsafe { CStr::from_ptr(libz_sys::zlibVersion()) };
    let version = version.to_str().expect("a version is ASCII");
    println!("zlib {}, set up with {}", version, include_str!("/etc/zlib-version").trim());
}
