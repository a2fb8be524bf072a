//! The grammars of names that a node builds paths from.
//!
//! CONTRACT (skeleton; the owner of this room fills it in).

/// A grammar from the Kubernetes API's own validation, or stricter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grammar {
    /// RFC 1123 label, at most 63.
    DnsLabel,
    /// RFC 1123 subdomain, at most 253.
    DnsSubdomain,
    /// 8-4-4-4-12 lower-case hexadecimal.
    Uuid,
}
