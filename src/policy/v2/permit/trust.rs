//! `clusterTrustBundles` and `podCertificates` of a projected volume: whom the pod trusts, and who it
//! says it is.

use super::Reading;
use crate::kube_wire::pod_view::{ClusterTrustBundle, PodCertificate};
use crate::policy::error::PolicyError;
use crate::policy::located::{Located, Object};
use crate::policy::v2::check::{Check, NOTHING, Unlisted, shown};
use crate::policy::v2::finding::{Findings, Fit, Place, finding};
use crate::policy::v2::names::Names;
use crate::policy::v2::text_rule::TextRule;

/// A bundle by its own name or that of its signer.
#[derive(Clone, Debug)]
pub(super) struct BundleRule {
    names: Names,
    path: Option<TextRule>,
    optional: Option<bool>,
    /// Labels may choose among the signer's bundles: without them the API gives none.
    label_selector: Option<bool>,
}

impl BundleRule {
    pub(super) fn read(at: &Located<'_>, reading: &mut Reading<'_>) -> Result<Self, PolicyError> {
        let block = at.object(&["name", "path", "optional", "labelSelector"])?;
        Ok(Self {
            names: read_name(&block, "write the bundle's name, or its signer's", reading)?,
            path: read_path(&block, "path", reading)?,
            optional: block.read("optional", Located::boolean)?,
            label_selector: block.read("labelSelector", Located::boolean)?,
        })
    }

    /// Some entry must permit the bundle.
    pub(super) fn check_any(
        rules: Option<&[Self]>,
        bundle: &ClusterTrustBundle<'_>,
        place: &Place<'_>,
        check: &mut Check<'_>,
    ) -> Fit {
        let none = || finding(place, NOTHING, "a trust bundle");
        let Some(rules) = rules else { return check.unlisted(false, none) };
        let unlisted = check.unlisted;
        let fits = |rule: &Self, findings: &mut Findings| {
            rule.check(bundle, place, &mut Check { unlisted, findings })
        };
        check.findings.one_of(rules.iter(), fits, none).map_continue(|_| ())
    }

    fn check(
        &self,
        bundle: &ClusterTrustBundle<'_>,
        place: &Place<'_>,
        check: &mut Check<'_>,
    ) -> Fit {
        let ClusterTrustBundle { name, signer_name, label_selector, optional, path, user: _ } =
            bundle;
        let field = if name.is_some() { "name" } else { "signerName" };
        let named = name.or(*signer_name).unwrap_or_default();
        check.unless(self.names.match_name(named), || {
            finding(&place.field(field), self.names.describe(), shown(named))
        })?;
        check_path(self.path.as_ref(), path, &place.field("path"), check)?;
        for (rule, is, field) in [
            (self.optional, *optional == Some(true), "optional"),
            (self.label_selector, label_selector.is_some(), "labelSelector"),
        ] {
            let found = || finding(&place.field(field), NOTHING, "one that is set");
            match rule {
                Some(may) => check.unless(may || !is, found)?,
                None => check.unlisted(!is, found)?,
            }
        }
        Fit::Continue(())
    }
}

/// A certificate by the signer that is asked for it.
#[derive(Clone, Debug)]
pub(super) struct CertificateRule {
    names: Names,
    /// Of every file that it is written to.
    path: Option<TextRule>,
    user_annotations: Option<bool>,
}

impl CertificateRule {
    pub(super) fn read(at: &Located<'_>, reading: &mut Reading<'_>) -> Result<Self, PolicyError> {
        let block = at.object(&["name", "path", "userAnnotations"])?;
        Ok(Self {
            names: read_name(&block, "write the signer's name", reading)?,
            path: read_path(&block, "path", reading)?,
            user_annotations: block.read("userAnnotations", Located::boolean)?,
        })
    }

    /// Some entry must permit the certificate.
    pub(super) fn check_any(
        rules: Option<&[Self]>,
        certificate: &PodCertificate<'_>,
        place: &Place<'_>,
        check: &mut Check<'_>,
    ) -> Fit {
        let none = || finding(place, NOTHING, "a certificate");
        let Some(rules) = rules else { return check.unlisted(false, none) };
        let unlisted = check.unlisted;
        let fits = |rule: &Self, findings: &mut Findings| {
            rule.check(certificate, place, &mut Check { unlisted, findings })
        };
        check.findings.one_of(rules.iter(), fits, none).map_continue(|_| ())
    }

    fn check(
        &self,
        certificate: &PodCertificate<'_>,
        place: &Place<'_>,
        check: &mut Check<'_>,
    ) -> Fit {
        let PodCertificate {
            signer_name,
            // Kind and life of the key are the signer's to refuse.
            key_type: _,
            max_expiration_seconds: _,
            credential_bundle_path,
            key_path,
            certificate_chain_path,
            user_annotations,
            user: _,
        } = certificate;
        check.unless(self.names.match_name(signer_name), || {
            finding(&place.field("signerName"), self.names.describe(), shown(signer_name))
        })?;
        for (path, field) in [
            (credential_bundle_path, "credentialBundlePath"),
            (key_path, "keyPath"),
            (certificate_chain_path, "certificateChainPath"),
        ] {
            if !path.is_empty() {
                check_path(self.path.as_ref(), path, &place.field(field), check)?;
            }
        }
        let is_annotated = user_annotations.iter().next().is_some();
        let found = || finding(&place.field("userAnnotations"), NOTHING, "some that are set");
        match self.user_annotations {
            Some(may) => check.unless(may || !is_annotated, found),
            None => check.unlisted(!is_annotated, found),
        }
    }
}

fn read_name(
    block: &Object<'_>,
    remedy: &str,
    reading: &mut Reading<'_>,
) -> Result<Names, PolicyError> {
    let at = block.required("name", remedy)?;
    let names = Names::read_one(at)?;
    if names.match_everything() && reading.unlisted == Unlisted::Refuse {
        reading.warnings.broad(at, "permits every name; list those that are needed");
    }
    Ok(names)
}

/// Where no file is said, every one is meant only if what is not listed may be anything.
fn read_path(
    block: &Object<'_>,
    key: &str,
    reading: &mut Reading<'_>,
) -> Result<Option<TextRule>, PolicyError> {
    let path = block.read(key, |at| TextRule::read(at, reading.warnings))?;
    match path.is_none() && reading.unlisted == Unlisted::Refuse {
        true => Err(block.at().missing(key, "write the file that it becomes, or a rule for it")),
        false => Ok(path),
    }
}

fn check_path(
    rule: Option<&TextRule>,
    path: &str,
    place: &Place<'_>,
    check: &mut Check<'_>,
) -> Fit {
    let Some(rule) = rule else { return Fit::Continue(()) };
    check.unless(rule.matches(path), || finding(place, rule.describe(), shown(path)))
}
