//! What a vertex is told outside of its cache key: by names in its `/etc/hosts` (see
//! [`PRIORITY_HOST`](longshore_helper::PRIORITY_HOST)).

use std::collections::BTreeMap;
use std::fs;
use std::net::Ipv4Addr;
use std::sync::OnceLock;

use longshore_helper::{HOST_VALUE_BITS, HOST_VALUE_MAX, PRIORITY_HOST, UNNEEDED_HOST};

/// This vertex's priority in the queue for slots; the lowest where it was told none.
pub(crate) fn priority() -> u32 {
    told().value(PRIORITY_HOST)
}

/// Whether nothing that the build asks for uses the package at `index` in this vertex's bundle.
pub(crate) fn is_unneeded(index: usize) -> bool {
    told().is_unneeded(index)
}

/// Values by name.
struct Told(BTreeMap<String, u32>);

fn told() -> &'static Told {
    static TOLD: OnceLock<Told> = OnceLock::new();
    TOLD.get_or_init(|| Told::parse(&fs::read_to_string("/etc/hosts").unwrap_or_default()))
}

impl Told {
    fn parse(hosts: &str) -> Told {
        let mut values = BTreeMap::new();
        for line in hosts.lines() {
            let mut words = line.split_whitespace();
            if let Some(address) = words.next().and_then(|word| word.parse::<Ipv4Addr>().ok()) {
                values.extend(words.map(|name| (name.to_owned(), u32::from(address) & HOST_VALUE_MAX)));
            }
        }
        Told(values)
    }

    fn value(&self, name: &str) -> u32 {
        self.0.get(name).copied().unwrap_or(0)
    }

    fn is_unneeded(&self, index: usize) -> bool {
        let piece = self.value(&format!("{UNNEEDED_HOST}-{}", index / HOST_VALUE_BITS));
        piece & 1 << (index % HOST_VALUE_BITS) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_addresses() {
        let told = Told::parse("127.0.0.1\tlocalhost\n::1 localhost\n0.1.0.2\tlongshore-priority\n");
        assert_eq!(told.value(PRIORITY_HOST), 0x0001_0002);
        assert_eq!(Told::parse("127.0.0.1 localhost\n").value(PRIORITY_HOST), 0);
    }

    #[test]
    fn what_is_not_needed_is_told_bit_by_bit() {
        let told = Told::parse("0.0.0.5 longshore-unneeded-0\n0.128.0.1 longshore-unneeded-1\n");
        let unneeded: Vec<usize> = (0..100).filter(|index| told.is_unneeded(*index)).collect();
        assert_eq!(unneeded, [0, 2, 24, 47]);
        assert!(!Told::parse("").is_unneeded(0));
    }
}
