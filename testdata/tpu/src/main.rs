//! Says what it holds. To run it would take a TPU, and libtpu beside the program.

/// Executables for PJRT to load, by the topology that each is for.
const EXECUTABLES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/executables.rs"));

fn main() {
    if EXECUTABLES.is_empty() {
        println!("compiled for no TPU");
    }
    for (topology, executable) in EXECUTABLES {
        println!("{topology}: {} bytes", executable.len());
    }
}
