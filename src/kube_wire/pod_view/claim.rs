//! Volumes that belong to others: claims and claim templates.

use super::read::{Entries, Quantity, view};

view! {
    /// `persistentVolumeClaim`.
    #[derive(Debug)]
    PersistentVolumeClaim<'a> {
        "claimName" claim_name: &'a str,
        "readOnly" read_only: bool,
    }
}

view! {
    /// `ephemeral`: a claim made for this pod.
    #[derive(Debug)]
    EphemeralVolume<'a> {
        "volumeClaimTemplate" template: Option<ClaimTemplate<'a>>,
    }
}

view! {
    /// `volumeClaimTemplate`.
    #[derive(Debug)]
    ClaimTemplate<'a> {
        "metadata" metadata: Option<ClaimTemplateMetadata<'a>>,
        "spec" spec: Option<ClaimTemplateSpec<'a>>,
    }
}

view! {
    /// `volumeClaimTemplate.metadata`.
    #[derive(Debug)]
    ClaimTemplateMetadata<'a> {
        "labels" labels: Entries<'a, &'a str>,
        "annotations" annotations: Entries<'a, &'a str>,
    }
}

view! {
    /// `volumeClaimTemplate.spec`.
    #[derive(Debug)]
    ClaimTemplateSpec<'a> {
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
    VolumeResources<'a> {
        "limits" limits: Entries<'a, Quantity<'a>>,
        "requests" requests: Entries<'a, Quantity<'a>>,
    }
}

view! {
    /// `dataSource` (without namespace) or `dataSourceRef`: what a new volume is filled with.
    #[derive(Debug)]
    DataSource<'a> {
        "apiGroup" api_group: Option<&'a str>,
        "kind" kind: &'a str,
        "name" name: &'a str,
        "namespace" namespace: Option<&'a str>,
    }
}

view! {
    /// `labelSelector` or `selector`.
    #[derive(Debug)]
    LabelSelector<'a> {
        "matchLabels" match_labels: Entries<'a, &'a str>,
        "matchExpressions" match_expressions: &'a [LabelRequirement<'a>],
    }
}

view! {
    /// `matchExpressions[]`.
    #[derive(Debug)]
    LabelRequirement<'a> {
        "key" key: &'a str,
        "operator" operator: &'a str,
        "values" values: &'a [&'a str],
    }
}
