//! Readers of single flag values: addresses, sizes, Go's booleans.
//!
//! Each takes text and returns a value or a line that says what would be right. No name is ever
//! resolved: whoever answers DNS must not choose where the node's rights are served.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// An address to listen on: `host:port` with an IP address or `localhost`, `[host]:port`, or Go's
/// `:port` for all interfaces.
pub(super) fn listen_address(text: &str) -> Result<SocketAddr, String> {
    let wrong = || {
        "expected an IP address and a port such as 127.0.0.1:6448, or :6448 for all interfaces"
            .to_owned()
    };
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    let ip = match host {
        "" => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        "localhost" => IpAddr::V4(Ipv4Addr::LOCALHOST),
        _ => return Err(wrong()),
    };
    // `u16::from_str` takes a leading plus sign, which no port has.
    if !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    Ok(SocketAddr::new(ip, port.parse().map_err(|_| wrong())?))
}

/// A number of bytes, with a suffix as in Kubernetes quantities: `64Mi`, `1G`, `67108864`.
pub(super) fn byte_size(text: &str) -> Result<u64, String> {
    let wrong = || "expected a number of bytes such as 128Mi, 1Gi or 134217728".to_owned();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit: u64 = match text.strip_prefix(digits).unwrap_or_default() {
        "" => 1,
        "k" => 1_000,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        "Ki" => 1 << 10,
        "Mi" => 1 << 20,
        "Gi" => 1 << 30,
        _ => return Err(wrong()),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    digits.parse::<u64>().ok().and_then(|number| number.checked_mul(unit)).ok_or_else(wrong)
}

/// A boolean as Go's `strconv.ParseBool` reads it.
pub(super) fn boolean(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err("expected true or false".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_without_asking_anybody() {
        for (text, expected) in [
            ("127.0.0.1:6448", Some("127.0.0.1:6448")),
            (":6443", Some("[::]:6443")),
            ("0.0.0.0:6443", Some("0.0.0.0:6443")),
            ("[::1]:6448", Some("[::1]:6448")),
            ("localhost:6448", Some("127.0.0.1:6448")),
            ("node.example:6448", None),
            ("127.0.0.1", None),
            ("6448", None),
            (":", None),
            (":+80", None),
            (":65536", None),
            ("", None),
        ] {
            let read = listen_address(text).ok().map(|address| address.to_string());
            assert_eq!(read.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn sizes_are_read_with_suffixes_of_kubernetes() {
        for (text, expected) in [
            ("134217728", Some(134_217_728)),
            ("128Mi", Some(134_217_728)),
            ("1Gi", Some(1_073_741_824)),
            ("1G", Some(1_000_000_000)),
            ("512Ki", Some(524_288)),
            ("0", Some(0)),
            ("Mi", None),
            ("", None),
            ("1.5Gi", None),
            ("-1Mi", None),
            ("1 Mi", None),
            ("1mi", None),
            ("99999999999Gi", None),
        ] {
            assert_eq!(byte_size(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn booleans_are_those_of_go() {
        for text in ["1", "t", "T", "true", "TRUE", "True"] {
            assert_eq!(boolean(text), Ok(true));
        }
        for text in ["0", "f", "F", "false", "FALSE", "False"] {
            assert_eq!(boolean(text), Ok(false));
        }
        for text in ["", "yes", "tRUE", "2"] {
            assert!(boolean(text).is_err());
        }
    }
}
