mod generated;

fn main() {
    println!("{}, derived {}", generated::SAID, derive::template!());
}
