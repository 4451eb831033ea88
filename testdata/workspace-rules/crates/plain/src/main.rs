//! Says what reached it.

use flags_one::bitflags as flags;

flags! {
    struct Old: u32 {
        const A = 1;
    }
}

flags_two::bitflags! {
    struct New: u32 {
        const B = 2;
    }
}

fn main() {
    println!("{} {} by {}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"), env!("CARGO_PKG_AUTHORS"));
    println!("{} and {}", Old::A.bits(), New::B.bits());
    println!("{} {} {} {}", size::NAME, incremental::name(), inner::NAME, linked::NAME);
    #[cfg(feature = "numbers")]
    println!("{}", itoa::Buffer::new().format(42));
    println!("{} is loud: {}", twice::NAME, twice::LOUD);
    println!("what is absent is there: {}", cfg!(feature = "absent"));
    println!("{}", cfg_if::PATCHED);
}
