//! What is pinned of a config map or secret: its content, and neither its labels nor its version.
//!
//! SHA-256 over `{"binaryData":{…},"data":{…}}` in canonical JSON: keys ascending bytewise, no white
//! space, fewest escapes, both members always there. Texts that the API encodes in base64 stay so.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};

use super::ObjectRefusal;
use crate::kube_wire::json::{Value, write_text};

/// The digest of an object's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentDigest([u8; 32]);

impl ContentDigest {
    /// Of a config map or secret that fits its table.
    ///
    /// # Errors
    /// [`ObjectRefusal::NotReadable`] for a secret with `stringData`, which has another content once it
    /// is stored.
    pub fn of(object: Value<'_>) -> Result<Self, ObjectRefusal> {
        if object.field("stringData").is_some() {
            return Err(ObjectRefusal::NotReadable);
        }
        let mut text = Vec::new();
        text.extend_from_slice(br#"{"binaryData":"#);
        write_map(object.field("binaryData"), &mut text);
        text.extend_from_slice(br#","data":"#);
        write_map(object.field("data"), &mut text);
        text.push(b'}');
        let hash = digest(&SHA256, &text);
        Ok(Self(hash.as_ref().first_chunk().copied().unwrap_or_default()))
    }

    /// Reads 64 hexadecimal digits in lower case.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte.wrapping_sub(b'0')),
            b'a'..=b'f' => Some(byte.wrapping_sub(b'a').wrapping_add(10)),
            _ => None,
        };
        let byte = |[high, low]: &[u8; 2]| Some(digit(*high)? << 4 | digit(*low)?);
        let bytes: Vec<u8> = pairs.iter().map(byte).collect::<Option<_>>()?;
        bytes.try_into().ok().filter(|_| rest.is_empty()).map(Self)
    }
}

impl fmt::Display for ContentDigest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

fn write_map(map: Option<Value<'_>>, text: &mut Vec<u8>) {
    let mut members: Vec<_> = map.iter().flat_map(Value::entries).collect();
    members.sort_unstable_by_key(|(key, _)| *key);
    text.push(b'{');
    for (index, (key, value)) in members.into_iter().enumerate() {
        if index != 0 {
            text.push(b',');
        }
        write_text(key, text);
        text.push(b':');
        write_text(value.as_str().unwrap_or_default(), text);
    }
    text.push(b'}');
}
