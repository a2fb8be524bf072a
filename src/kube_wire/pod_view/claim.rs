//! Volumes that belong to others: claims and claim templates.

use super::read::{Entries, Quantity, view};
use crate::kube_wire::pod_schema::claim::{
    EPHEMERAL_VOLUME_SOURCE, PERSISTENT_VOLUME_CLAIM_SPEC, PERSISTENT_VOLUME_CLAIM_TEMPLATE,
    PERSISTENT_VOLUME_CLAIM_VOLUME_SOURCE, TYPED_LOCAL_OBJECT_REFERENCE, TYPED_OBJECT_REFERENCE,
    VOLUME_RESOURCE_REQUIREMENTS,
};
use crate::kube_wire::pod_schema::metadata::TEMPLATE_METADATA;
use crate::kube_wire::pod_schema::scheduling::{LABEL_SELECTOR, LABEL_SELECTOR_REQUIREMENT};

view! {
    /// `persistentVolumeClaim`.
    #[derive(Debug)]
    PersistentVolumeClaim<'a> of [PERSISTENT_VOLUME_CLAIM_VOLUME_SOURCE] {
        "claimName" claim_name: &'a str,
        "readOnly" read_only: bool,
    }
}

view! {
    /// `ephemeral`: a claim made for this pod.
    #[derive(Debug)]
    EphemeralVolume<'a> of [EPHEMERAL_VOLUME_SOURCE] {
        "volumeClaimTemplate" template: Option<ClaimTemplate<'a>>,
    }
}

view! {
    /// `volumeClaimTemplate`.
    #[derive(Debug)]
    ClaimTemplate<'a> of [PERSISTENT_VOLUME_CLAIM_TEMPLATE] {
        "metadata" metadata: Option<ClaimTemplateMetadata<'a>>,
        "spec" spec: Option<ClaimTemplateSpec<'a>>,
    }
}

view! {
    /// `volumeClaimTemplate.metadata`.
    #[derive(Debug)]
    ClaimTemplateMetadata<'a> of [TEMPLATE_METADATA] {
        "labels" labels: Entries<'a, &'a str>,
        "annotations" annotations: Entries<'a, &'a str>,
    }
}

view! {
    /// `volumeClaimTemplate.spec`.
    #[derive(Debug)]
    ClaimTemplateSpec<'a> of [PERSISTENT_VOLUME_CLAIM_SPEC] {
        "accessModes" access_modes: &'a [&'a str],
        "selector" selector: Option<LabelSelector<'a>>,
        "resources" resources: Option<VolumeResources<'a>>,
        "volumeName" volume_name: &'a str,
        "storageClassName" storage_class_name: Option<&'a str>,
        "volumeMode" volume_mode: Option<&'a str>,
        "dataSource" data_source: Option<DataSource<'a>>,
        "dataSourceRef" data_source_ref: Option<DataSource<'a>>,
        "volumeAttributesClassName" volume_attributes_class_name: Option<&'a str>,
    }
}

view! {
    /// `volumeClaimTemplate.spec.resources`.
    #[derive(Debug)]
    VolumeResources<'a> of [VOLUME_RESOURCE_REQUIREMENTS] {
        "limits" limits: Entries<'a, Quantity<'a>>,
        "requests" requests: Entries<'a, Quantity<'a>>,
    }
}

view! {
    /// `dataSource` (without namespace) or `dataSourceRef`: what a new volume is filled with.
    #[derive(Debug)]
    DataSource<'a> of [TYPED_LOCAL_OBJECT_REFERENCE, TYPED_OBJECT_REFERENCE] {
        "apiGroup" api_group: Option<&'a str>,
        "kind" kind: &'a str,
        "name" name: &'a str,
        "namespace" namespace: Option<&'a str>,
    }
}

view! {
    /// `labelSelector` or `selector`.
    #[derive(Debug)]
    LabelSelector<'a> of [LABEL_SELECTOR] {
        "matchLabels" match_labels: Entries<'a, &'a str>,
        "matchExpressions" match_expressions: &'a [LabelRequirement<'a>],
    }
}

view! {
    /// `matchExpressions[]`.
    #[derive(Debug)]
    LabelRequirement<'a> of [LABEL_SELECTOR_REQUIREMENT] {
        "key" key: &'a str,
        "operator" operator: &'a str,
        "values" values: &'a [&'a str],
    }
}
