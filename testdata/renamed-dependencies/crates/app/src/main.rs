//! Says hello by a trait whose crate has another name here.

use hello::Greeting as _;

#[derive(derive::Greeting)]
struct World;

fn main() {
    println!("{}", World.greeting());
}
