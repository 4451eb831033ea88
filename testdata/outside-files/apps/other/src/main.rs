fn main() {
    println!("sees its own directory and no more");
}
