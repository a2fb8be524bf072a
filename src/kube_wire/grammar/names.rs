//! Grammars of names: bytes of a small alphabet, bounded in length.
//!
//! Byte loops instead of regular expressions: each pod has dozens of names. All texts are matched
//! whole; nothing is normalised.

/// RFC 1123, as the API limits it.
const LONGEST_LABEL: usize = 63;
/// RFC 1123, as the API limits it.
const LONGEST_SUBDOMAIN: usize = 253;
/// RFC 6335 service names.
const LONGEST_PORT_NAME: usize = 15;
/// Longer than any image reference that a registry accepts, and Linux's PATH_MAX.
pub(super) const LONGEST_TEXT: usize = 4096;

const fn is_lower_alphanumeric(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

/// Is the text of 1 to `longest` bytes, all of which `admits`?
fn is_made_of(text: &str, longest: usize, admits: impl Fn(u8) -> bool) -> bool {
    !text.is_empty() && text.len() <= longest && text.bytes().all(admits)
}

/// Runs of `inner` bytes, joined by single `joint`s; every run begins and ends with an `edge` byte.
fn is_joined(
    text: &str,
    joint: impl Fn(u8) -> bool,
    edge: impl Fn(u8) -> bool,
    inner: impl Fn(u8) -> bool,
) -> bool {
    let mut at_edge = false;
    let mut at_start = true;
    for byte in text.bytes() {
        if edge(byte) {
            (at_edge, at_start) = (true, false);
        } else if inner(byte) && !at_start {
            at_edge = false;
        } else if joint(byte) && at_edge {
            (at_edge, at_start) = (false, true);
        } else {
            return false;
        }
    }
    at_edge
}

pub(super) fn is_label(text: &str) -> bool {
    text.len() <= LONGEST_LABEL
        && is_joined(text, |_| false, is_lower_alphanumeric, |byte| byte == b'-')
}

pub(super) fn is_subdomain(text: &str) -> bool {
    text.len() <= LONGEST_SUBDOMAIN
        && is_joined(text, |byte| byte == b'.', is_lower_alphanumeric, |byte| byte == b'-')
}

pub(super) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(position, byte)| match position {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}

pub(super) fn is_search_domain(text: &str) -> bool {
    let edge = |byte| is_lower_alphanumeric(byte) || byte == b'_';
    let domain = text.strip_suffix('.').unwrap_or(text);
    text == "."
        || (domain.len() <= LONGEST_SUBDOMAIN
            && is_joined(domain, |byte| byte == b'.', edge, |byte| byte == b'-'))
}

pub(super) fn is_port_name(text: &str) -> bool {
    text.len() <= LONGEST_PORT_NAME
        && text.bytes().any(|byte| byte.is_ascii_lowercase())
        && is_joined(text, |byte| byte == b'-', is_lower_alphanumeric, |_| false)
}

pub(super) fn is_csi_driver(text: &str) -> bool {
    let edge = |byte: u8| byte.is_ascii_alphanumeric();
    text.len() <= LONGEST_LABEL && is_joined(text, |byte| byte == b'.', edge, |byte| byte == b'-')
}

pub(super) fn is_flex_driver(text: &str) -> bool {
    let is_part = |part: &str| {
        let edge = |byte: u8| byte.is_ascii_alphanumeric();
        is_joined(part, |_| false, edge, |byte| matches!(byte, b'-' | b'_' | b'.'))
    };
    let (vendor, driver) = text.split_once('/').unwrap_or(("vendor", text));
    text.len() <= LONGEST_SUBDOMAIN && is_part(vendor) && is_part(driver)
}

pub(super) fn is_object_name(text: &str) -> bool {
    text != "."
        && text != ".."
        && is_made_of(text, LONGEST_SUBDOMAIN, |byte| {
            byte.is_ascii_graphic() && !matches!(byte, b'/' | b'%')
        })
}

pub(super) fn is_env_name(text: &str) -> bool {
    is_made_of(text, LONGEST_TEXT, |byte| matches!(byte, b' '..=b'~') && byte != b'=')
}

pub(super) fn is_header_name(text: &str) -> bool {
    is_made_of(text, LONGEST_TEXT, |byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

pub(super) fn is_sysctl_name(text: &str) -> bool {
    let joint = |byte| matches!(byte, b'.' | b'/');
    text.len() <= LONGEST_SUBDOMAIN
        && is_joined(text, joint, is_lower_alphanumeric, |byte| matches!(byte, b'-' | b'_'))
}

pub(super) fn is_selinux_part(text: &str) -> bool {
    is_made_of(text, LONGEST_TEXT, |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':' | b',')
    })
}

pub(super) fn is_filesystem_type(text: &str) -> bool {
    let edge = |byte: u8| byte.is_ascii_alphanumeric();
    text.len() <= LONGEST_LABEL
        && is_joined(text, |_| false, edge, |byte| matches!(byte, b'-' | b'_' | b'.'))
}

pub(super) fn is_token(text: &str) -> bool {
    is_made_of(text, LONGEST_TEXT, |byte| byte.is_ascii_graphic())
}
