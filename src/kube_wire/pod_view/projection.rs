//! Files that the kubelet puts together: projected volumes and their sources.

use super::claim::LabelSelector;
use super::environment::{FieldRef, ResourceFieldRef};
use super::read::{Entries, view};
use crate::kube_wire::pod_schema::projection::{
    CLUSTER_TRUST_BUNDLE_PROJECTION, CONFIG_MAP_PROJECTION, DOWNWARD_API_PROJECTION,
    POD_CERTIFICATE_PROJECTION, SECRET_PROJECTION, SERVICE_ACCOUNT_TOKEN_PROJECTION,
    VOLUME_PROJECTION,
};
use crate::kube_wire::pod_schema::volume::{DOWNWARD_API_VOLUME_FILE, KEY_TO_PATH};

view! {
    /// `projected.sources[]`: one of them is set in a pod that the API took.
    #[derive(Debug)]
    Projection<'a> of [VOLUME_PROJECTION] {
        "secret" secret: Option<ProjectedObject<'a>>,
        "downwardAPI" downward_api: Option<ProjectedDownwardApi<'a>>,
        "configMap" config_map: Option<ProjectedObject<'a>>,
        "serviceAccountToken" service_account_token: Option<ServiceAccountToken<'a>>,
        "clusterTrustBundle" cluster_trust_bundle: Option<&'a ClusterTrustBundle<'a>>,
        "podCertificate" pod_certificate: Option<&'a PodCertificate<'a>>,
    }
}

view! {
    /// A ConfigMap or Secret in a projected volume.
    #[derive(Debug)]
    ProjectedObject<'a> of [CONFIG_MAP_PROJECTION, SECRET_PROJECTION] {
        "name" name: &'a str,
        "items" items: &'a [KeyToPath<'a>],
        "optional" optional: Option<bool>,
    }
}

view! {
    /// Pod fields in a projected volume.
    #[derive(Debug)]
    ProjectedDownwardApi<'a> of [DOWNWARD_API_PROJECTION] {
        "items" items: &'a [DownwardApiFile<'a>],
    }
}

view! {
    /// `items[]` of a ConfigMap or Secret.
    #[derive(Debug)]
    KeyToPath<'a> of [KEY_TO_PATH] {
        "key" key: &'a str,
        "path" path: &'a str,
        "mode" mode: Option<i64>,
        "user" user: Option<i64>,
    }
}

view! {
    /// `items[]` of pod fields.
    #[derive(Debug)]
    DownwardApiFile<'a> of [DOWNWARD_API_VOLUME_FILE] {
        "path" path: &'a str,
        "fieldRef" field: Option<FieldRef<'a>>,
        "resourceFieldRef" resource_field: Option<ResourceFieldRef<'a>>,
        "mode" mode: Option<i64>,
        "user" user: Option<i64>,
    }
}

view! {
    /// `serviceAccountToken`.
    #[derive(Debug)]
    ServiceAccountToken<'a> of [SERVICE_ACCOUNT_TOKEN_PROJECTION] {
        /// Empty: the API server itself.
        "audience" audience: &'a str,
        "expirationSeconds" expiration_seconds: Option<i64>,
        "path" path: &'a str,
        "user" user: Option<i64>,
    }
}

view! {
    /// `clusterTrustBundle`.
    #[derive(Debug)]
    ClusterTrustBundle<'a> of [CLUSTER_TRUST_BUNDLE_PROJECTION] {
        "name" name: Option<&'a str>,
        "signerName" signer_name: Option<&'a str>,
        "labelSelector" label_selector: Option<LabelSelector<'a>>,
        "optional" optional: Option<bool>,
        "path" path: &'a str,
        "user" user: Option<i64>,
    }
}

view! {
    /// `podCertificate`.
    #[derive(Debug)]
    PodCertificate<'a> of [POD_CERTIFICATE_PROJECTION] {
        "signerName" signer_name: &'a str,
        "keyType" key_type: &'a str,
        "maxExpirationSeconds" max_expiration_seconds: Option<i64>,
        "credentialBundlePath" credential_bundle_path: &'a str,
        "keyPath" key_path: &'a str,
        "certificateChainPath" certificate_chain_path: &'a str,
        "userAnnotations" user_annotations: Entries<'a, &'a str>,
        "user" user: Option<i64>,
    }
}
