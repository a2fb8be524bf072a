//! What can be said of an object that is refused as faulty: whose name to report and to take away.
//!
//! Nothing else is read from such a value, and nothing of it is passed on. An identity that could
//! be read in two ways is no identity.

use super::grammar::Grammar;
use super::json::Value;
use super::resource::Resource;

/// The identity of an object that cannot be decided. Every part matched its grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SalvagedIdentity<'a> {
    /// DNS label; empty for what has no namespace.
    pub namespace: &'a str,
    /// DNS subdomain.
    pub name: &'a str,
    /// UUID text, if there is one.
    pub uid: Option<&'a str>,
    /// Printable text, if there is one.
    pub resource_version: Option<&'a str>,
}

/// Reads the identity of a value that need not have been checked.
///
/// `None` when namespace or name is missing, ambiguous (two keys that are equal but for case) or
/// against its grammar.
pub fn salvage_identity<'a>(object: Value<'a>, of: &Resource) -> Option<SalvagedIdentity<'a>> {
    let metadata = sole_member(object, "metadata")?;
    let part = |name, grammar: Grammar| {
        sole_member(metadata, name)?.as_str().filter(|text| grammar.matches(text))
    };
    Some(SalvagedIdentity {
        namespace: if of.is_namespaced { part("namespace", Grammar::DnsLabel)? } else { "" },
        name: part("name", Grammar::DnsSubdomain)?,
        uid: part("uid", Grammar::Uuid),
        resource_version: part("resourceVersion", Grammar::Token),
    })
}

/// The member of that name, unless another key could be taken for it.
fn sole_member<'a>(object: Value<'a>, name: &str) -> Option<Value<'a>> {
    let mut alike = object.entries().filter(|(key, _)| key.eq_ignore_ascii_case(name));
    let (key, member) = alike.next()?;
    (key == name && alike.next().is_none()).then_some(member)
}
