//! What the kubelet writes into `resolv.conf` and `/etc/hosts`.

use super::read::view;

view! {
    /// `dnsConfig`.
    #[derive(Debug)]
    DnsConfig<'a> {
        "nameservers" nameservers: Vec<&'a str>,
        "searches" searches: Vec<&'a str>,
        "options" options: Vec<DnsOption<'a>>,
    }
}

view! {
    /// `dnsConfig.options[]`.
    #[derive(Debug)]
    DnsOption<'a> {
        "name" name: &'a str,
        "value" value: Option<&'a str>,
    }
}

view! {
    /// `hostAliases[]`.
    #[derive(Debug)]
    HostAlias<'a> {
        "ip" ip: &'a str,
        "hostnames" hostnames: Vec<&'a str>,
    }
}
