use std::env::consts::ARCH;
use std::ffi::CStr;

fn main() {
    let text = words::shout!("across");
    // SAFETY: the pointer and the length are those of a string, and the version is a constant of zlib's.
    let (version, checksum) = unsafe {
        let length = u32::try_from(text.len()).unwrap();
        (CStr::from_ptr(libz_sys::zlibVersion()), libz_sys::crc32(0, text.as_ptr(), length))
    };
    let avx2 = if cfg!(target_feature = "avx2") { " with AVX2" } else { "" };
    println!("{text}, {ARCH}{avx2}: zlib {} says {checksum:08x}", version.to_str().unwrap());
}
