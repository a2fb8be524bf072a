//! What `spec` says for the pod as a whole.

use super::network::{DnsConfig, HostAlias};
use super::read::view;
use super::resources::Resources;
use super::security::PodSecurityContext;
use super::volume::Volume;
use crate::kube_wire::pod_schema::spec::{POD_OS, POD_RESOURCE_CLAIM, POD_SPEC};
use crate::kube_wire::pod_schema::volume::LOCAL_OBJECT_REFERENCE;

view! {
    /// `spec` without its containers.
    #[derive(Debug)]
    PodSpec<'a> of [POD_SPEC] {
        "volumes" volumes: &'a [Volume<'a>],
        "nodeName" node_name: &'a str,
        "hostNetwork" host_network: bool,
        "hostPID" host_pid: bool,
        "hostIPC" host_ipc: bool,
        "shareProcessNamespace" share_process_namespace: Option<bool>,
        "hostUsers" host_users: Option<bool>,
        "securityContext" security_context: Option<&'a PodSecurityContext<'a>>,
        "runtimeClassName" runtime_class_name: Option<&'a str>,
        "serviceAccountName" service_account_name: &'a str,
        /// The field's former name. The API keeps both equal; the kubelet reads the other.
        "serviceAccount" service_account: &'a str,
        "automountServiceAccountToken" automount_service_account_token: Option<bool>,
        "enableServiceLinks" enable_service_links: Option<bool>,
        "imagePullSecrets" image_pull_secrets: &'a [ReferredObject<'a>],
        "hostname" hostname: &'a str,
        "subdomain" subdomain: &'a str,
        "hostnameOverride" hostname_override: Option<&'a str>,
        "setHostnameAsFQDN" set_hostname_as_fqdn: Option<bool>,
        "dnsPolicy" dns_policy: &'a str,
        "dnsConfig" dns_config: Option<&'a DnsConfig<'a>>,
        "hostAliases" host_aliases: &'a [HostAlias<'a>],
        "os" os: Option<Os<'a>>,
        "resources" resources: Option<&'a Resources<'a>>,
        "resourceClaims" resource_claims: &'a [ResourceClaim<'a>],
    }
}

view! {
    /// `LocalObjectReference`: an object of the pod's namespace.
    #[derive(Debug)]
    ReferredObject<'a> of [LOCAL_OBJECT_REFERENCE] {
        "name" name: &'a str,
    }
}

view! {
    /// `os`.
    #[derive(Debug)]
    Os<'a> of [POD_OS] {
        "name" name: &'a str,
    }
}

view! {
    /// `resourceClaims[]`: a device.
    #[derive(Debug)]
    ResourceClaim<'a> of [POD_RESOURCE_CLAIM] {
        "name" name: &'a str,
        "resourceClaimName" resource_claim_name: Option<&'a str>,
        "resourceClaimTemplateName" resource_claim_template_name: Option<&'a str>,
    }
}
