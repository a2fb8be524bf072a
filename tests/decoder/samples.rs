//! Values that documents are made of: tame ones for each kind, first the plainest, and bad ones.

use nodeward::kube_wire::grammar::Grammar;
use nodeward::kube_wire::schema::Shape;

/// Texts of a grammar.
pub(crate) fn of(grammar: Grammar) -> &'static [&'static str] {
    match grammar {
        Grammar::DnsLabel => &["a", "kube-system", "0--9"],
        Grammar::DnsSubdomain => &["a", "web-0.example.com", "1.2.3.4"],
        Grammar::Uuid => &["12345678-90ab-cdef-0123-456789abcdef"],
        Grammar::SearchDomain => &[".", "svc.cluster.local.", "_tcp.x"],
        Grammar::ResolverOptionValue => &["", "5"],
        Grammar::IpAddress => &["10.0.0.1", "::1", "::ffff:1.2.3.4"],
        Grammar::ClusterIp => &["None", "10.0.0.1", ""],
        Grammar::Protocol => &["TCP", "SCTP"],
        Grammar::PortName => &["http", "a-1"],
        Grammar::CsiDriver => &["ebs.csi.aws.com", "X.y"],
        Grammar::FlexDriver => &["nfs", "k8s/nfs"],
        Grammar::ObjectName => &["a", "system:ca", "My_Secret"],
        Grammar::EnvName => &["PATH", "a b", "x\"y"],
        Grammar::HeaderName => &["X-Probe"],
        Grammar::SysctlName => &["kernel.shm_rmid_forced", "net/ipv4/ip_forward"],
        Grammar::SelinuxPart => &["s0:c1,c2", "system_u"],
        Grammar::FilesystemType => &["ext4", ""],
        Grammar::Token => &["a/b:1", "r.example:5000/a/b@sha256:00", "<&>\\\""],
        Grammar::OneLine => &["/srv/app", "ü 日本 🦀", "<script>"],
        Grammar::PathComponent => &["eth0", "10.0.0.1:3260"],
        Grammar::NoBacksteps => &["iqn.2001-04.com.example:a", "/a/b", "..a"],
        Grammar::AbsolutePath => &["/", "/dev/0000:00", "/a//b/"],
        Grammar::MountPath => &["/", "/data", "/ü//b/"],
        Grammar::DescendingPath => &["a/b", "$(POD)/x", "."],
        Grammar::VolumeFilePath => &["token", "a/b"],
        Grammar::PodKind => &["Pod"],
        Grammar::CoreVersion => &["v1"],
        // No field of a pod has one of its own.
        Grammar::Exactly(text) => std::slice::from_ref(Box::leak(Box::new(text))),
    }
}

pub(crate) const TEXTS: [&str; 9] = [
    "",
    "a",
    "line\nfeed\tand\u{1}control\u{0}",
    "quotes \" and \\ and /",
    "<html> & \u{2028}",
    "ünï日本\u{10ffff}🦀",
    "\u{fffd}\u{feff}\u{7f}",
    "true",
    "null",
];

/// Keys of string maps: any text, also those that differ only in case.
pub(crate) const KEYS: [&str; 8] =
    ["a", "A", "cpu", "memory", "", "x/y.z", "kind", "\u{212a}ind\n"];

pub(crate) const TIMES: [&str; 5] = [
    "2026-11-21T08:00:00Z",
    "2026-11-21T08:00:00.123456789+01:00",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "2024-02-29T23:59:59-11:30",
];

pub(crate) const INT32S: [&str; 6] = ["0", "1", "-1", "2147483647", "-2147483648", "-0"];

pub(crate) const INT64S: [&str; 6] =
    ["0", "1", "-1", "9223372036854775807", "-9223372036854775808", "9007199254740993"];

pub(crate) const QUANTITIES: [&str; 14] = [
    "\"1\"",
    "\"100m\"",
    "\"1.5Gi\"",
    "\"1e3\"",
    "\"-0.000000001\"",
    "\"9223372036854775807\"",
    "\"+12E-6\"",
    "\"0Ei\"",
    "1",
    "0.5",
    "1e3",
    "-0",
    "1E+2",
    "1.50",
];

