//! For which processors the device code inside a program is, without any vendor's tools.
//!
//! Device code lies in programs as files within the file, wherever the build has put them (a section of nvcc's or
//! clang's, or a constant of the program's): so the whole file is looked through.

use std::collections::BTreeSet;

use object::Endianness;
use object::elf::{self, EM_AMDGPU, EM_CUDA, FileHeader64};
use object::read::elf::FileHeader;

/// What `archs` of an accelerator are compared with: `sm_80`, `ptx_80`, `gfx90a`.
pub(crate) fn architectures(data: &[u8]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut at = 0;
    while let Some(byte) = data.get(at) {
        let rest = &data[at..];
        let skipped = match byte {
            b'P' if rest.starts_with(&FATBIN) => fat_binary(rest, &mut found),
            0x7f if at > 0 && rest.starts_with(&elf::ELFMAG) => object_file(rest, &mut found),
            b'.' if rest.starts_with(TARGET) => ptx(rest, &mut found),
            0x03 if rest.starts_with(&SPIRV) => spirv(rest, &mut found),
            _ => None,
        };
        at += skipped.unwrap_or(1);
    }
    found
}

/// Code that only the compiler of its vendor can unpack.
pub(crate) fn is_packed(data: &[u8]) -> bool {
    // clang's compressed offload bundle: magic, and a version of two bytes.
    data.windows(6).any(|bytes| bytes.starts_with(b"CCOB") && matches!(bytes[4], 1..=3) && bytes[5] == 0)
}

/// Of what was asked for, what is not there; and what is there and was not asked for. Code that a driver compiles
/// (`ptx_80`) does where code for the processor was asked for, as tools that take one architecture make either.
pub(crate) fn compare(wanted: &[String], found: &BTreeSet<String>) -> (Vec<String>, Vec<String>) {
    let is_there = |wanted: &String| {
        found.iter().any(|found| {
            number(found) == number(wanted) && (kind(found) == kind(wanted) || kind(found) == "ptx")
        })
    };
    let missing = wanted.iter().filter(|wanted| !is_there(wanted)).cloned().collect();
    let numbers: BTreeSet<&str> = wanted.iter().map(|wanted| number(wanted)).collect();
    let more = found.iter().filter(|found| !numbers.contains(number(found))).cloned().collect();
    (missing, more)
}

fn kind(label: &str) -> &str {
    label.split_once('_').map_or("", |(kind, _)| kind)
}

/// The architecture without what a fat binary does not say: `90` of `sm_90a`.
fn number(label: &str) -> &str {
    match label.split_once('_') {
        Some(("sm" | "ptx", number)) => number.trim_end_matches(['a', 'f']),
        _ => label,
    }
}

/// What a fat binary of nvcc's begins with: `0xBA55ED50`.
const FATBIN: [u8; 4] = [0x50, 0xed, 0x55, 0xba];

/// A line of every PTX file.
const TARGET: &[u8] = b".target sm_";

/// Its header: magic, version 1, its own size, size of what follows. Each entry: kind, a flag, its header's size, size
/// of what follows, and at 28 the architecture.
fn fat_binary(data: &[u8], found: &mut BTreeSet<String>) -> Option<usize> {
    let (version, header, size) = (short(data, 4)?, usize::from(short(data, 6)?), long(data, 8)?);
    let end = header.checked_add(size)?;
    if version != 1 || header != 16 || end > data.len() {
        return None;
    }
    let mut at = header;
    while at < end {
        let entry = &data[at..end];
        let (kind, header, size) = (short(entry, 0)?, word(entry, 4)?, long(entry, 8)?);
        let arch = word(entry, 28)?;
        match kind {
            1 => found.insert(format!("ptx_{arch}")),
            2 => found.insert(format!("sm_{arch}")),
            // Intermediate code for the linker is no code that runs.
            _ => false,
        };
        let next = usize::try_from(header).ok()?.checked_add(size)?.max(1);
        at = at.checked_add(next)?;
    }
    Some(end)
}

/// An ELF file within the file: a cubin, or a code object of AMD's.
fn object_file(data: &[u8], found: &mut BTreeSet<String>) -> Option<usize> {
    let header = FileHeader64::<Endianness>::parse(data).ok()?;
    let endian = header.endian().ok()?;
    let flags = header.e_flags(endian);
    match header.e_machine(endian) {
        EM_CUDA => {
            // From version 8 of the ABI the architecture is in the second byte.
            let arch = if header.e_ident().abi_version >= 8 { flags >> 8 & 0xff } else { flags & 0xff };
            found.insert(format!("sm_{arch}"));
        }
        EM_AMDGPU => {
            let mach = flags & 0xff;
            let name = AMD.iter().find(|(number, _)| *number == mach).map(|(_, name)| (*name).to_owned());
            found.insert(name.unwrap_or_else(|| format!("amdgpu-{mach:#x}")));
        }
        _ => {}
    }
    None
}

