//! `projected`: files that the kubelet puts together from several sources, each by a permit.
//!
//! A later source overwrites the file of an earlier one, so that each says where its files go.

use serde_json::{Map, Value, json};

use super::Reading;
use super::files::{BitsRule, MappingRule, check_items};
use super::pod_fields::{FieldRule, check_bits, check_fields};
use super::trust::{BundleRule, CertificateRule};
use crate::kube_wire::pod_view::{
    ProjectedDownwardApi, ProjectedObject, ProjectedVolume, Projection, ServiceAccountToken,
};
use crate::policy::error::PolicyError;
use crate::policy::explanation::Finding;
use crate::policy::located::Located;
use crate::policy::v2::check::{Check, NOTHING, Unlisted, shown};
use crate::policy::v2::finding::{Fit, Place, finding};
use crate::policy::v2::names::Names;
use crate::policy::v2::text_rule::TextRule;

/// The kubelet's own default of a token's life.
const DEFAULT_EXPIRATION_SECONDS: i64 = 3600;

/// Where a token is if nobody says otherwise.
const USUAL_TOKEN_PATH: &str = "token";

const KEYS: [&str; 6] = [
    "serviceAccountToken",
    "configMaps",
    "secrets",
    "downwardAPI",
    "clusterTrustBundles",
    "podCertificates",
];

/// What a projected volume may be put together from.
#[derive(Clone, Debug, Default)]
pub(in crate::policy) struct ProjectedRule {
    token: Option<TokenRule>,
    config_maps: Option<Vec<PartRule>>,
    secrets: Option<Vec<PartRule>>,
    fields: Option<Vec<FieldRule>>,
    trust_bundles: Option<Vec<BundleRule>>,
    certificates: Option<Vec<CertificateRule>>,
    bits: BitsRule,
}

/// A ConfigMap or Secret: its name, which means all of it, or its name and its mapping.
#[derive(Clone, Debug)]
struct PartRule {
    names: Names,
    mapping: MappingRule,
}

#[derive(Clone, Debug)]
struct TokenRule {
    audiences: Option<Names>,
    max_expiration_seconds: i64,
    path: Option<TextRule>,
}

impl ProjectedRule {
    pub(super) fn read(at: &Located<'_>, reading: &mut Reading<'_>) -> Result<Self, PolicyError> {
        let block = at.object(&[&KEYS[..], &BitsRule::KEYS[..]].concat())?;
        if KEYS.iter().all(|key| block.find(key).is_none()) {
            return Err(at.refuse(format!("permits nothing; write one of {}", KEYS.join(", "))));
        }
        Ok(Self {
            token: block.read("serviceAccountToken", |at| TokenRule::read(at, reading))?,
            config_maps: block.list("configMaps", |at| PartRule::read(at, reading))?,
            secrets: block.list("secrets", |at| PartRule::read(at, reading))?,
            fields: block.list("downwardAPI", |at| FieldRule::read(at, reading))?,
            trust_bundles: block.list("clusterTrustBundles", |at| BundleRule::read(at, reading))?,
            certificates: block.list("podCertificates", |at| CertificateRule::read(at, reading))?,
            bits: BitsRule::read(&block, reading)?,
        })
    }

    pub(super) fn check(
        &self,
        volume: &ProjectedVolume<'_>,
        place: &Place<'_>,
        check: &mut Check<'_>,
    ) -> Fit {
        let ProjectedVolume { sources, default_mode, default_user } = volume;
        self.bits.check_all(*default_mode, *default_user, (place, "projected"), check)?;
        let sources_place = place.field("sources");
        sources.iter().enumerate().try_for_each(|(index, source)| {
            self.check_source(source, &sources_place.element(index), check)
        })
    }

    fn check_source(
        &self,
        source: &Projection<'_>,
        place: &Place<'_>,
        check: &mut Check<'_>,
    ) -> Fit {
        let Projection {
            secret,
            downward_api,
            config_map,
            service_account_token,
            cluster_trust_bundle,
            pod_certificate,
        } = source;
        let bits = &self.bits;
        if let Some(object) = secret {
            let at = (&place.field("secret"), "projected.secrets");
            check_part((self.secrets.as_deref(), bits), object, at, check)?;
        }
        if let Some(object) = config_map {
            let at = (&place.field("configMap"), "projected.configMaps");
            check_part((self.config_maps.as_deref(), bits), object, at, check)?;
        }
        if let Some(ProjectedDownwardApi { items }) = downward_api {
            let place = place.field("downwardAPI");
            match &self.fields {
                Some(rules) => {
                    check_fields(rules, items, (&place, "projected.downwardAPI"), check)?;
                }
                None => check.unlisted(false, || finding(&place, NOTHING, "pod fields"))?,
            }
            check_bits(bits, items, (&place, "projected"), check)?;
        }
        if let Some(token) = service_account_token {
            let place = place.field("serviceAccountToken");
            match &self.token {
                Some(rule) => rule.check(token, &place, check)?,
                None => check.unlisted(false, || finding(&place, NOTHING, "a token"))?,
            }
            bits.check_one(None, token.user, (&place, "projected"), check)?;
        }
        if let Some(bundle) = cluster_trust_bundle {
            let place = place.field("clusterTrustBundle");
            BundleRule::check_any(self.trust_bundles.as_deref(), bundle, &place, check)?;
            bits.check_one(None, bundle.user, (&place, "projected"), check)?;
        }
        if let Some(certificate) = pod_certificate {
            let place = place.field("podCertificate");
            CertificateRule::check_any(self.certificates.as_deref(), certificate, &place, check)?;
            bits.check_one(None, certificate.user, (&place, "projected"), check)?;
        }
        Fit::Continue(())
    }
}