pub(crate) const INTS_OR_STRINGS: [&str; 5] = ["0", "8080", "-1", "\"http\"", "\"50%\""];

pub(crate) const FREE_OBJECTS: [&str; 3] = [
    "{}",
    r#"{"f:metadata":{"f:labels":{".":{},"f:app":{}}}}"#,
    r#"{"b":[null,1.5e3,"x"],"a":{}}"#,
];

/// In place of any value.
pub(crate) const REPLACEMENTS: &[&str] = &[
    "null",
    "true",
    "0",
    "1.5",
    "1e999",
    "01",
    "NaN",
    "\"\"",
    "\"a\"",
    "[]",
    "[null]",
    "[{}]",
    "{}",
    "{\"a\":null}",
    "{\"a\":1,\"a\":2}",
];

/// What is almost a value of the shape, or one that Go reads in its own way.
pub(crate) fn near_misses(shape: &Shape) -> &'static [&'static str] {
    match shape {
        Shape::Text => &["null", "1", "true", "\"\"", "\"\\u0000\""],
        Shape::Named(_) => {
            &["\"\"", "\"..\"", "\"a/../../b\"", "\"a\\nb\"", "\"A_\"", "\"/\"", "null"]
        }
        Shape::Bool => &["\"true\"", "1", "null", "\"\"", "True"],
        Shape::Int32 => &["2147483648", "-2147483649", "1.0", "1e3", "\"1\"", "0e0", "null", "00"],
        Shape::Int64 => &[
            "9223372036854775808",
            "-9223372036854775809",
            "1.0",
            "1E3",
            "\"1\"",
            "-0",
            "null",
            "+1",
        ],
        Shape::Quantity => &[
            "\"1 Gi\"",
            "\".5\"",
            "\"5.\"",
            "\"1e100\"",
            "\"1K\"",
            "\"\"",
            "null",
            "1e19",
            "1e-30",
            "\"1mi\"",
            "\"0x1\"",
            "true",
        ],
        Shape::IntOrString => &["2147483648", "1.0", "1e3", "true", "null", "\"\"", "{}"],
        Shape::Time => &[
            "\"2026-11-21\"",
            "\"2026-11-21T08:00:00\"",
            "\"2026-11-21t08:00:00z\"",
            "\"\"",
            "0",
            "null",
            "\"2026-02-30T08:00:00Z\"",
            "\"2026-11-21T08:00:60Z\"",
            "\"2026-11-21T8:00:00Z\"",
            "\"2026-11-21T08:00:00,5Z\"",
            "\"2026-11-21T08:00:00+24:00\"",
        ],
        Shape::Object(_) => &["null", "[]", "[{}]", "\"\"", "{}"],
        Shape::List(_) => &["null", "{}", "[null]", "[]", "\"a\"", "[[]]"],
        Shape::Map(_) => &["null", "[]", "{\"a\":null}", "{\"a\":\"1\",\"a\":\"2\"}", "{\"a\":{}}"],
        Shape::Free => &["null", "[]", "\"\"", "{\"a\":1,\"a\":2}", "{\"a\":1e999}"],
    }
}

/// Members that do not belong where they are written.
pub(crate) const INTRUDERS: [&str; 13] = [
    r#""unknown":1"#,
    r#""unknown":1e999"#,
    r#""unknown":{"a":1,"a":2,"A":[[[[[]]]]]}"#,
    r#""hostPID":true"#,
    r#""HostPID":true"#,
    r#""h\u006fstPID":true"#,
    r#""KIND":"Status""#,
    r#""kind":"Status""#,
    r#""spec":null"#,
    r#""":0"#,
    r#""securityContext":{"privileged":true}"#,
    r#""status":{"phase":"Failed"}"#,
    r#""annotations":{"a":"1","a":"2"}"#,
];

/// Parts that strings must not or need not have.
pub(crate) const BAD_STRING_PARTS: [&str; 8] =
    ["x", "\\ud800", "\\udc00\\ud800", "\\x", "\n", "\u{7f}", "\\u12", "\\u0000"];

/// What follows a document.
pub(crate) const TRAILERS: [&str; 5] = [" \n", "}", "{}", "\u{0}", ",null"];
