fn main() {
    println!("cargo::rustc-link-arg-cdylib=-Wl,-soname,libarchive.so.1");
}
