//! Reads a pod's volumes.
//!
//! Which sources are allowed is a policy's question; that a volume has one name and at most one
//! source is not: of two, the plugins of the kubelet would choose.

use super::Volume;
use super::names::{Names, fault, missing};
use crate::kube_wire::json::{Value, ValueFault};

pub(super) fn read(list: Option<Value<'_>>) -> Result<(Vec<Volume<'_>>, Names<'_>), ValueFault> {
    let mut volumes = Vec::new();
    for (index, value) in list.iter().flat_map(Value::items).enumerate() {
        volumes.push(read_one(value, index)?);
    }
    let names = Names::unique(volumes.iter().map(|volume| volume.name))
        .ok_or_else(|| fault("spec.volumes", "two volumes have the same name"))?;
    Ok((volumes, names))
}

fn read_one(value: Value<'_>, index: usize) -> Result<Volume<'_>, ValueFault> {
    let mut volume = Volume { name: "", is_host_path: false, image: None };
    let mut has_source = false;
    for (key, member) in value.entries() {
        if key == "name" {
            volume.name = member.as_str().unwrap_or_default();
            continue;
        }
        if member.is_null() {
            continue;
        }
        if has_source {
            return Err(fault(format!("spec.volumes[{index}]"), "has more than one source"));
        }
        has_source = true;
        match key {
            "hostPath" => volume.is_host_path = true,
            "image" => volume.image = Some(read_reference(member, index)?),
            _ => {}
        }
    }
    if volume.name.is_empty() {
        return Err(missing(format!("spec.volumes[{index}].name")));
    }
    Ok(volume)
}

fn read_reference(image: Value<'_>, index: usize) -> Result<&str, ValueFault> {
    image
        .field("reference")
        .and_then(|reference| reference.as_str())
        .filter(|reference| !reference.is_empty())
        .ok_or_else(|| missing(format!("spec.volumes[{index}].image.reference")))
}
