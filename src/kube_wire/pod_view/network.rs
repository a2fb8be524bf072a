//! What the kubelet writes into `resolv.conf` and `/etc/hosts`.

use super::read::view;

view! {
    /// `dnsConfig`.
    #[derive(Debug)]
    DnsConfig<'a> {
        "nameservers" nameservers: &'a [&'a str],
        "searches" searches: &'a [&'a str],
        "options" options: &'a [DnsOption<'a>],
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
        "hostnames" hostnames: &'a [&'a str],
    }
}
