//! Says what reached it.

include!(concat!(env!("OUT_DIR"), "/generated.rs"));

fn main() {
    println!("{} {} {}", env!("GREETING"), env!("FROM_SCRIPT"), GENERATED);
    println!("script {} build {} target {}", cfg!(of_the_script), cfg!(of_the_build), cfg!(of_the_target));
    println!("{} {} {} {}", linked_sys::answer(), no_script::NAME, other_script::NAME, engine::name());
    println!("empty {:?} here {}", env!("EMPTY"), env!("HERE"));
}
