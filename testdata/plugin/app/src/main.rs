//! Loads the library that it is told and asks it.

use libloading::{Library, Symbol};

fn main() -> Result<(), libloading::Error> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "/usr/local/lib/libengine.so".to_owned());
    // SAFETY: the library is the one of this workspace, whose function has this type.
    let answer = unsafe {
        let library = Library::new(path)?;
        let function: Symbol<'_, extern "C" fn(u32) -> u32> = library.get(b"engine_answer")?;
        function(21)
    };
    println!("{answer}");
    Ok(())
}
