//! The other side: what a signer signs, and which annotations carry it. Holds no key and signs nothing.
//!
//! The policy is read as a node will read it, so that nothing is signed that no node takes. It is
//! written anew with sorted keys and without white space, the seed's signers' convention; a verifier
//! takes any bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::annotations::{BOUND, Keys, MAX_POLICY_TEXT, SEED};
use super::bound_policy::{BoundPolicy, DOMAIN};
use super::seed_policy::SeedPolicy;
use super::settings::SignedPods;
use super::{seed_permit, whole_pod};
use crate::policy::PolicyError;
use crate::policy::load::{checked_text, hex_sha256};
use crate::policy::located::Located;

const KEY_ID: &str = "keyId";

/// A policy that is ready to be signed.
#[derive(Clone, Debug)]
pub struct Unsigned {
    format: &'static Keys,
    text: String,
    message: Vec<u8>,
}

impl Unsigned {
    /// Reads a policy of either format: an array is the seed's, an object ours. `key_id` is filled in
    /// where a policy of ours names none.
    ///
    /// # Errors
    /// What a node would refuse, or another key named than the one that is to sign.
    pub fn new(policy: &[u8], key_id: &str) -> Result<Self, PolicyError> {
        let text = checked_text(policy)?;
        let document = Located::document(text)?;
        let value = document.json()?;
        match value {
            Value::Object(_) => Self::bound(&document, value, key_id),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => {
                seed(&document)?;
                Self::with(&SEED, "", &value).within_limit(&document)
            }
        }
    }

    fn bound(document: &Located<'_>, mut value: Value, key_id: &str) -> Result<Self, PolicyError> {
        // Duplicate keys are still there in the document, and gone in the value.
        let members = document.members()?;
        match members.iter().find(|(key, _)| key == KEY_ID) {
            Some((_, named)) if named.string()? != key_id => {
                return Err(named.refuse(format!("names another key; this one is {key_id}")));
            }
            Some(_) => bound(document.text())?,
            None => {
                value.as_object_mut().map(|body| body.insert(KEY_ID.to_owned(), key_id.into()));
                bound(&value.to_string())?;
            }
        }
        Self::with(&BOUND, DOMAIN, &value).within_limit(document)
    }

    fn with(format: &'static Keys, domain: &str, value: &Value) -> Self {
        let text = STANDARD.encode(value.to_string());
        let message = [domain, &text].concat().into_bytes();
        Self { format, text, message }
    }

    fn within_limit(self, document: &Located<'_>) -> Result<Self, PolicyError> {
        let length = self.text.len();
        match length <= MAX_POLICY_TEXT {
            true => Ok(self),
            false => Err(document.refuse(format!(
                "is {length} bytes long in base64, and no node reads more than {MAX_POLICY_TEXT}; \
                 shorten it"
            ))),
        }
    }

    /// The bytes to sign: ECDSA with SHA-256 in ASN.1, or RSA PKCS#1 v1.5 with SHA-256.
    pub fn message(&self) -> &[u8] {
        &self.message
    }

    /// What `signedPods.revoked` names it by.
    pub fn digest(&self) -> String {
        hex_sha256(self.text.as_bytes())
    }

    /// The annotations for a pod.
    pub fn annotations(&self, signature: &[u8]) -> [(&'static str, String); 2] {
        let Keys { policy, signature: key } = self.format;
        [(*policy, self.text.clone()), (*key, STANDARD.encode(signature))]
    }
}

/// Reads a policy of the seed's format, and what a node without a document makes of it.
fn seed(document: &Located<'_>) -> Result<(), PolicyError> {
    let policy = SeedPolicy::parse(document.text())?;
    // No pod is there yet, so an expression may stand for any value.
    let permit = seed_permit::permit(&policy, &SignedPods::default(), &|_, _| vec![""]);
    let permit = permit.to_string();
    let read = Located::document(&permit).and_then(|permit| whole_pod::read(&permit));
    let refused = |error: PolicyError| {
        document.refuse(format!("is refused by every node, which reads it as a permit: {error}"))
    };
    read.map(drop).map_err(refused)
}

/// Reads a policy of ours with its permit, as a node would.
fn bound(text: &str) -> Result<(), PolicyError> {
    let (_, permit) = BoundPolicy::read(text)?;
    whole_pod::read(&permit).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_samples_are_written_as_its_signers_write_them() {
        let policy = br#"[{"name":"test","properties":{"image":"nginx:latest","command":[],
            "environmentVariables":[],"volumeMounts":[]}}]"#;
        let unsigned = Unsigned::new(policy, "k").unwrap();
        let text = String::from_utf8(unsigned.message().to_vec()).unwrap();
        assert!(text.starts_with("W3sibmFtZSI6InRlc3QiLCJwcm9wZXJ0aWVzIjp7ImNvbW1hbmQiOltdLCJl"));
        assert_eq!(
            unsigned.digest(),
            "e45a48e31a946bc848a9735281d80aaabb5669d12c541bff1dbf570ae42838ca"
        );
        let [policy, signature] = unsigned.annotations(b"hi");
        assert_eq!(policy, ("kubelet-proxy.io/policy", text));
        assert_eq!(signature, ("kubelet-proxy.io/signature", "aGk=".to_owned()));
    }

    #[test]
    fn what_no_node_takes_is_not_signed() {
        for (policy, expected) in [
            ("", "the policy is empty"),
            ("1", "must be a list"),
            ("[{}]", "is missing"),
            (r#"[{"name":"a","properties":{"image":"i","imagePolicy":1}}]"#, "unknown key"),
            (
                r#"[{"name":"a","properties":{"image":"i","capabilities":["NET_ADMN"]}}]"#,
                "is no Linux capability",
            ),
            (
                r#"[{"name":"a","properties":{"image":"i","environmentVariables":[
                    {"name":"V","value":"1"},{"name":"V","value":"x|y","regex":true}]}}]"#,
                "lists \"V\" a second time",
            ),
            (
                r#"[{"name":"a","properties":{"image":"i","environmentVariables":[
                    {"name":"V","value":"[a&&b]","regex":true}]}}]"#,
                "is no usable regular expression",
            ),
            ("{}", "is missing"),
            (r#"{"keyId":"other"}"#, "names another key; this one is k"),
        ] {
            let refusal = Unsigned::new(policy.as_bytes(), "k").unwrap_err().to_string();
            assert!(refusal.contains(expected), "{policy}: {refusal}");
        }
    }

    #[test]
    fn what_is_longer_than_nodes_read_is_not_signed() {
        let of_length = |length: usize| {
            let names = "a".repeat(length);
            format!(r#"[{{"name":"a","properties":{{"image":"i","command":["{names}"]}}}}]"#)
        };
        let overhead = of_length(0).len();
        let most = MAX_POLICY_TEXT / 4 * 3;
        let refusal = |length: usize| Unsigned::new(of_length(length).as_bytes(), "k").err();
        assert_eq!(refusal(most - overhead), None);
        let refusal = refusal(most - overhead + 1).unwrap().to_string();
        assert!(refusal.contains("no node reads more than 262144"), "{refusal}");
    }
}
