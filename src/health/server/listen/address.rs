//! Addresses as text.

use std::net::SocketAddr;
use std::path::PathBuf;

/// The address at which the server listens.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Address {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl Address {
    /// Reads `127.0.0.1:8086`, `[::]:8086` or `unix:/run/app/health.sock`. Names of hosts
    /// are not looked up: that may block.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix("unix:") {
            Some("") => None,
            Some(path) => Some(Self::Unix(path.into())),
            None => text.parse().ok().map(Self::Tcp),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_each_family_are_read() {
        let tcp = |text: &str| Address::Tcp(text.parse().expect("an address"));
        for text in ["127.0.0.1:8086", "0.0.0.0:0", "[::]:8086", "[::1]:8086"] {
            assert_eq!(Address::parse(text), Some(tcp(text)));
        }
        let path = "/run/app/health.sock".into();
        assert_eq!(
            Address::parse("unix:/run/app/health.sock"),
            Some(Address::Unix(path))
        );
    }

    #[test]
    fn names_of_hosts_missing_ports_and_empty_paths_are_refused() {
        for text in ["localhost:8086", "127.0.0.1", ":8086", "unix:", ""] {
            assert_eq!(Address::parse(text), None, "{text:?}");
        }
    }
}