fn ptx(data: &[u8], found: &mut BTreeSet<String>) -> Option<usize> {
    let name = &data[TARGET.len()..];
    let length = name.iter().position(|byte| !byte.is_ascii_alphanumeric())?;
    let name = std::str::from_utf8(&name[..length]).ok()?;
    if name.bytes().next().is_some_and(|byte| byte.is_ascii_digit()) {
        found.insert(format!("ptx_{name}"));
    }
    None
}

/// What a SPIR-V module begins with: `0x07230203`, in the byte order of all processors that there are programs for.
const SPIRV: [u8; 4] = [0x03, 0x02, 0x23, 0x07];

/// Its header: magic, version, generator, a bound of its identifiers (4,194,303 at most), a zero; then instructions, of which
/// the first names a capability (SPIR-V specification, "Physical Layout of a SPIR-V Module" and "Universal Limits").
fn spirv(data: &[u8], found: &mut BTreeSet<String>) -> Option<usize> {
    const CAPABILITY: u32 = 2 << 16 | 17;
    let (version, bound) = (word(data, 4)?, word(data, 12)?);
    let [0, minor, 1, 0] = version.to_le_bytes() else { return None };
    let is_module = minor <= 9
        && (1..=0x3f_ffff).contains(&bound)
        && word(data, 16)? == 0
        && word(data, 20)? == CAPABILITY;
    if is_module {
        found.insert(format!("spv1.{minor}"));
    }
    None
}

fn short(data: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(data.get(at..at + 2)?.try_into().ok()?))
}

fn word(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(data.get(at..at + 4)?.try_into().ok()?))
}

fn long(data: &[u8], at: usize) -> Option<usize> {
    usize::try_from(u64::from_le_bytes(data.get(at..at + 8)?.try_into().ok()?)).ok()
}