impl PartRule {
    fn read(at: &Located<'_>, reading: &mut Reading<'_>) -> Result<Self, PolicyError> {
        let rule = if at.is_string() {
            Self { names: Names::read_one(at)?, mapping: MappingRule::default() }
        } else {
            let block = at.object(&[&["name"][..], &MappingRule::KEYS[..]].concat())?;
            let name = block.required("name", "write the object's name, or a pattern")?;
            let mapping = MappingRule::read(&block, reading)?;
            Self { names: Names::read_one(name)?, mapping }
        };
        if rule.names.match_everything() && reading.unlisted == Unlisted::Refuse {
            reading.warnings.broad(at, "permits every name; list those that are needed");
        }
        Ok(rule)
    }
}

/// Some entry for the object must permit how it is mapped.
fn check_part(
    (rules, bits): (Option<&[PartRule]>, &BitsRule),
    object: &ProjectedObject<'_>,
    (place, key): (&Place<'_>, &'static str),
    check: &mut Check<'_>,
) -> Fit {
    let ProjectedObject { name, items, optional } = object;
    let about = rules.unwrap_or_default().iter().filter(|rule| rule.names.match_name(name));
    if about.clone().next().is_none() {
        let described = |rules: &[PartRule]| {
            let names: Vec<_> = rules.iter().map(|rule| rule.names.describe()).collect();
            names.join(" or ")
        };
        let other = || {
            let expected = rules.map_or_else(|| NOTHING.to_owned(), described);
            finding(&place.field("name"), expected, shown(name))
                .fixed_by(key, vec![part_as_rule(object)])
        };
        match rules {
            Some(_) => check.add(other)?,
            None => check.unlisted(false, other)?,
        }
    } else {
        let unlisted = check.unlisted;
        let fix = |finding: Finding, _: &'static str, _: Value| {
            finding.fixed_by(key, vec![part_as_rule(object)])
        };
        check.findings.one_of(
            about,
            |rule, findings| {
                let check = &mut Check { unlisted, findings };
                rule.mapping.check(items, *optional, place, fix, check)
            },
            || finding(place, NOTHING, shown(name)),
        )?;
    }
    check_items(bits, items, (place, "projected"), check)
}

fn part_as_rule(object: &ProjectedObject<'_>) -> Value {
    let ProjectedObject { name, items, optional } = object;
    let mut entry = Map::new();
    entry.insert("name".to_owned(), json!(name));
    if !items.is_empty() {
        let items = items.iter().map(|item| json!({ "key": item.key, "path": item.path }));
        entry.insert("items".to_owned(), items.collect());
    }
    if *optional == Some(true) {
        entry.insert("optional".to_owned(), true.into());
    }
    if entry.len() == 1 { json!(name) } else { entry.into() }
}

impl TokenRule {
    fn read(at: &Located<'_>, reading: &mut Reading<'_>) -> Result<Self, PolicyError> {
        let block = at.object(&["audiences", "maxExpirationSeconds", "path"])?;
        let max = block.read("maxExpirationSeconds", Located::integer)?;
        let path = block.read("path", |at| TextRule::read(at, reading.warnings))?;
        let is_closed = reading.unlisted == Unlisted::Refuse;
        Ok(Self {
            audiences: block.read("audiences", Names::read)?,
            max_expiration_seconds: max.unwrap_or(DEFAULT_EXPIRATION_SECONDS),
            path: path.or(is_closed.then(|| TextRule::Exact(USUAL_TOKEN_PATH.to_owned()))),
        })
    }

    fn check(
        &self,
        token: &ServiceAccountToken<'_>,
        place: &Place<'_>,
        check: &mut Check<'_>,
    ) -> Fit {
        // The owner of the file is compared with those of the volume's other files.
        let ServiceAccountToken { audience, expiration_seconds, path, user: _ } = token;
        let key = "projected.serviceAccountToken.audiences";
        check.name(self.audiences.as_ref(), audience, &place.field("audience"), key)?;
        if let Some(rule) = &self.path {
            let key = "projected.serviceAccountToken.path";
            check.text(Some(rule), path, &place.field("path"), key)?;
        }
        let seconds = expiration_seconds.unwrap_or(DEFAULT_EXPIRATION_SECONDS);
        check.unless(seconds <= self.max_expiration_seconds, || {
            let expected = format!("at most {}", self.max_expiration_seconds);
            finding(&place.field("expirationSeconds"), expected, seconds.to_string())
                .fixed_by("projected.serviceAccountToken.maxExpirationSeconds", seconds)
        })
    }
}
