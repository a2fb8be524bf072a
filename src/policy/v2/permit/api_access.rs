//! `apiAccess`: the volume that the API server adds to nearly every pod, told by its exact shape.
//!
//! Its name is no sign: anybody may call a volume `kube-api-access-x`. What is accepted here is what
//! `k8s.io/kubernetes/plugin/pkg/admission/serviceaccount` writes, source by source.

use crate::kube_wire::pod_view::{
    DownwardApiFile, FieldRef, KeyToPath, ProjectedDownwardApi, ProjectedObject, ProjectedVolume,
    Projection, ServiceAccountToken, Volume, VolumeMount, VolumeSource,
};
use crate::policy::v2::subject::Subject;

/// Where the volume is mounted.
const MOUNT_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// The longest life of the token: an hour, and what the kubelet needs to renew it.
const MAX_EXPIRATION_SECONDS: i64 = 3607;

/// `0644`.
const DEFAULT_MODE: i64 = 420;

/// Is it the volume that the API server adds?
pub(super) fn is_volume(volume: &Volume<'_>) -> bool {
    let VolumeSource::Projected(ProjectedVolume { sources, default_mode, default_user: None }) =
        &volume.source
    else {
        return false;
    };
    let mut seen = [false; 3];
    let places = sources.iter().map(part);
    for place in places {
        match place.and_then(|place| seen.get_mut(place)) {
            Some(seen) if !*seen => *seen = true,
            Some(_) | None => return false,
        }
    }
    seen == [true; 3] && default_mode.is_none_or(|mode| mode == DEFAULT_MODE)
}

/// Is it the mount that the API server adds, of that volume?
pub(super) fn is_mount(mount: &VolumeMount<'_>, subject: &Subject<'_>) -> bool {
    let VolumeMount {
        volume,
        mount_path,
        read_only,
        recursive_read_only,
        sub_path,
        mount_propagation,
        sub_path_expr,
        bind_mount_options,
    } = mount;
    *mount_path == MOUNT_PATH
        && *read_only
        && recursive_read_only.is_none_or(|it| it == "Disabled")
        && sub_path.is_empty()
        && sub_path_expr.is_empty()
        && mount_propagation.is_none_or(|it| it == "None")
        && bind_mount_options.is_empty()
        && subject.view.spec.volumes.iter().any(|it| it.name == *volume && is_volume(it))
}

/// Which of the three sources this is.
fn part(projection: &Projection<'_>) -> Option<usize> {
    let Projection {
        secret: None,
        downward_api,
        config_map,
        service_account_token,
        cluster_trust_bundle: None,
        pod_certificate: None,
    } = projection
    else {
        return None;
    };
    match (service_account_token, config_map, downward_api) {
        (Some(token), None, None) => is_token(token).then_some(0),
        (None, Some(bundle), None) => is_ca_bundle(bundle).then_some(1),
        (None, None, Some(fields)) => is_namespace(fields).then_some(2),
        _ => None,
    }
}

fn is_token(token: &ServiceAccountToken<'_>) -> bool {
    let ServiceAccountToken { audience, expiration_seconds, path, user } = token;
    audience.is_empty()
        && expiration_seconds.is_none_or(|seconds| seconds <= MAX_EXPIRATION_SECONDS)
        && *path == "token"
        && user.is_none()
}

fn is_ca_bundle(bundle: &ProjectedObject<'_>) -> bool {
    let ProjectedObject { name, items, optional } = bundle;
    let is_item = |item: &KeyToPath<'_>| {
        matches!(item, KeyToPath { key: "ca.crt", path: "ca.crt", mode: None, user: None })
    };
    *name == "kube-root-ca.crt"
        && matches!(items, [item] if is_item(item))
        && *optional != Some(true)
}

fn is_namespace(fields: &ProjectedDownwardApi<'_>) -> bool {
    let ProjectedDownwardApi { items } = fields;
    let [item] = items else { return false };
    let DownwardApiFile { path, field, resource_field, mode, user } = item;
    let is_field = |field: &FieldRef<'_>| {
        let FieldRef { api_version, field_path } = field;
        matches!(*api_version, "" | "v1") && *field_path == "metadata.namespace"
    };
    *path == "namespace"
        && field.as_ref().is_some_and(is_field)
        && resource_field.is_none()
        && mode.is_none()
        && user.is_none()
}
