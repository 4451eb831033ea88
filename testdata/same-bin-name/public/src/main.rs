fn main() {
    println!("the public server");
}
