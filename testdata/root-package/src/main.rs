fn main() {
    println!("{}", shop::offer());
}
