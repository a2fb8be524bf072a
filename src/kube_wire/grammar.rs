//! The grammars of texts from which a node builds paths, lines of files and arguments.
//!
//! The kubelet trusts its API server to have validated a pod and joins names to paths unseen: with
//! a hostile API server, the check has to be here. Only syntax is judged, never what is allowed.
//! Every rule is the API's own validation or stricter. All but three refuse the empty text: Go leaves
//! empty optional fields out, unless they are pointers.

mod names;
mod paths;

/// One grammar; see [`Grammar::matches`].
///
/// Names in parentheses are the Go functions of `k8s.io/apimachinery` or
/// `k8s.io/kubernetes/pkg/apis/core/validation` (v1.35) that the API server applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grammar {
    /// RFC 1123 label, at most 63 characters (`IsDNS1123Label`): namespaces, containers, volumes,
    /// which all become directories.
    DnsLabel,
    /// RFC 1123 subdomain, at most 253 characters (`IsDNS1123Subdomain`): pods, nodes, accounts.
    DnsSubdomain,
    /// 8-4-4-4-12 lower-case hexadecimal. The API server makes every pod's UID in this form; the
    /// kubelet names the pod's directory after it and would accept any text.
    Uuid,
    /// An entry of `dnsConfig.searches`: `.`, or a subdomain that may have underscores and a final
    /// dot (`validatePodDNSConfig`). It is written into `resolv.conf`.
    SearchDomain,
    /// The value of an entry of `dnsConfig.options`: printable ASCII without white space, which
    /// would begin another option in `resolv.conf`. May be empty.
    ResolverOptionValue,
    /// An IPv4 or IPv6 address without zone; leading zeros are refused, as new API fields do.
    /// Written into `/etc/hosts`, `resolv.conf` and port mappings.
    IpAddress,
    /// An address as above, `None` or nothing: of a Service, which is made variables of.
    ClusterIp,
    /// `TCP`, `UDP` or `SCTP` (`supportedPortProtocols`); becomes part of a variable's name.
    Protocol,
    /// At most 15 of `a-z0-9-` with a letter (`IsValidPortName`).
    PortName,
    /// A subdomain of at most 63 characters in any case (`ValidateCSIDriverName`): a directory.
    CsiDriver,
    /// `driver` or `vendor/driver`; the kubelet looks for an executable in a directory of that name.
    FlexDriver,
    /// The name of an object that the kubelet asks the API server for: one segment of a URL path
    /// (`IsValidPathSegmentName`).
    ObjectName,
    /// The name of an environment variable: printable ASCII without `=` (`IsRelaxedEnvVarName`).
    EnvName,
    /// The name of an HTTP header (`IsHTTPHeaderName`), sent by probes.
    HeaderName,
    /// A sysctl with dots or slashes (`IsValidSysctlName`): a path below `/proc/sys`.
    SysctlName,
    /// User, role, type or level of an SELinux label, which the kubelet quotes into mount options.
    SelinuxPart,
    /// The kind of a file system; `mkfs.` and this text name an executable. May be empty: the
    /// driver chooses.
    FilesystemType,
    /// Printable ASCII without white space: image references, hosts, versions, kinds.
    Token,
    /// Text without control, line-separating and direction-changing characters.
    OneLine,
    /// One name of a path: no slash, neither `.` nor `..`.
    PathComponent,
    /// A path, absolute or not, none of whose components is `..` (`validatePathNoBacksteps`).
    NoBacksteps,
    /// An absolute path without `..`.
    AbsolutePath,
    /// An absolute path without `..` and `:`; runtimes take `source:target:options`. Doubled and
    /// final slashes are ordinary user input.
    MountPath,
    /// A relative path without `..` (`validateLocalDescendingPath`).
    DescendingPath,
    /// As [`Grammar::DescendingPath`], and not starting with `..`, which the kubelet's atomic
    /// writer keeps for itself (`validateLocalNonReservedPath`).
    VolumeFilePath,
    /// Exactly `Pod`.
    PodKind,
    /// Exactly `v1`, the core group's version.
    CoreVersion,
    /// Exactly this text.
    Exactly(&'static str),
}

impl Grammar {
    /// Is the whole text of this grammar? Linear in its length, no allocation.
    pub fn matches(self, text: &str) -> bool {
        match self {
            Self::DnsLabel => names::is_label(text),
            Self::DnsSubdomain => names::is_subdomain(text),
            Self::Uuid => names::is_uuid(text),
            Self::SearchDomain => names::is_search_domain(text),
            Self::ResolverOptionValue => text.is_empty() || names::is_token(text),
            Self::IpAddress => text.parse::<std::net::IpAddr>().is_ok(),
            Self::ClusterIp => matches!(text, "" | "None") || Self::IpAddress.matches(text),
            Self::Protocol => matches!(text, "TCP" | "UDP" | "SCTP"),
            Self::PortName => names::is_port_name(text),
            Self::CsiDriver => names::is_csi_driver(text),
            Self::FlexDriver => names::is_flex_driver(text),
            Self::ObjectName => names::is_object_name(text),
            Self::EnvName => names::is_env_name(text),
            Self::HeaderName => names::is_header_name(text),
            Self::SysctlName => names::is_sysctl_name(text),
            Self::SelinuxPart => names::is_selinux_part(text),
            Self::FilesystemType => text.is_empty() || names::is_filesystem_type(text),
            Self::Token => names::is_token(text),
            Self::OneLine => paths::is_one_line(text),
            Self::PathComponent => paths::is_component(text),
            Self::NoBacksteps => paths::never_steps_back(text),
            Self::AbsolutePath => paths::is_absolute(text),
            Self::MountPath => paths::is_mount_path(text),
            Self::DescendingPath => paths::descends(text),
            Self::VolumeFilePath => paths::is_volume_file(text),
            Self::PodKind => text == "Pod",
            Self::CoreVersion => text == "v1",
            Self::Exactly(expected) => text == expected,
        }
    }

    /// What a text must be, to end the sentence "must be …" in an operator's message.
    pub const fn expectation(self) -> &'static str {
        match self {
            Self::DnsLabel => "an RFC 1123 label",
            Self::DnsSubdomain => "an RFC 1123 subdomain",
            Self::Uuid => "a UUID in lower case",
            Self::SearchDomain => "a DNS search domain",
            Self::ResolverOptionValue => "empty or printable ASCII without white space",
            Self::IpAddress => "an IP address",
            Self::ClusterIp => "an IP address, 'None' or empty",
            Self::Protocol => "'TCP', 'UDP' or 'SCTP'",
            Self::PortName => "a port name",
            Self::CsiDriver => "a CSI driver name",
            Self::FlexDriver => "a FlexVolume driver name",
            Self::ObjectName => "an object name",
            Self::EnvName => "an environment variable name",
            Self::HeaderName => "an HTTP header name",
            Self::SysctlName => "a sysctl name",
            Self::SelinuxPart => "part of an SELinux label",
            Self::FilesystemType => "a file system type",
            Self::Token => "printable ASCII without white space",
            Self::OneLine => "free of control characters",
            Self::PathComponent => "one component of a path",
            Self::NoBacksteps => "a path without '..'",
            Self::AbsolutePath => "an absolute path without '..'",
            Self::MountPath => "an absolute path without '..' and ':'",
            Self::DescendingPath => "a relative path without '..'",
            Self::VolumeFilePath => "a relative path without leading or inner '..'",
            Self::PodKind => "'Pod'",
            Self::CoreVersion => "'v1'",
            Self::Exactly(expected) => expected,
        }
    }
}

#[cfg(test)]
mod tests;
