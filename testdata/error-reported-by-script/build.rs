fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::warning=the price list is of last year");
    println!("cargo::error=the price list is empty: add at least one line to prices.csv");
}
