//! `SubjectAccessReview`: a kubelet's question who may use its own API, read strictly.
//!
//! Kubelets ask in protobuf or in JSON. Only what the answer may depend on is kept: which resource,
//! and which certificate the caller showed. Anything odd is a fault, never a default.

use std::collections::HashSet;

use thiserror::Error;

use super::document::{DocumentFault, read_whole};
use super::json::{Limits, Tape, Value};
use super::protobuf::{Envelope, Fields, ProtobufFault, once, text};

/// Key of the attribute that says which certificate authenticated a caller. Kubelets set it themselves
/// from the TLS handshake (apiserver `x509.go`, in 1.33 to 1.36): `X509SHA256=` and the SHA-256 of the
/// certificate in hexadecimal.
const CREDENTIAL_ID: &str = "authentication.kubernetes.io/credential-id";

const API_VERSION: &str = "authorization.k8s.io/v1";
const KIND: &str = "SubjectAccessReview";

/// A review is below 1 KiB; groups of a hostile certificate may add some.
const LIMITS: Limits = Limits { depth: 8, nodes: 4096 };

/// Why a review is not understood.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ReviewFault {
    /// Neither protobuf nor JSON.
    #[error("neither application/json nor application/vnd.kubernetes.protobuf")]
    ContentType,
    /// Bad protobuf.
    #[error("{0}")]
    Protobuf(#[from] ProtobufFault),
    /// Bad JSON.
    #[error("{0}")]
    Json(#[from] DocumentFault),
    /// Another object, or one that asks for no resource.
    #[error("{0}")]
    Shape(&'static str),
}

/// What a kubelet asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessReview {
    /// Who calls, as the caller's certificate says.
    pub user: String,
    /// Which credentials authenticated the caller.
    pub credentials: Vec<String>,
    /// What is asked for.
    pub resource: Resource,
}

/// A resource and what is to be done with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resource {
    /// Empty for cluster-scoped resources.
    pub namespace: String,
    /// `get`, `create`, …
    pub verb: String,
    /// Empty for the core group.
    pub group: String,
    /// Such as `v1`.
    pub version: String,
    /// Such as `nodes`.
    pub resource: String,
    /// Such as `proxy`.
    pub subresource: String,
    /// The object's name.
    pub name: String,
}

impl AccessReview {
    /// Reads a request's body.
    pub fn read(content_type: &str, body: &[u8]) -> Result<Self, ReviewFault> {
        match content_type {
            "application/vnd.kubernetes.protobuf" => from_protobuf(body),
            "application/json" => from_json(body),
            _ => Err(ReviewFault::ContentType),
        }
    }
}

fn from_protobuf(body: &[u8]) -> Result<AccessReview, ReviewFault> {
    let envelope = Envelope::read(body)?;
    if (envelope.api_version, envelope.kind) != (API_VERSION, KIND) {
        return Err(ReviewFault::Shape("another object than a SubjectAccessReview"));
    }
    let mut spec = None;
    let mut fields = Fields::of(envelope.object);
    while let Some((number, bytes)) = fields.next()? {
        match number {
            // Metadata and status, which say nothing about the question.
            1 | 3 => {}
            2 => once(&mut spec, bytes)?,
            _ => return Err(ProtobufFault::UnknownField.into()),
        }
    }
    let (mut review, mut resource, mut user) = (AccessReview::default(), None, None);
    let mut fields = Fields::of(spec.ok_or(ReviewFault::Shape("a review without spec"))?);
    while let Some((number, bytes)) = fields.next()? {
        match number {
            1 => once(&mut resource, resource_from_protobuf(bytes)?)?,
            2 => return Err(ReviewFault::Shape("a review of a path, which no kubelet sends")),
            3 => once(&mut user, text(bytes)?.to_owned())?,
            // Groups and UID: names that somebody else gave.
            4 | 6 => drop(text(bytes)?),
            5 => extra_from_protobuf(bytes, &mut review.credentials)?,
            _ => return Err(ProtobufFault::UnknownField.into()),
        }
    }
    review.user = user.unwrap_or_default();
    review.resource = resource.ok_or(ReviewFault::Shape("a review without resource"))?;
    Ok(review)
}

