//! What the baseline level forbids of the node: its namespaces, paths, ports and network position.
//!
//! Each function is one check of the Go module, here with the place of every fault.

use std::ops::ControlFlow;

use super::check::{Finds, GO_ON, each_container};
use super::violation::{Found, Place};
use crate::kube_wire::pod_view::{
    ContainerPath, HttpGet, PodView, TcpSocket, VolumeSource, WindowsOptions,
};

/// `hostNamespaces`.
pub(super) fn host_namespaces<'v>(pod: &'v PodView<'v>, finds: Finds<'_, 'v>) -> ControlFlow<()> {
    [
        ("hostNetwork", pod.spec.host_network),
        ("hostPID", pod.spec.host_pid),
        ("hostIPC", pod.spec.host_ipc),
    ]
    .into_iter()
    .filter(|(_, is_shared)| *is_shared)
    .try_for_each(|(field, _)| finds(Place::Pod(field), Found::Flag(true)))
}

/// `hostPathVolumes`.
pub(super) fn host_path_volumes<'v>(pod: &'v PodView<'v>, finds: Finds<'_, 'v>) -> ControlFlow<()> {
    pod.spec.volumes.iter().enumerate().try_for_each(|(index, volume)| match &volume.source {
        VolumeSource::HostPath(_) => finds(Place::Volume(index, "hostPath"), Found::Object),
        VolumeSource::Absent
        | VolumeSource::EmptyDir(_)
        | VolumeSource::ConfigMap(_)
        | VolumeSource::Secret(_)
        | VolumeSource::DownwardApi(_)
        | VolumeSource::Projected(_)
        | VolumeSource::PersistentVolumeClaim(_)
        | VolumeSource::Ephemeral(_)
        | VolumeSource::Csi(_)
        | VolumeSource::Image(_)
        | VolumeSource::InTree(_) => GO_ON,
    })
}

/// `hostPorts`.
pub(super) fn host_ports<'v>(pod: &'v PodView<'v>, finds: Finds<'_, 'v>) -> ControlFlow<()> {
    each_container(pod, |container| {
        container.ports.iter().enumerate().try_for_each(|(index, port)| {
            if port.host_port == 0 {
                return GO_ON;
            }
            let place = Place::Element(container.path(), "ports", index, "hostPort");
            finds(place, Found::Number(port.host_port))
        })
    })
}

/// `hostProbesAndHostLifecycle`: the kubelet would connect from the node to wherever it is told.
pub(super) fn hosts_of_probes<'v>(pod: &'v PodView<'v>, finds: Finds<'_, 'v>) -> ControlFlow<()> {
    each_container(pod, |container| {
        let at = container.path();
        for (http, tcp, probe) in [
            (
                "livenessProbe.httpGet.host",
                "livenessProbe.tcpSocket.host",
                &container.liveness_probe,
            ),
            (
                "readinessProbe.httpGet.host",
                "readinessProbe.tcpSocket.host",
                &container.readiness_probe,
            ),
            ("startupProbe.httpGet.host", "startupProbe.tcpSocket.host", &container.startup_probe),
        ] {
            if let Some(probe) = probe {
                forbid_hosts(at, (http, &probe.http_get), (tcp, &probe.tcp_socket), finds)?;
            }
        }
        let Some(lifecycle) = &container.lifecycle else { return GO_ON };
        for (http, tcp, hook) in [
            (
                "lifecycle.postStart.httpGet.host",
                "lifecycle.postStart.tcpSocket.host",
                &lifecycle.post_start,
            ),
            (
                "lifecycle.preStop.httpGet.host",
                "lifecycle.preStop.tcpSocket.host",
                &lifecycle.pre_stop,
            ),
        ] {
            if let Some(hook) = hook {
                forbid_hosts(at, (http, &hook.http_get), (tcp, &hook.tcp_socket), finds)?;
            }
        }
        GO_ON
    })
}

fn forbid_hosts<'v>(
    at: ContainerPath,
    (http_field, http): (&'static str, &'v Option<HttpGet<'v>>),
    (tcp_field, tcp): (&'static str, &'v Option<TcpSocket<'v>>),
    finds: Finds<'_, 'v>,
) -> ControlFlow<()> {
    let hosts = [
        (http_field, http.as_ref().map(|http| http.host)),
        (tcp_field, tcp.as_ref().map(|tcp| tcp.host)),
    ];
    hosts.into_iter().try_for_each(|(field, host)| match host {
        Some("") | None => GO_ON,
        Some(host) => finds(Place::Container(at, field), Found::Text(host)),
    })
}

/// `windowsHostProcess`.
pub(super) fn windows_host_process<'v>(
    pod: &'v PodView<'v>,
    finds: Finds<'_, 'v>,
) -> ControlFlow<()> {
    const FIELD: &str = "securityContext.windowsOptions.hostProcess";
    let is_host = |options: Option<&WindowsOptions<'_>>| {
        options.and_then(|options| options.host_process) == Some(true)
    };
    let of_pod = pod.spec.security_context.and_then(|security| security.windows);
    if is_host(of_pod) {
        finds(Place::Pod(FIELD), Found::Flag(true))?;
    }
    each_container(pod, |container| {
        let security = container.security_context.as_ref();
        if is_host(security.and_then(|security| security.windows)) {
            finds(Place::Container(container.path(), FIELD), Found::Flag(true))?;
        }
        GO_ON
    })
}
