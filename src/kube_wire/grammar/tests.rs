use super::Grammar;

/// Every text of `good` is of the grammar, none of `bad` and no text with a NUL or line feed is.
fn check(grammar: Grammar, good: &[&str], bad: &[&str]) {
    for text in good {
        assert!(grammar.matches(text), "{grammar:?} refuses {text:?}");
        for control in ['\0', '\n', '\u{7f}', '\u{202e}'] {
            assert!(
                !grammar.matches(&format!("{text}{control}")),
                "{grammar:?} {text:?} {control:?}"
            );
            assert!(
                !grammar.matches(&format!("{control}{text}")),
                "{grammar:?} {control:?} {text:?}"
            );
        }
    }
    for text in bad {
        assert!(!grammar.matches(text), "{grammar:?} admits {text:?}");
    }
    let may_be_empty = matches!(
        grammar,
        Grammar::ClusterIp | Grammar::FilesystemType | Grammar::ResolverOptionValue
    );
    assert_eq!(grammar.matches(""), may_be_empty, "{grammar:?} and the empty text");
}

#[test]
fn labels_are_those_of_rfc_1123() {
    let longest = "a".repeat(63);
    let too_long = "a".repeat(64);
    check(
        Grammar::DnsLabel,
        &["a", "0", "a-b", "a--b", "kube-api-access-x7k2p", &longest],
        &["-a", "a-", "A", "a.b", "a_b", "../../../../../etc", "a/b", "é", "..", &too_long],
    );
}

#[test]
fn subdomains_are_joined_labels() {
    let longest = "a".repeat(253);
    let too_long = "a".repeat(254);
    check(
        Grammar::DnsSubdomain,
        &["a", "a.b", "web-0.example", "1.2.3", &longest],
        &[".", "..", "a..b", ".a", "a.", "a.-b", "a-.b", "A.b", "a/b", "a_b", &too_long],
    );
}

#[test]
fn addresses_and_protocols_of_services_are_those_of_the_api() {
    check(
        Grammar::ClusterIp,
        &["None", "10.0.0.1", "fd00::1"],
        &["none", "0x7f.1", "010.0.0.1", "10.0.0.1/8", "10.0.0.1:80", "fe80::1%eth0", "a.example"],
    );
    check(Grammar::Protocol, &["TCP", "UDP", "SCTP"], &["tcp", "TCP/", "ICMP", "TCP=x"]);
}

#[test]
fn uids_are_lower_case_uuids_only() {
    check(
        Grammar::Uuid,
        &["12345678-90ab-cdef-0123-456789abcdef"],
        &[
            "12345678-90AB-cdef-0123-456789abcdef",
            "1234567890abcdef0123456789abcdef",
            "12345678-90ab-cdef-0123-456789abcde/",
            "../../x",
            "1234567--90ab-cdef-0123-456789abcdef",
            "{2345678-90ab-cdef-0123-456789abcde}",
        ],
    );
}

#[test]
fn lines_of_resolv_conf_and_hosts_stay_one_entry() {
    check(
        Grammar::SearchDomain,
        &[".", "svc.cluster.local", "svc.cluster.local.", "_tcp.x", "a_b"],
        &["..", "a..", "a b", "A", "x options"],
    );
    check(Grammar::ResolverOptionValue, &["5"], &["5 rotate"]);
    check(
        Grammar::IpAddress,
        &["10.0.0.1", "::1", "fe80::1", "::ffff:1.2.3.4"],
        &["10.0.0", "010.0.0.1", "fe80::1%eth0", "1.2.3.4 evil", "1.2.3.4/24", "localhost"],
    );
}

#[test]
fn names_of_ports_drivers_and_objects() {
    check(
        Grammar::PortName,
        &["http", "a-1", "9p"],
        &["-a", "a-", "a--b", "80", "abcdefghijklmnop"],
    );
    check(
        Grammar::CsiDriver,
        &["ebs.csi.aws.com", "Secrets-Store.CSI.k8s.io"],
        &["..", "a/b", "../x", ".a", "a_b"],
    );
    check(
        Grammar::FlexDriver,
        &["nfs", "k8s/nfs", "example.com/lvm_2"],
        &["a/b/c", "../x", "a/..", "/a", "a/", ".a/b"],
    );
    check(
        Grammar::ObjectName,
        &["my-secret", "My_Secret", "system:ca", "..2024"],
        &[".", "..", "a/b", "a%2fb", "a b"],
    );
}

#[test]
fn names_of_variables_headers_sysctls_labels_and_file_systems() {
    check(Grammar::EnvName, &["PATH", "a.b-c", "with space"], &["A=B", "=", "é"]);
    check(Grammar::HeaderName, &["X-Probe"], &["X Probe", "X:Y", "X_Y"]);
    check(
        Grammar::SysctlName,
        &["kernel.shm_rmid_forced", "net/ipv4/ip_forward", "net.ipv4.conf.eth0/1.x"],
        &["kernel..x", "/kernel", "../x", "a./b", "kernel.", "Kernel.x"],
    );
    check(
        Grammar::SelinuxPart,
        &["system_u", "s0:c1,c2", "s0-s0:c0.c1023"],
        &["s0\"", "a b", "a/b"],
    );
    check(Grammar::FilesystemType, &["ext4", "nfs4", "fuse.sshfs"], &["../x", "-t", ".", "a/b"]);
    check(
        Grammar::Token,
        &["registry.example:5000/a/b@sha256:00", "docker.io/library/nginx:1"],
        &["a b", "a\tb", "é"],
    );
}

#[test]
fn paths_never_step_back() {
    let backsteps = ["..", "../x", "x/..", "x/../y", "//../x"];
    check(Grammar::NoBacksteps, &["/a/b", "a/b", "..a", "a..", "."], &backsteps);
    check(
        Grammar::AbsolutePath,
        &["/", "/a/b", "/a//b/", "/sys/bus/0000:00", "/with space", "/ünïcode"],
        &["a", "/..", "/a/../b", "./a"],
    );
    check(Grammar::MountPath, &["/", "/var/www//html/", "/a..b"], &["/a:b", "a", "/a/..", "C:\\x"]);
    check(Grammar::DescendingPath, &["a/b", "..data/x", ".", "$(POD)/x"], &["/a", "..", "a/../b"]);
    check(Grammar::VolumeFilePath, &["token", "a/b", ".x"], &["..data", "/a", "a/.."]);
    check(Grammar::PathComponent, &["iqn", "10.0.0.1:3260", "a b"], &["a/b", ".", ".."]);
}

#[test]
fn one_line_text_has_no_controls_and_no_direction_marks() {
    check(
        Grammar::OneLine,
        &["/srv/my app", "profil-é"],
        &["a\rb", "a\u{85}b", "a\u{2028}b", "a\u{2066}b", "a\tb"],
    );
    assert!(!Grammar::OneLine.matches(&"a".repeat(4097)), "longer than any path");
}

#[test]
fn the_kind_and_version_of_a_pod_are_exact() {
    check(Grammar::PodKind, &["Pod"], &["pod", "PodList", "Pods"]);
    check(Grammar::CoreVersion, &["v1"], &["V1", "v1beta1", "core/v1"]);
}
