#[path = "../../../shared/banner.rs"]
mod banner;
#[cfg_attr(unix, path = "../../../shared/unix.rs")]
#[cfg_attr(not(unix), path = "../../../shared/other.rs")]
mod platform;

// Reads files as macros of many crates do: relative to the package.
macro_rules! text_of {
    ($path:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/", $path))
    };
}

const NOTICE: &str = include_str!("../../../NOTICE");
const MOTTO: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/motto.txt"));
const FOOTER: &str = text_of!("../../shared/footer.txt");

fn main() {
    println!("{} {} {} words", banner::banner(), env!("SCHEMA"), env!("WORDS"));
    println!("{} {}", NOTICE.trim(), MOTTO.trim());
    println!("{}, in {}, {}", platform::line(), env!("UNITS"), FOOTER.trim());
}