/// `EF_AMDGPU_MACH` of LLVM's "User Guide for AMDGPU Backend".
const AMD: [(u32, &str); 42] = [
    (0x2c, "gfx900"),
    (0x2d, "gfx902"),
    (0x2e, "gfx904"),
    (0x2f, "gfx906"),
    (0x30, "gfx908"),
    (0x31, "gfx909"),
    (0x32, "gfx90c"),
    (0x33, "gfx1010"),
    (0x34, "gfx1011"),
    (0x35, "gfx1012"),
    (0x36, "gfx1030"),
    (0x37, "gfx1031"),
    (0x38, "gfx1032"),
    (0x39, "gfx1033"),
    (0x3d, "gfx1035"),
    (0x3e, "gfx1034"),
    (0x3f, "gfx90a"),
    (0x40, "gfx940"),
    (0x41, "gfx1100"),
    (0x42, "gfx1013"),
    (0x43, "gfx1150"),
    (0x44, "gfx1103"),
    (0x45, "gfx1036"),
    (0x46, "gfx1101"),
    (0x47, "gfx1102"),
    (0x48, "gfx1200"),
    (0x49, "gfx1250"),
    (0x4a, "gfx1151"),
    (0x4b, "gfx941"),
    (0x4c, "gfx942"),
    (0x4e, "gfx1201"),
    (0x4f, "gfx950"),
    (0x51, "gfx9-generic"),
    (0x52, "gfx10-1-generic"),
    (0x53, "gfx10-3-generic"),
    (0x54, "gfx11-generic"),
    (0x55, "gfx1152"),
    (0x58, "gfx1153"),
    (0x59, "gfx12-generic"),
    (0x5a, "gfx1251"),
    (0x5d, "gfx1310"),
    (0x5f, "gfx9-4-generic"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn set(texts: &[&str]) -> BTreeSet<String> {
        strings(texts).into_iter().collect()
    }

    /// A fat binary with empty code for these.
    fn fatbin(entries: &[(u16, u32)]) -> Vec<u8> {
        let mut body = Vec::new();
        for (kind, arch) in entries {
            let mut entry = vec![0; 64];
            entry[0..2].copy_from_slice(&kind.to_le_bytes());
            entry[4..8].copy_from_slice(&64u32.to_le_bytes());
            entry[8..16].copy_from_slice(&8u64.to_le_bytes());
            entry[28..32].copy_from_slice(&arch.to_le_bytes());
            body.extend(entry);
            body.extend([0; 8]);
        }
        let mut data = FATBIN.to_vec();
        data.extend(1u16.to_le_bytes());
        data.extend(16u16.to_le_bytes());
        data.extend((body.len() as u64).to_le_bytes());
        data.extend(body);
        data
    }

    fn elf(machine: u16, abi_version: u8, flags: u32) -> Vec<u8> {
        let mut data = vec![0; 64];
        data[..8].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1, 1, 0]);
        data[8] = abi_version;
        data[18..20].copy_from_slice(&machine.to_le_bytes());
        data[48..52].copy_from_slice(&flags.to_le_bytes());
        data[52..54].copy_from_slice(&64u16.to_le_bytes());
        data
    }

    #[test]
    fn device_code_is_found_wherever_it_lies() {
        let mut program = b"a program".to_vec();
        program.extend(fatbin(&[(2, 80), (2, 90), (1, 90)]));
        program.extend(b"\0.version 8.0\n.target sm_120a\n");
        program.extend(elf(EM_CUDA, 8, 0x0600_5604));
        program.extend(elf(EM_CUDA, 7, 0x0055_0555));
        program.extend(elf(EM_AMDGPU, 4, 0x13f));
        let found = architectures(&program);
        assert_eq!(found, set(&["sm_80", "sm_90", "ptx_90", "ptx_120a", "sm_86", "sm_85", "gfx90a"]));
    }

    /// A SPIR-V module's header and its first instruction.
    fn module(words: [u32; 6]) -> Vec<u8> {
        words.into_iter().flat_map(u32::to_le_bytes).collect()
    }

    const MODULE: [u32; 6] = [0x0723_0203, 0x0001_0300, 28 << 16, 40, 0, 0x0002_0011];

    #[test]
    fn shaders_are_found_by_their_header() {
        let mut program = vec![0; 5];
        program.extend(module(MODULE));
        program.extend(module([0x0723_0203, 0x0001_0600, 0, 1, 0, 0x0002_0011]));
        assert_eq!(architectures(&program), set(&["spv1.3", "spv1.6"]));
        for (at, wrong) in [
            (0, 0x0302_2307),
            (1, 0x0002_0000),
            (1, 0x0001_0301),
            (1, 0x0001_0a00),
            (3, 0),
            (3, 0x40_0000),
            (4, 1),
            (5, 0x0003_0011),
        ] {
            let mut broken = MODULE;
            broken[at] = wrong;
            assert!(architectures(&module(broken)).is_empty(), "{at}: {wrong:#x}");
        }
        assert!(architectures(&module(MODULE)[..20]).is_empty(), "cut off");
    }

    #[test]
    fn what_only_looks_like_device_code_is_none() {
        let mut broken = fatbin(&[(2, 80)]);
        broken.truncate(40);
        assert!(architectures(&broken).is_empty());
        assert!(architectures(&elf(EM_CUDA, 8, 0x0600_5004)).is_empty(), "the program itself");
        assert!(architectures(b".target sm_X .target sm_").is_empty());
    }

    #[test]
    fn sizes_beyond_the_file_end_the_search() {
        // Code for sm_80 at 16, PTX at 88; `back` from there is the first entry again.
        let back = u64::MAX - 71 - 64;
        for size in [u64::MAX, u64::MAX - 64, back, 1 << 63] {
            let mut data = fatbin(&[(2, 80), (1, 90)]);
            data[96..104].copy_from_slice(&size.to_le_bytes());
            assert_eq!(architectures(&data), set(&["sm_80", "ptx_90"]), "an entry of {size:#x}");
            let mut data = fatbin(&[(2, 80), (1, 90)]);
            data[8..16].copy_from_slice(&size.to_le_bytes());
            assert!(architectures(&data).is_empty(), "a fat binary of {size:#x}");
        }
    }

    #[test]
    fn what_was_asked_for_is_compared_with_what_is_there() {
        let compared = |wanted: &[&str], found: &[&str]| compare(&strings(wanted), &set(found));
        assert_eq!(compared(&["sm_80", "sm_90a"], &["sm_80", "sm_90"]), (vec![], vec![]));
        assert_eq!(compared(&["sm_80"], &["ptx_80"]), (vec![], vec![]));
        assert_eq!(compared(&["sm_80", "ptx_80"], &["sm_80"]), (strings(&["ptx_80"]), vec![]));
        assert_eq!(compared(&["sm_80"], &["sm_75"]), (strings(&["sm_80"]), strings(&["sm_75"])));
        assert_eq!(compared(&["gfx90a"], &["gfx90a", "gfx1100"]), (vec![], strings(&["gfx1100"])));
        assert_eq!(compared(&["spv1.3"], &["spv1.3"]), (vec![], vec![]));
        assert_eq!(compared(&["spv1.3"], &["spv1.5"]), (strings(&["spv1.3"]), strings(&["spv1.5"])));
    }
}
