//! Prints a number of Apple's.

fn main() {
    println!("{}", mach2::kern_return::KERN_SUCCESS);
}
