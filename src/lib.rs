//! The gatehouse of a Kubernetes node.
//!
//! | room | what it does | may use |
//! |---|---|---|
//! | [`kube_wire`] | Kubernetes objects as bytes: strict decoding, grammar, canonical encoding. Pure | – |
//! | [`manifest`] | manifests as operators keep them, turned into the pods that a kubelet would get. Pure | – |
//! | [`policy`] | decides on one pod. Pure: no I/O, no clock, no logging, cannot fail | `kube_wire` |
//! | [`policy_tools`] | what operators ask a policy offline: cases, comparison, replay. Pure | `kube_wire manifest policy` |
//! | [`net`] | connections and their end: socket options, drain | – |
//! | [`tls`] | PEM, server and client TLS, who the peer is, reload, certificates for one connection | `net` |
//! | [`http`] | listeners, header hygiene, bodies with budgets | `tls net` |
//! | [`upstream`] | the API server as its client sees it: kubeconfig, credentials, connection lanes | `http tls net metrics` |
//! | [`systemd`] | socket activation, notification, journal, measurement | – |
//! | [`sandbox`] | what the process takes from itself before it serves: capabilities, Landlock, seccomp | – |
//! | [`metrics`] | every metric name, the registry, the admin endpoint | `http net` |
//! | [`audit`] | decision records | – |
//! | [`kubelet_api`] | the guard in front of the kubelet's own API: what is asked, what is relayed | `kube_wire http tls net metrics audit` |
//! | [`kubelet_proxy`] | role: the node's own admission policy between kubelet and API server | all above |
//! | [`cli`] | command lines of the roles | all above |
//!
//! Arrows point up this table only, and roles never import each other: `tests/architecture.rs`.

pub mod audit;
pub mod cli;
pub mod http;
pub mod kube_wire;
pub mod kubelet_api;
pub mod kubelet_proxy;
pub mod manifest;
pub mod metrics;
pub mod net;
pub mod policy;
pub mod policy_tools;
pub mod sandbox;
pub mod systemd;
pub mod tls;
pub mod upstream;
