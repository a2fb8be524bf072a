//! `csi` of a volume: a driver that the kubelet asks directly, and what it is asked for.
//!
//! To many drivers the attributes are all there is: whose server is mounted, which secrets are
//! fetched. A driver's name alone would permit any of it.

use serde_json::{Map, Value, json};

use super::Reading;
use super::volume_source::names_of;
use crate::kube_wire::pod_view::{Csi, ReferredObject};
use crate::policy::error::PolicyError;
use crate::policy::located::Located;
use crate::policy::v2::check::{Check, NOTHING, shown};
use crate::policy::v2::finding::{Fit, Place, finding};
use crate::policy::v2::names::Names;
use crate::policy::v2::text_rule::TextRule;

/// Which drivers may be asked, and for what.
#[derive(Clone, Debug)]
pub(in crate::policy) struct CsiRule {
    drivers: Names,
    attributes: Vec<(String, TextRule)>,
    secrets: Option<Names>,
}

impl CsiRule {
    /// Reads the block.
    pub(super) fn read(at: &Located<'_>, reading: &mut Reading<'_>) -> Result<Self, PolicyError> {
        let block = at.object(&["drivers", "attributes", "secrets"])?;
        let mut attributes = Vec::new();
        if let Some(at) = block.find("attributes") {
            for (key, value) in at.members()? {
                attributes.push((key, TextRule::read(&value, reading.warnings)?));
            }
            if attributes.is_empty() {
                return Err(at.refuse("is empty, so it checks nothing; fill it or remove the key"));
            }
        }
        Ok(Self {
            drivers: names_of(&block, "drivers", reading)?,
            attributes,
            secrets: block.read("secrets", |at| Names::read_permit(at, reading.warnings))?,
        })
    }

    pub(super) fn check(&self, csi: &Csi<'_>, place: &Place<'_>, check: &mut Check<'_>) -> Fit {
        // What the driver makes of a file system's name and of `readOnly` gives a pod no more.
        let Csi { driver, read_only: _, fs_type: _, volume_attributes, node_publish_secret } = csi;
        check.name(Some(&self.drivers), driver, &place.field("driver"), "csi.drivers")?;
        let key = "csi.attributes";
        let attributes = place.field("volumeAttributes");
        for (name, rule) in &self.attributes {
            let found = volume_attributes.iter().find(|(key, _)| key == name);
            let value = found.map_or("", |(_, value)| value);
            check.unless(rule.matches(value), || {
                finding(&attributes.key(name), rule.describe(), shown(value))
                    .fixed_by(key, json!({ name: value }))
            })?;
        }
        let is_listed = |name: &str| self.attributes.iter().any(|(listed, _)| listed == name);
        for (name, value) in volume_attributes.iter().filter(|(name, _)| !is_listed(name)) {
            check.unlisted(value.is_empty(), || {
                finding(&attributes.key(name), NOTHING, shown(value))
                    .fixed_by(key, json!({ (*name): value }))
            })?;
        }
        let Some(ReferredObject { name }) = node_publish_secret else {
            return Fit::Continue(());
        };
        let place = place.field("nodePublishSecretRef");
        check.name(self.secrets.as_ref(), name, &place.field("name"), "csi.secrets")
    }
}

/// The rule that permits this source.
pub(super) fn as_rule(csi: &Csi<'_>) -> Value {
    let mut rule = Map::new();
    rule.insert("drivers".to_owned(), json!([csi.driver]));
    let attributes: Map<_, _> = csi
        .volume_attributes
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).into()))
        .collect();
    if !attributes.is_empty() {
        rule.insert("attributes".to_owned(), attributes.into());
    }
    if let Some(ReferredObject { name }) = csi.node_publish_secret {
        rule.insert("secrets".to_owned(), json!([name]));
    }
    rule.into()
}
