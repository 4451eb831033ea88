fn main() {
    println!("audit: {}", shop::offer());
}
