fn main() {
    println!("{}", greeting::words());
}
