//! `projected` and `downwardAPI`: files that the kubelet puts together, each source by a permit.

use super::Reading;
use crate::kube_wire::pod_view::{
    ClusterTrustBundle, DownwardApiFile, FieldRef, PodCertificate, ProjectedDownwardApi,
    ProjectedObject, ProjectedVolume, Projection, ResourceFieldRef, ServiceAccountToken,
};
use crate::policy::error::PolicyError;
use crate::policy::located::Located;
use crate::policy::v2::check::{Check, NOTHING};
use crate::policy::v2::finding::{Fit, Place, finding};
use crate::policy::v2::names::Names;

/// The kubelet's own default of a token's life.
const DEFAULT_EXPIRATION_SECONDS: i64 = 3600;

/// What a projected volume may be put together from.
#[derive(Clone, Debug, Default)]
pub(in crate::policy) struct ProjectedRule {
    token: Option<TokenRule>,
    config_maps: Option<Names>,
    secrets: Option<Names>,
    fields: Option<Names>,
    trust_bundles: Option<Names>,
    certificates: Option<Names>,
}

#[derive(Clone, Debug)]
struct TokenRule {
    audiences: Option<Names>,
    max_expiration_seconds: i64,
}

impl ProjectedRule {
    pub(super) fn read(at: &Located<'_>, reading: &mut Reading<'_>) -> Result<Self, PolicyError> {
        let keys = [
            "serviceAccountToken",
            "configMaps",
            "secrets",
            "downwardAPI",
            "clusterTrustBundles",
            "podCertificates",
        ];
        let block = at.object(&keys)?;
        let token = block.read("serviceAccountToken", TokenRule::read)?;
        let mut names = |key| block.read(key, |at| Names::read_permit(at, reading.warnings));
        let rule = Self {
            token,
            config_maps: names("configMaps")?,
            secrets: names("secrets")?,
            fields: names("downwardAPI")?,
            trust_bundles: names("clusterTrustBundles")?,
            certificates: names("podCertificates")?,
        };
        match keys.iter().all(|key| block.find(key).is_none()) {
            true => Err(at.refuse(format!("permits nothing; write one of {}", keys.join(", ")))),
            false => Ok(rule),
        }
    }

    pub(super) fn check(
        &self,
        volume: &ProjectedVolume<'_>,
        place: &Place<'_>,
        check: &mut Check<'_>,
    ) -> Fit {
        let ProjectedVolume { sources, default_mode: _, default_user: _ } = volume;
        let sources_place = place.field("sources");
        for (index, source) in sources.iter().enumerate() {
            let place = sources_place.element(index);
            let Projection {
                secret,
                downward_api,
                config_map,
                service_account_token,
                cluster_trust_bundle,
                pod_certificate,
            } = source;
            if let Some(ProjectedObject { name, items: _, optional: _ }) = secret {
                let place = place.field("secret");
                let key = "projected.secrets";
                check.name(self.secrets.as_ref(), name, &place.field("name"), key)?;
            }
            if let Some(ProjectedObject { name, items: _, optional: _ }) = config_map {
                let place = place.field("configMap");
                let key = "projected.configMaps";
                check.name(self.config_maps.as_ref(), name, &place.field("name"), key)?;
            }
            if let Some(ProjectedDownwardApi { items }) = downward_api {
                let place = place.field("downwardAPI");
                match &self.fields {
                    Some(names) => {
                        check_fields(names, items, &place, "projected.downwardAPI", check)?;
                    }
                    None => check.unlisted(false, || finding(&place, NOTHING, "pod fields"))?,
                }
            }
            if let Some(token) = service_account_token {
                let place = place.field("serviceAccountToken");
                match &self.token {
                    Some(rule) => rule.check(token, &place, check)?,
                    None => check.unlisted(false, || finding(&place, NOTHING, "a token"))?,
                }
            }
            self.check_trust(cluster_trust_bundle.as_deref(), &place, check)?;
            self.check_certificate(pod_certificate.as_deref(), &place, check)?;
        }
        Fit::Continue(())
    }

