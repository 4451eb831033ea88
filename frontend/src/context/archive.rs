//! Whether a file is an archive that BuildKit unpacks, by its first bytes.

/// How much of a file tells: two blocks of a tar archive, as the Dockerfile frontend reads.
pub(super) const HEAD_BYTES: usize = 1024;

/// The first bytes of what is compressed with bzip2, gzip, xz and zstd. BuildKit unpacks what is inside if that is a
/// tar archive (solver/llbsolver/file/unpack.go).
const MAGICS: [&[u8]; 4] =
    [b"BZh", &[0x1f, 0x8b, 0x08], &[0xfd, b'7', b'z', b'X', b'Z', 0], &[0x28, 0xb5, 0x2f, 0xfd]];

/// Whether a file that starts so is a tar archive, compressed or not.
pub(super) fn is_archive(head: &[u8]) -> bool {
    MAGICS.iter().any(|magic| head.starts_with(magic)) || is_tar(head)
}

/// A header of 512 bytes whose checksum, in octal at 148, is the sum of its bytes with blanks in place of the checksum
/// (POSIX, pax Interchange Format). Nothing else marks the oldest archives.
fn is_tar(head: &[u8]) -> bool {
    const CHECKSUM: std::ops::Range<usize> = 148..156;
    let Some(header) = head.get(..512) else { return false };
    let said = std::str::from_utf8(&header[CHECKSUM])
        .ok()
        .and_then(|text| u32::from_str_radix(text.trim_matches([' ', '\0']), 8).ok());
    let sum = header.iter().enumerate().map(|(at, byte)| match CHECKSUM.contains(&at) {
        true => u32::from(b' '),
        false => u32::from(*byte),
    });
    said == Some(sum.sum())
}

#[cfg(test)]
mod tests {
    use super::is_archive;

    #[test]
    fn a_tar_header_is_known_by_its_checksum() {
        let mut header = [0; 512];
        header[..10].copy_from_slice(b"Cargo.toml");
        header[100..107].copy_from_slice(b"0000644");
        assert!(!is_archive(&header), "without a checksum");
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum::<u32>() + 8 * u32::from(b' ');
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        assert!(is_archive(&header));
        assert!(!is_archive(&header[..511]));
        header[0] = b'c';
        assert!(!is_archive(&header), "with the checksum of another header");
    }

    #[test]
    fn compressed_files_are_taken_at_their_word() {
        assert!(is_archive(&[0x1f, 0x8b, 0x08, 0x00]));
        assert!(is_archive(b"BZh9"));
        assert!(!is_archive(b"# syntax=docker/dockerfile:1\nFROM scratch\n"));
        assert!(!is_archive(b""));
    }
}
