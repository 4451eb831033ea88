//! What a program or library says it needs, read from its ELF headers, and no more of the file than these: libraries of
//! accelerators have gigabytes, as programs with their debug information may.

use std::collections::BTreeSet;
use std::io::{Read, Seek};

use object::elf::{self, DT_NEEDED, DT_RPATH, DT_RUNPATH, FileHeader32, FileHeader64, PT_INTERP};
use object::read::StringTable;
use object::read::elf::{Dyn as _, FileHeader, ProgramHeader as _, SectionHeader as _};
use object::{Endianness, FileKind, ReadCache, ReadRef};

/// The needs of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    /// For which kind of machine it is: `EM_X86_64` and its like.
    pub(crate) machine: u16,
    /// The dynamic loader, for a program that has one.
    pub(crate) interpreter: Option<String>,
    /// Shared libraries by name, in order.
    pub(crate) libraries: Vec<String>,
    /// Where they are looked for first; only this file's own when `own_paths_only`.
    pub(crate) paths: Vec<String>,
    /// The paths are `DT_RUNPATH`, which is for this file's libraries only, and not for theirs.
    pub(crate) own_paths_only: bool,
    /// Versions of symbols that a library must have: library, version.
    pub(crate) versions: BTreeSet<(String, String)>,
    /// Versions of symbols that this library has.
    pub(crate) provides: BTreeSet<String>,
}

/// Reads an ELF file; `None` for anything else.
///
/// # Errors
/// It begins as an ELF file and is broken.
pub(crate) fn needs(file: impl Read + Seek) -> Result<Option<Needs>, String> {
    let file = &ReadCache::new(file);
    let read = match FileKind::parse(file) {
        Ok(FileKind::Elf64) => read::<FileHeader64<Endianness>, _>(file),
        Ok(FileKind::Elf32) => read::<FileHeader32<Endianness>, _>(file),
        _ => return Ok(None),
    };
    read.map(Some).map_err(|error| error.to_string())
}

fn read<'data, Elf, Data>(data: Data) -> object::read::Result<Needs>
where
    Elf: FileHeader<Endian = Endianness>,
    Data: ReadRef<'data>,
{
    let header = Elf::parse(data)?;
    let endian = header.endian()?;
    let mut needs = Needs { machine: header.e_machine(endian), ..Needs::default() };
    for segment in header.program_headers(endian, data)? {
        if segment.p_type(endian) == PT_INTERP
            && let Ok(path) = segment.data(endian, data)
        {
            needs.interpreter = Some(text(path.strip_suffix(&[0]).unwrap_or(path)));
        }
    }
    let sections = header.sections(endian, data)?;
    if let Some((entries, strings)) = sections.dynamic(endian, data)? {
        let strings = sections.section(strings)?.data(endian, data)?;
        let strings = StringTable::new(strings, 0, strings.len() as u64);
        for entry in entries {
            let Some(tag) = entry.tag32(endian) else { continue };
            if ![DT_NEEDED, DT_RPATH, DT_RUNPATH].contains(&tag) {
                continue;
            }
            let value = text(entry.string(endian, strings)?);
            if tag == DT_NEEDED {
                needs.libraries.push(value);
            } else if tag == DT_RUNPATH || needs.paths.is_empty() {
                // Where there are both, DT_RUNPATH goes (ld.so(8)).
                needs.own_paths_only = tag == DT_RUNPATH;
                needs.paths = value.split(':').map(str::to_owned).collect();
            }
        }
    }
    if let Some((mut libraries, strings)) = sections.gnu_verneed(endian, data)? {
        let strings = sections.strings(endian, data, strings)?;
        while let Some((library, mut versions)) = libraries.next()? {
            let name = text(library.file(endian, strings)?);
            while let Some(version) = versions.next()? {
                // A weak one may be missing (the linker's VER_FLG_WEAK).
                if version.vna_flags.get(endian) & elf::VER_FLG_WEAK == 0 {
                    needs.versions.insert((name.clone(), text(version.name(endian, strings)?)));
                }
            }
        }
    }
    if let Some((mut definitions, strings)) = sections.gnu_verdef(endian, data)? {
        let strings = sections.strings(endian, data, strings)?;
        while let Some((_, mut names)) = definitions.next()? {
            // The first name is the version's own, others are what it came from.
            if let Some(name) = names.next()? {
                needs.provides.insert(text(name.name(endian, strings)?));
            }
        }
    }
    Ok(needs)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_test_is_a_program_that_needs_libc() {
        let file = std::fs::File::open(std::env::current_exe().unwrap()).unwrap();
        let needs = needs(file).unwrap().expect("an ELF file");
        assert!(needs.libraries.iter().any(|name| name.starts_with("libc.so")), "{needs:?}");
        assert!(needs.interpreter.is_some_and(|path| path.contains("ld-linux")));
        assert!(needs.versions.iter().any(|(_, version)| version.starts_with("GLIBC_2.")));
    }

    /// Knows how much of it was read.
    struct Counted<'a>(std::fs::File, &'a std::cell::Cell<u64>);

    impl Read for Counted<'_> {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            let bytes = self.0.read(into)?;
            self.1.set(self.1.get() + bytes as u64);
            Ok(bytes)
        }
    }

    impl Seek for Counted<'_> {
        fn seek(&mut self, to: std::io::SeekFrom) -> std::io::Result<u64> {
            self.0.seek(to)
        }
    }

    #[test]
    fn little_of_a_file_is_read() {
        let file = std::fs::File::open(std::env::current_exe().unwrap()).unwrap();
        let size = file.metadata().unwrap().len();
        let bytes = std::cell::Cell::new(0);
        assert!(needs(Counted(file, &bytes)).unwrap().is_some());
        assert!(bytes.get() > 0 && bytes.get() < size / 20, "{} of {size} bytes", bytes.get());
    }

    #[test]
    fn what_is_no_elf_file_needs_nothing() {
        let needs = |bytes: &[u8]| needs(std::io::Cursor::new(bytes));
        assert_eq!(needs(b"#!/bin/sh\n"), Ok(None));
        assert_eq!(needs(b""), Ok(None));
        assert!(needs(b"\x7fELF\x02\x01\x01 and then nothing").is_err());
    }
}
