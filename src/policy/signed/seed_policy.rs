//! The seed's signed policy: a JSON array with one entry a container.
//!
//! Keys, duplicates and names are read strictly here, where the seed passes over what it does not
//! know and keeps the last of two: what a signer wrote must mean one thing. `null` counts as absent,
//! which is what Go's encoder writes for an empty list.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::pattern::SignedPattern;
use crate::policy::PolicyError;
use crate::policy::located::{Located, Object};

/// What one signature says about a pod's containers.
#[derive(Debug)]
pub(super) struct SeedPolicy {
    containers: Vec<SignedContainer>,
}

/// What is signed for the containers of one name; empty lists say nothing.
#[derive(Debug)]
pub(super) struct SignedContainer {
    pub(super) name: String,
    pub(super) image: String,
    pub(super) command: Vec<String>,
    pub(super) environment: Vec<SignedVariable>,
    pub(super) mounts: Vec<SignedMount>,
    pub(super) privileged: bool,
    pub(super) capabilities: Vec<String>,
}

/// An environment variable that must be there.
#[derive(Debug)]
pub(super) struct SignedVariable {
    pub(super) name: String,
    pub(super) value: SignedValue,
}

#[derive(Debug)]
pub(super) enum SignedValue {
    Exact(String),
    Pattern(SignedPattern),
}

/// A mount that must be there.
#[derive(Debug)]
pub(super) struct SignedMount {
    pub(super) name: String,
    pub(super) path: String,
    pub(super) read_only: bool,
}

const ENTRY: [&str; 2] = ["name", "properties"];

const PROPERTIES: [&str; 6] =
    ["image", "command", "environmentVariables", "volumeMounts", "privileged", "capabilities"];

const VARIABLE: [&str; 3] = ["name", "value", "regex"];

/// `mountType` is read by nobody, the seed included.
const MOUNT: [&str; 4] = ["name", "mountPath", "mountType", "readOnly"];

impl SeedPolicy {
    /// Reads the decoded text of an annotation whose signature was verified.
    pub(super) fn parse(text: &str) -> Result<Self, PolicyError> {
        let mut containers: Vec<SignedContainer> = Vec::new();
        for entry in Located::document(text)?.elements_or_none()? {
            let container = SignedContainer::read(&entry)?;
            if containers.iter().any(|known| known.name == container.name) {
                return Err(entry.refuse("has the name of an earlier entry; keep one of the two"));
            }
            containers.push(container);
        }
        Ok(Self { containers })
    }

    pub(super) fn container(&self, name: &str) -> Option<&SignedContainer> {
        self.containers.iter().find(|container| container.name == name)
    }

    pub(super) fn containers(&self) -> &[SignedContainer] {
        &self.containers
    }
}

impl SignedContainer {
    fn read(at: &Located<'_>) -> Result<Self, PolicyError> {
        let entry = at.object(&ENTRY)?;
        let properties = required(&entry, "properties")?.object(&PROPERTIES)?;
        let texts = |key: &str| list(&properties, key, Located::string);
        Ok(Self {
            name: required(&entry, "name")?.filled_string()?,
            image: required(&properties, "image")?.filled_string()?,
            command: texts("command")?,
            environment: list(&properties, "environmentVariables", SignedVariable::read)?,
            mounts: list(&properties, "volumeMounts", SignedMount::read)?,
            privileged: flag(&properties, "privileged")?,
            capabilities: texts("capabilities")?,
        })
    }
}

impl SignedVariable {
    fn read(at: &Located<'_>) -> Result<Self, PolicyError> {
        let variable = at.object(&VARIABLE)?;
        let written = present(&variable, "value");
        let value = written.map_or(Ok(String::new()), Located::string)?;
        let value = match flag(&variable, "regex")? {
            true => SignedPattern::new(value)
                .map(SignedValue::Pattern)
                .map_err(|problem| written.unwrap_or(at).refuse(problem))?,
            false => SignedValue::Exact(value),
        };
        Ok(Self { name: required(&variable, "name")?.filled_string()?, value })
    }
}

impl SignedValue {
    pub(super) fn matches(&self, value: &str) -> bool {
        match self {
            Self::Exact(exact) => value == exact,
            Self::Pattern(pattern) => pattern.matches(value),
        }
    }
}

impl SignedMount {
    fn read(at: &Located<'_>) -> Result<Self, PolicyError> {
        let mount = at.object(&MOUNT)?;
        present(&mount, "mountType").map(Located::string).transpose()?;
        Ok(Self {
            name: required(&mount, "name")?.filled_string()?,
            path: required(&mount, "mountPath")?.filled_string()?,
            read_only: flag(&mount, "readOnly")?,
        })
    }
}

fn present<'o, 't>(object: &'o Object<'t>, key: &str) -> Option<&'o Located<'t>> {
    object.find(key).filter(|value| !value.is_null())
}

fn required<'o, 't>(object: &'o Object<'t>, key: &str) -> Result<&'o Located<'t>, PolicyError> {
    present(object, key).ok_or_else(|| object.at().missing(key, "a signed policy must have it"))
}

fn flag(object: &Object<'_>, key: &str) -> Result<bool, PolicyError> {
    present(object, key).map_or(Ok(false), Located::boolean)
}

fn list<'t, T>(
    object: &Object<'t>,
    key: &str,
    read: impl Fn(&Located<'t>) -> Result<T, PolicyError>,
) -> Result<Vec<T>, PolicyError> {
    let elements = present(object, key).map_or(Ok(Vec::new()), Located::elements_or_none)?;
    elements.iter().map(read).collect()
}

/// Would the seed have read it? For the wording of a denial alone: which fault of an unverified text
/// comes first. Whatever this says, the pod is denied.
pub(super) fn unreadable_for_the_seed(text: &[u8]) -> Option<String> {
    let read: Result<Option<Vec<Option<LooseEntry>>>, _> = serde_json::from_slice(text);
    read.err().map(|error| error.to_string())
}

#[derive(Deserialize)]
struct LooseEntry {
    #[serde(rename = "name")]
    _name: Option<String>,
    #[serde(rename = "properties")]
    _properties: Option<LooseProperties>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LooseProperties {
    #[serde(rename = "image")]
    _image: Option<String>,
    #[serde(rename = "command")]
    _command: Option<Vec<Option<String>>>,
    #[serde(rename = "environmentVariables")]
    _environment_variables: Option<Vec<IgnoredAny>>,
    #[serde(rename = "volumeMounts")]
    _volume_mounts: Option<Vec<IgnoredAny>>,
    #[serde(rename = "privileged")]
    _privileged: Option<bool>,
    #[serde(rename = "capabilities")]
    _capabilities: Option<Vec<Option<String>>>,
}
