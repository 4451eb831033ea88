fn main() {
    println!("{} by meter {}", meter::measure(), meter::NATIVE_VERSION);
}
