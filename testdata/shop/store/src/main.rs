//! Says what it was built with.

/// Room for version and revision; zero until the image is made.
#[used]
#[unsafe(link_section = ".longshore.stamp")]
static STAMP: [u8; 96] = [0; 96];

fn stamp() -> String {
    // Read as it is in the file, not as the compiler knows it.
    let bytes: Vec<u8> = (0..STAMP.len()).map(|at| unsafe { std::ptr::read_volatile(&STAMP[at]) }).collect();
    String::from_utf8_lossy(&bytes).trim_end_matches('\0').to_owned()
}

fn main() {
    println!("greeting {}", option_env!("GREETING").unwrap_or("none"));
    println!("licence of {} characters", env!("LICENCE_LENGTH"));
    println!("stamp {}", stamp());
    println!("arguments {:?}", std::env::args().skip(1).collect::<Vec<_>>());
}
