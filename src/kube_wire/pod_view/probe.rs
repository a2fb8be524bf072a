//! What the kubelet asks of a container, and what it tells it: probes and lifecycle hooks.

use super::read::{PortReference, view};
use crate::kube_wire::pod_schema::probe::{
    EXEC_ACTION, GRPC_ACTION, HTTP_GET_ACTION, HTTP_HEADER, LIFECYCLE, LIFECYCLE_HANDLER, PROBE,
    SLEEP_ACTION, TCP_SOCKET_ACTION,
};

view! {
    /// `livenessProbe`, `readinessProbe` or `startupProbe`, without its timing.
    #[derive(Debug)]
    Probe<'a> of [PROBE] {
        "exec" exec: Option<Exec<'a>>,
        "httpGet" http_get: Option<HttpGet<'a>>,
        "tcpSocket" tcp_socket: Option<TcpSocket<'a>>,
        "grpc" grpc: Option<Grpc<'a>>,
    }
}

view! {
    /// `lifecycle`.
    #[derive(Debug)]
    Lifecycle<'a> of [LIFECYCLE] {
        "postStart" post_start: Option<Hook<'a>>,
        "preStop" pre_stop: Option<Hook<'a>>,
        "stopSignal" stop_signal: Option<&'a str>,
    }
}

view! {
    /// `postStart` or `preStop`.
    #[derive(Debug)]
    Hook<'a> of [LIFECYCLE_HANDLER] {
        "exec" exec: Option<Exec<'a>>,
        "httpGet" http_get: Option<HttpGet<'a>>,
        "tcpSocket" tcp_socket: Option<TcpSocket<'a>>,
        "sleep" sleep: Option<Sleep>,
    }
}

view! {
    /// `exec`: a command inside the container.
    #[derive(Debug)]
    Exec<'a> of [EXEC_ACTION] {
        "command" command: &'a [&'a str],
    }
}

view! {
    /// `httpGet`: the kubelet itself connects, to the pod if `host` is empty.
    #[derive(Debug)]
    HttpGet<'a> of [HTTP_GET_ACTION] {
        "path" path: &'a str,
        "port" port: PortReference<'a>,
        "host" host: &'a str,
        "scheme" scheme: &'a str,
        "httpHeaders" headers: &'a [Header<'a>],
        "protocol" protocol: &'a str,
    }
}

view! {
    /// `httpGet.httpHeaders[]`.
    #[derive(Debug)]
    Header<'a> of [HTTP_HEADER] {
        "name" name: &'a str,
        "value" value: &'a str,
    }
}

view! {
    /// `tcpSocket`: the kubelet itself connects, to the pod if `host` is empty.
    #[derive(Debug)]
    TcpSocket<'a> of [TCP_SOCKET_ACTION] {
        "port" port: PortReference<'a>,
        "host" host: &'a str,
    }
}

view! {
    /// `grpc`: the kubelet itself connects to the pod.
    #[derive(Debug)]
    Grpc<'a> of [GRPC_ACTION] {
        "port" port: i64,
        "service" service: Option<&'a str>,
        "mode" mode: &'a str,
    }
}

view! {
    /// `sleep`.
    #[derive(Debug)]
    Sleep of [SLEEP_ACTION] {
        "seconds" seconds: i64,
    }
}
