fn main() {
    println!("the admin server");
}
