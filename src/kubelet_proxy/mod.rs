//! kubelet_proxy
