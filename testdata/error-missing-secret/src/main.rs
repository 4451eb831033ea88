fn main() {
    println!("signed");
}