    fn check_trust(
        &self,
        bundle: Option<&ClusterTrustBundle<'_>>,
        place: &Place<'_>,
        check: &mut Check<'_>,
    ) -> Fit {
        let Some(bundle) = bundle else { return Fit::Continue(()) };
        let ClusterTrustBundle {
            name,
            signer_name,
            label_selector: _,
            optional: _,
            path: _,
            user: _,
        } = bundle;
        let place = place.field("clusterTrustBundle");
        let named = name.or(*signer_name).unwrap_or_default();
        let key = "projected.clusterTrustBundles";
        match &self.trust_bundles {
            Some(names) => check.name(Some(names), named, &place, key),
            None => check.unlisted(false, || finding(&place, NOTHING, "a trust bundle")),
        }
    }

    fn check_certificate(
        &self,
        certificate: Option<&PodCertificate<'_>>,
        place: &Place<'_>,
        check: &mut Check<'_>,
    ) -> Fit {
        let Some(certificate) = certificate else { return Fit::Continue(()) };
        let PodCertificate {
            signer_name,
            key_type: _,
            max_expiration_seconds: _,
            credential_bundle_path: _,
            key_path: _,
            certificate_chain_path: _,
            user_annotations: _,
            user: _,
        } = certificate;
        let place = place.field("podCertificate");
        match &self.certificates {
            Some(names) => {
                let key = "projected.podCertificates";
                check.name(Some(names), signer_name, &place.field("signerName"), key)
            }
            None => check.unlisted(false, || finding(&place, NOTHING, "a certificate")),
        }
    }
}

impl TokenRule {
    fn read(at: &Located<'_>) -> Result<Self, PolicyError> {
        let block = at.object(&["audiences", "maxExpirationSeconds"])?;
        let max = block.read("maxExpirationSeconds", Located::integer)?;
        Ok(Self {
            audiences: block.read("audiences", Names::read)?,
            max_expiration_seconds: max.unwrap_or(DEFAULT_EXPIRATION_SECONDS),
        })
    }

    fn check(
        &self,
        token: &ServiceAccountToken<'_>,
        place: &Place<'_>,
        check: &mut Check<'_>,
    ) -> Fit {
        let ServiceAccountToken { audience, expiration_seconds, path: _, user: _ } = token;
        let key = "projected.serviceAccountToken.audiences";
        check.name(self.audiences.as_ref(), audience, &place.field("audience"), key)?;
        let seconds = expiration_seconds.unwrap_or(DEFAULT_EXPIRATION_SECONDS);
        check.unless(seconds <= self.max_expiration_seconds, || {
            let expected = format!("at most {}", self.max_expiration_seconds);
            finding(&place.field("expirationSeconds"), expected, seconds.to_string())
                .fixed_by("projected.serviceAccountToken.maxExpirationSeconds", seconds)
        })
    }
}

/// Each file must show a field that is listed; amounts are listed as `resource:limits.cpu`.
pub(super) fn check_fields(
    names: &Names,
    files: &[DownwardApiFile<'_>],
    place: &Place<'_>,
    key: &'static str,
    check: &mut Check<'_>,
) -> Fit {
    let items = place.field("items");
    files.iter().enumerate().try_for_each(|(index, file)| {
        let place = items.element(index);
        let DownwardApiFile { path: _, field, resource_field, mode: _, user: _ } = file;
        if let Some(FieldRef { api_version: _, field_path }) = field {
            check.name(Some(names), field_path, &place.field("fieldRef"), key)?;
        }
        if let Some(ResourceFieldRef { container_name: _, resource, divisor: _ }) = resource_field {
            let named = format!("resource:{resource}");
            check.name(Some(names), &named, &place.field("resourceFieldRef"), key)?;
        }
        Fit::Continue(())
    })
}
