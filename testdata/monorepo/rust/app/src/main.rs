//! Says how long a voyage is, in units that the whole repository shares.

fn main() {
    let messages = include_str!(concat!(env!("OUT_DIR"), "/messages.txt"));
    println!("{} nautical miles, {messages} messages, {}", units::nautical_miles(18_520), include_str!("../../../docs/motto.txt").trim());
}
