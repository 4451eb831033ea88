use std::net::TcpStream;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if let Err(error) = TcpStream::connect("example.com:80") {
        panic!("failed to download the price list from example.com: {error}");
    }
}
