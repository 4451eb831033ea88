//! Writes a text into a program that has left room for it: the section `.longshore.stamp`.
//!
//! The room is declared in the program's source, and zero until a stamp is written; so a revision is in the program
//! and in nobody's key.

use std::io::{Read, Seek, SeekFrom, Write};

use object::elf::{FileHeader32, FileHeader64};
use object::read::elf::{FileHeader, SectionHeader as _};
use object::{Endianness, FileKind, ReadCache, ReadRef};

/// The name of the section.
const SECTION: &[u8] = b".longshore.stamp";

/// Fills the section with `text` and zeros; a program without it stays as it is.
///
/// # Errors
/// The text is longer than the room, or the file is broken or cannot be written.
pub(crate) fn write(program: &mut (impl Read + Write + Seek), text: &str) -> Result<(), String> {
    let file = &ReadCache::new(&mut *program);
    let room = match FileKind::parse(file) {
        Ok(FileKind::Elf64) => room::<FileHeader64<Endianness>, _>(file),
        Ok(FileKind::Elf32) => room::<FileHeader32<Endianness>, _>(file),
        _ => return Ok(()),
    };
    let Some((at, length)) = room.map_err(|error| error.to_string())? else { return Ok(()) };
    let size = program.seek(SeekFrom::End(0)).map_err(|error| error.to_string())?;
    if at.checked_add(length).is_none_or(|end| end > size) {
        return Err("its stamp lies outside of the file".to_owned());
    }
    let rest = usize::try_from(length).ok().and_then(|length| length.checked_sub(text.len()));
    let Some(rest) = rest else {
        return Err(format!("its stamp has room for {length} bytes, and the text has {}", text.len()));
    };
    let written = [text.as_bytes(), &vec![0; rest]].concat();
    program
        .seek(SeekFrom::Start(at))
        .and_then(|_| program.write_all(&written))
        .map_err(|error| error.to_string())
}

/// Where the section lies, and how long it is.
fn room<'data, Elf, Data>(data: Data) -> object::read::Result<Option<(u64, u64)>>
where
    Elf: FileHeader<Endian = Endianness>,
    Data: ReadRef<'data>,
{
    let header = Elf::parse(data)?;
    let endian = header.endian()?;
    let sections = header.sections(endian, data)?;
    let section = sections.section_by_name(endian, SECTION);
    Ok(section.and_then(|(_, section)| section.file_range(endian)))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
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
        let mut file = std::fs::File::options().read(true).write(true).open(&program).unwrap();
        assert!(write(&mut file, &"x".repeat(65)).unwrap_err().contains("64 bytes"));
        write(&mut file, "a much longer one first").unwrap();
        write(&mut file, "0.4.0 (c0ffee)").unwrap();
        drop(file);
        let said = Command::new(&program).output().unwrap();
        assert_eq!(String::from_utf8(said.stdout).unwrap(), "0.4.0 (c0ffee)");
    }

    #[test]
    fn a_program_without_room_stays_as_it_is() {
        let before = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let mut after = Cursor::new(before.clone());
        write(&mut after, "text").unwrap();
        assert!(before == after.into_inner());
    }
}
