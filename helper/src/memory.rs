//! How much memory the machine has, and how many processes of a kind it has memory for.

use std::fs;
use std::sync::OnceLock;

/// What one rustc is counted with. Most need a third of it; the largest crates need a few times as much, and are few.
const RUSTC_BYTES: u64 = 1 << 30;

/// What a heavy process is counted with (see [`Heavy`](longshore_helper::spec::Heavy)). A link with `lto = true` was reported to take
/// 7.8 GiB (of cc-lb, in homelab#341), and one nvcc 5 GB (of flash attention, in mistral.rs's `release.yml`).
const HEAVY_BYTES: u64 = 8 << 30;

/// For how many compilers there is memory, at least one.
pub(crate) fn compilers() -> usize {
    fitting(total(), RUSTC_BYTES)
}

/// For how many heavy processes there is memory, at least one.
pub(crate) fn heavy() -> usize {
    fitting(total(), HEAVY_BYTES)
}

fn fitting(total: Option<u64>, each: u64) -> usize {
    // Half of one and more counts as one: machines have a little less than their round number.
    let count = |bytes: u64| usize::try_from((bytes + each / 2) / each).unwrap_or(usize::MAX);
    total.map_or(usize::MAX, count).max(1)
}

/// Bytes of the machine, or of the control group that this process is in, if that has less. A limit of a group around it is
/// not to be seen from inside.
fn total() -> Option<u64> {
    static TOTAL: OnceLock<Option<u64>> = OnceLock::new();
    *TOTAL.get_or_init(|| {
        let read = |path: &str| fs::read_to_string(path).ok();
        let machine = read("/proc/meminfo").and_then(|text| meminfo_total(&text));
        // Of the second version of control groups, and of the first.
        let limits = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
        let limits = limits.into_iter().filter_map(|path| read(path)?.trim().parse().ok());
        machine.into_iter().chain(limits).min()
    })
}

/// `MemTotal:  16384256 kB` (`man 5 proc_meminfo`).
fn meminfo_total(text: &str) -> Option<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    value.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kib| kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_says_how_much_it_has() {
        assert_eq!(meminfo_total("MemTotal:       16384256 kB\nMemFree: 1 kB\n"), Some(16_384_256 * 1024));
        for text in ["", "MemFree: 1 kB\n", "MemTotal: much\n"] {
            assert_eq!(meminfo_total(text), None, "{text:?}");
        }
        assert!(total().is_some_and(|bytes| bytes > 1 << 27));
    }

    #[test]
    fn there_is_always_room_for_one() {
        for (total, each, expected) in [
            (Some(16 << 30), 1 << 30, 16),
            (Some((16 << 30) - (300 << 20)), 8 << 30, 2),
            (Some(7 << 30), 8 << 30, 1),
            (Some(1 << 29), 1 << 30, 1),
            (Some(0), 8 << 30, 1),
            (None, 8 << 30, usize::MAX),
        ] {
            assert_eq!(fitting(total, each), expected, "{total:?} by {each}");
        }
    }
}
