// Reaches the shared libraries that are linked with this one.
fn main() {
    println!("cargo:rustc-cdylib-link-arg=-Wl,--no-undefined");
}
