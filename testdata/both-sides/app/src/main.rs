fn main() {
    println!("{} and {}", macros::shouted!(), names::quiet());
}
