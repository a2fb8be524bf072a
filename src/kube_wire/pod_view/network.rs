//! What the kubelet writes into `resolv.conf` and `/etc/hosts`.

use super::read::view;
use crate::kube_wire::pod_schema::spec::{HOST_ALIAS, POD_DNS_CONFIG, POD_DNS_CONFIG_OPTION};

view! {
    /// `dnsConfig`.
    #[derive(Debug)]
    DnsConfig<'a> of [POD_DNS_CONFIG] {
        "nameservers" nameservers: &'a [&'a str],
        "searches" searches: &'a [&'a str],
        "options" options: &'a [DnsOption<'a>],
    }
}

view! {
    /// `dnsConfig.options[]`.
    #[derive(Debug)]
    DnsOption<'a> of [POD_DNS_CONFIG_OPTION] {
        "name" name: &'a str,
        "value" value: Option<&'a str>,
    }
}

view! {
    /// `hostAliases[]`.
    #[derive(Debug)]
    HostAlias<'a> of [HOST_ALIAS] {
        "ip" ip: &'a str,
        "hostnames" hostnames: &'a [&'a str],
    }
}
