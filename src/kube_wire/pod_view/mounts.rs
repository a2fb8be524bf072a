//! How a container sees the pod's volumes.

use super::read::view;
use crate::kube_wire::pod_schema::container::{VOLUME_DEVICE, VOLUME_MOUNT};

view! {
    /// `volumeMounts[]`.
    #[derive(Debug)]
    VolumeMount<'a> of [VOLUME_MOUNT] {
        "name" volume: &'a str,
        "readOnly" read_only: bool,
        "recursiveReadOnly" recursive_read_only: Option<&'a str>,
        "mountPath" mount_path: &'a str,
        "subPath" sub_path: &'a str,
        "mountPropagation" mount_propagation: Option<&'a str>,
        "subPathExpr" sub_path_expr: &'a str,
        "bindMountOptions" bind_mount_options: &'a [&'a str],
    }
}

view! {
    /// `volumeDevices[]`.
    #[derive(Debug)]
    VolumeDevice<'a> of [VOLUME_DEVICE] {
        "name" volume: &'a str,
        "devicePath" device_path: &'a str,
    }
}