fn resource_from_protobuf(message: &[u8]) -> Result<Resource, ReviewFault> {
    let mut texts: [Option<&str>; 7] = [None; 7];
    let mut fields = Fields::of(message);
    while let Some((number, bytes)) = fields.next()? {
        let place = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
        let place = place.and_then(|place| texts.get_mut(place));
        once(place.ok_or(ProtobufFault::UnknownField)?, text(bytes)?)?;
    }
    let [namespace, verb, group, version, resource, subresource, name] =
        texts.map(|text| text.unwrap_or_default().to_owned());
    Ok(Resource { namespace, verb, group, version, resource, subresource, name })
}

/// One entry of the map: key and a list.
fn extra_from_protobuf(message: &[u8], into: &mut Vec<String>) -> Result<(), ReviewFault> {
    let (mut key, mut list) = (None, None);
    let mut fields = Fields::of(message);
    while let Some((number, bytes)) = fields.next()? {
        match number {
            1 => once(&mut key, text(bytes)?)?,
            2 => once(&mut list, bytes)?,
            _ => return Err(ProtobufFault::UnknownField.into()),
        }
    }
    let mut items = Fields::of(list.unwrap_or_default());
    while let Some((number, bytes)) = items.next()? {
        if number != 1 {
            return Err(ProtobufFault::UnknownField.into());
        }
        let item = text(bytes)?;
        if key == Some(CREDENTIAL_ID) {
            into.push(item.to_owned());
        }
    }
    Ok(())
}

fn from_json(body: &[u8]) -> Result<AccessReview, ReviewFault> {
    let mut tape = Tape::default();
    if let Some(fault) = read_whole(body, &mut tape, LIMITS)? {
        return Err(DocumentFault::from(fault).into());
    }
    let root = tape.root(body);
    if has_twin_keys(&root) {
        return Err(ReviewFault::Shape("the same key twice"));
    }
    if (text_of(&root, "apiVersion")?, text_of(&root, "kind")?) != (API_VERSION, KIND) {
        return Err(ReviewFault::Shape("another object than a SubjectAccessReview"));
    }
    let spec = root.field("spec").ok_or(ReviewFault::Shape("a review without spec"))?;
    if spec.field("nonResourceAttributes").is_some() {
        return Err(ReviewFault::Shape("a review of a path, which no kubelet sends"));
    }
    let asked =
        spec.field("resourceAttributes").ok_or(ReviewFault::Shape("a review without resource"))?;
    let known = ["namespace", "verb", "group", "version", "resource", "subresource", "name"];
    if !asked.is_object() || asked.entries().any(|(name, _)| !known.contains(&name)) {
        return Err(ReviewFault::Shape("a review with an unknown attribute"));
    }
    let word = |name| text_of(&asked, name).map(str::to_owned);
    Ok(AccessReview {
        user: text_of(&spec, "user")?.to_owned(),
        credentials: credentials_in_json(&spec)?,
        resource: Resource {
            namespace: word("namespace")?,
            verb: word("verb")?,
            group: word("group")?,
            version: word("version")?,
            resource: word("resource")?,
            subresource: word("subresource")?,
            name: word("name")?,
        },
    })
}

fn credentials_in_json(spec: &Value<'_>) -> Result<Vec<String>, ReviewFault> {
    let Some(list) = spec.field("extra").and_then(|extra| extra.field(CREDENTIAL_ID)) else {
        return Ok(Vec::new());
    };
    if !list.is_array() {
        return Err(ReviewFault::Shape("credentials that are no list"));
    }
    let text = |item: Value<'_>| item.as_str().map(str::to_owned);
    let texts: Option<Vec<String>> = list.items().map(text).collect();
    texts.ok_or(ReviewFault::Shape("a credential that is no text"))
}

/// Two keys of one object that some reader takes for the same. Depth is bounded by [`LIMITS`].
fn has_twin_keys(value: &Value<'_>) -> bool {
    let mut known = HashSet::new();
    let is_twin = |(key, member): (&str, Value<'_>)| {
        !known.insert(key.to_ascii_lowercase()) || has_twin_keys(&member)
    };
    value.entries().any(is_twin) || value.items().any(|item| has_twin_keys(&item))
}

/// A text member; absent is empty.
fn text_of<'a>(object: &Value<'a>, name: &str) -> Result<&'a str, ReviewFault> {
    match object.field(name) {
        None => Ok(""),
        Some(value) => value.as_str().ok_or(ReviewFault::Shape("a member that is no text")),
    }
}

#[cfg(test)]
mod tests;
