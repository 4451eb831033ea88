//! Writes a text into a program that has left room for it: the section `.longshore.stamp`.
//!
//! The room is declared in the program's source, and zero until a stamp is written; so a revision is in the program
//! and in nobody's key.

use object::elf::{FileHeader32, FileHeader64};
use object::read::elf::{FileHeader, SectionHeader as _};
use object::{Endianness, FileKind};

/// The name of the section.
const SECTION: &[u8] = b".longshore.stamp";

/// Fills the section with `text` and zeros; a program without it stays as it is.
///
/// # Errors
/// The text is longer than the room, or the file is broken.
pub(crate) fn write(program: &mut [u8], text: &str) -> Result<(), String> {
    let room = match FileKind::parse(&*program) {
        Ok(FileKind::Elf64) => room::<FileHeader64<Endianness>>(program),
        Ok(FileKind::Elf32) => room::<FileHeader32<Endianness>>(program),
        _ => return Ok(()),
    };
    let Some((at, length)) = room.map_err(|error| error.to_string())? else { return Ok(()) };
    if text.len() > length {
        return Err(format!("its stamp has room for {length} bytes, and the text has {}", text.len()));
    }
    let room = program.get_mut(at..at + length).ok_or("its stamp lies outside of the file")?;
    room.fill(0);
    room[..text.len()].copy_from_slice(text.as_bytes());
    Ok(())
}

fn room<Elf: FileHeader<Endian = Endianness>>(data: &[u8]) -> object::read::Result<Option<(usize, usize)>> {
    let header = Elf::parse(data)?;
    let endian = header.endian()?;
    let sections = header.sections(endian, data)?;
    let section = sections.section_by_name(endian, SECTION);
    let range = section.and_then(|(_, section)| section.file_range(endian));
    Ok(range.and_then(|(at, length)| Some((usize::try_from(at).ok()?, usize::try_from(length).ok()?))))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    const PROGRAM: &str = r#"
        #[used]
        #[unsafe(link_section = ".longshore.stamp")]
        static STAMP: [u8; 64] = [0; 64];
        fn main() {
            let stamp: Vec<u8> = (0..64).map(|at| unsafe { std::ptr::read_volatile(&STAMP[at]) }).collect();
            print!("{}", String::from_utf8(stamp).unwrap().trim_end_matches('\0'));
        }
    "#;

    #[test]
    fn a_program_reads_its_stamp() {
        let owner = tempfile::tempdir().unwrap();
        let (source, program) = (owner.path().join("p.rs"), owner.path().join("p"));
        std::fs::write(&source, PROGRAM).unwrap();
        let compiled =
            Command::new("rustc").args(["--edition", "2024", "-o"]).args([&program, &source]).status();
        assert!(compiled.unwrap().success());
        let mut data = std::fs::read(&program).unwrap();
        assert!(write(&mut data, &"x".repeat(65)).unwrap_err().contains("64 bytes"));
        write(&mut data, "a much longer one first").unwrap();
        write(&mut data, "0.4.0 (c0ffee)").unwrap();
        std::fs::write(&program, data).unwrap();
        let said = Command::new(&program).output().unwrap();
        assert_eq!(String::from_utf8(said.stdout).unwrap(), "0.4.0 (c0ffee)");
    }

    #[test]
    fn a_program_without_room_stays_as_it_is() {
        let before = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let mut after = before.clone();
        write(&mut after, "text").unwrap();
        assert!(before == after);
    }
}
