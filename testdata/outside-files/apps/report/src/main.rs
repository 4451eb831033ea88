#[path = "../../../shared/banner.rs"]
mod banner;

const NOTICE: &str = include_str!("../../../NOTICE");
const MOTTO: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/motto.txt"));

fn main() {
    println!("{} {} {} words", banner::banner(), env!("SCHEMA"), env!("WORDS"));
    println!("{} {}", NOTICE.trim(), MOTTO.trim());
}
