//! Reads orders from standard input, one in each line, and adds them up.

use std::io::{self, BufRead};

fn main() -> io::Result<()> {
    let mut total = 0;
    for (at, line) in io::stdin().lock().lines().enumerate() {
        match orders::parse(&line?) {
            Ok(order) => total += order.total(),
            Err(error) => eprintln!("line {}: {error}", at + 1),
        }
    }
    println!("{}.{:02}", total / 100, total % 100);
    Ok(())
}
