//! What a vertex is told outside of its cache key: its priority, by a name in its `/etc/hosts` (see [`PRIORITY_HOST`]).

use std::fs;
use std::net::Ipv4Addr;
use std::sync::OnceLock;

use longshore_helper::{PRIORITY_HOST, PRIORITY_MAX};

/// This vertex's place in the queue for slots; the lowest where it was told none.
pub(crate) fn priority() -> u32 {
    static PRIORITY: OnceLock<u32> = OnceLock::new();
    *PRIORITY.get_or_init(|| priority_in(&fs::read_to_string("/etc/hosts").unwrap_or_default()))
}

fn priority_in(hosts: &str) -> u32 {
    let told = hosts.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        let address: Ipv4Addr = words.next()?.parse().ok()?;
        words.any(|name| name == PRIORITY_HOST).then(|| u32::from(address) & PRIORITY_MAX)
    });
    told.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_priority_is_an_address() {
        let hosts = "127.0.0.1\tlocalhost\n::1 localhost\n0.1.0.2\tlongshore-priority\n";
        assert_eq!(priority_in(hosts), 0x0001_0002);
        assert_eq!(priority_in("127.0.0.1 localhost\n"), 0);
    }
}
