//! The unit files, judged by the systemd that they are written for: 257, from Debian trixie.
//!
//! Nothing is started here; `tests/systemd_guest.rs` does that. Needs root, to enter the other system.

#![expect(clippy::unwrap_used, reason = "test code, which clippy recognises only in unit tests")]

mod support;

use std::collections::BTreeSet;
use std::fs::read_to_string;
use std::path::Path;

use nodeward::audit::call_record::CALL_MESSAGE_ID;
use nodeward::audit::object_record::WITHHELD_MESSAGE_ID;
use nodeward::audit::record::{
    ADMISSION_MESSAGE_ID, DENIAL_MESSAGE_ID, EXCEPTION_MESSAGE_ID, OBSERVATION_MESSAGE_ID,
};

use support::guest::analysis::Analysis;

/// Where the units are, in this repository.
const UNITS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/units");

/// Tenths of what `systemd-analyze security` says of each on 257. The limit for the first is 10.
const EXPOSURES: [(&str, u8); 4] = [
    ("kubelet-proxy.service", 10),
    ("kubelet-proxy-token.service", 11),
    ("kubelet-proxy-measure.service", 5),
    ("kubelet-proxy-credentials.service", 5),
];

fn analysis() -> Analysis {
    Analysis::with_units(Path::new(env!("CARGO_BIN_EXE_kubelet-proxy")))
}

fn unit(name: &str) -> String {
    read_to_string(Path::new(UNITS).join(name)).unwrap()
}

/// The values of a key, in order; units here do not continue such lines.
fn values<'a>(unit: &'a str, key: &str) -> Vec<&'a str> {
    let values = unit.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    values.collect()
}

#[test]
fn no_service_is_more_exposed_than_measured() {
    let analysis = analysis();
    for (service, tenths) in EXPOSURES {
        let judged = analysis.run(
            &["systemd-analyze", "security", "--offline=true"],
            &[&format!("--threshold={tenths}"), service],
        );
        assert!(judged.status.success(), "{service}: {}", judged.text);
    }
}

#[test]
fn a_directive_less_would_be_noticed() {
    let analysis = analysis();
    analysis.drop_in("kubelet-proxy.service", "[Service]\nPrivateUsers=no\n");
    let judged = analysis.run(
        &["systemd-analyze", "security", "--offline=true"],
        &["--threshold=10", "kubelet-proxy.service"],
    );
    assert!(!judged.status.success(), "{}", judged.text);
}

#[test]
fn systemd_finds_no_fault_in_any_unit() {
    let analysis = analysis();
    let names = analysis.units();
    assert_eq!(names.len(), 7, "{names:?}");
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let judged = analysis.run(&["systemd-analyze", "verify", "--man=no"], &names);
    assert!(judged.status.success() && judged.text.is_empty(), "{}", judged.text);
}

#[test]
fn a_faulty_unit_would_be_noticed() {
    let analysis = analysis();
    analysis.drop_in("kubelet-proxy.service", "[Service]\nProtectEverything=yes\n");
    let judged =
        analysis.run(&["systemd-analyze", "verify", "--man=no"], &["kubelet-proxy.service"]);
    assert!(judged.text.contains("ProtectEverything"), "{}", judged.text);
}

/// `journalctl -x` has something to say about every kind of record, and nothing is said of others.
#[test]
fn every_kind_of_record_is_in_the_catalog() {
    let catalog = unit("kubelet-proxy.catalog");
    let told: BTreeSet<&str> =
        catalog.lines().filter_map(|line| line.strip_prefix("-- ")).collect();
    let kinds = [
        DENIAL_MESSAGE_ID,
        ADMISSION_MESSAGE_ID,
        OBSERVATION_MESSAGE_ID,
        EXCEPTION_MESSAGE_ID,
        WITHHELD_MESSAGE_ID,
        CALL_MESSAGE_ID,
    ];
    assert_eq!(told, BTreeSet::from(kinds));
    let pages = [
        include_str!("../docs/reference/decision-record.md"),
        include_str!("../docs/reference/kubelet-api-record.md"),
    ];
    let fields = catalog.split('@').skip(1).step_by(2);
    for field in fields.map(|field| field.strip_prefix("KP_").unwrap().to_lowercase()) {
        let row = format!("| `{field}` |");
        assert!(pages.iter().any(|page| page.contains(&row)), "{field} is no field of a record");
    }
    let analysis = analysis();
    analysis.add("usr/lib/systemd/catalog/kubelet-proxy.catalog", &catalog);
    let script = "journalctl --update-catalog && journalctl --dump-catalog \"$@\"";
    let dumped = analysis.run(&["sh", "-euc", script, "sh"], &[DENIAL_MESSAGE_ID]);
    assert!(dumped.text.contains("Subject: Pod @KP_NAMESPACE@/@KP_POD@"), "{}", dumped.text);
}

#[test]
fn every_credential_that_is_loaded_is_watched() {
    let service = unit("kubelet-proxy.service");
    let loaded: BTreeSet<&str> = values(&service, "LoadCredential")
        .into_iter()
        .map(|credential| credential.split_once(':').unwrap().1)
        .collect();
    let path = unit("kubelet-proxy-credential@.path");
    let [watched] = values(&path, "PathChanged")[..] else { panic!("one path an instance") };
    let instances = values(&service, "Wants").into_iter();
    let names = instances.filter_map(|unit| unit.strip_prefix("kubelet-proxy-credential@"));
    let watched: BTreeSet<String> =
        names.map(|name| watched.replace("%i", name.strip_suffix(".path").unwrap())).collect();
    assert_eq!(loaded, watched.iter().map(String::as_str).collect());
    assert!(loaded.len() > 5, "{loaded:?}");
}

/// A socket passed under a name that the program does not know would keep it from starting.
#[test]
fn the_sockets_have_the_names_and_addresses_of_the_reference() {
    let kubelet = unit("kubelet-proxy.socket");
    assert_eq!(values(&kubelet, "FileDescriptorName"), ["kubelet"]);
    assert_eq!(values(&kubelet, "ListenStream"), ["127.0.0.1:6448"]);
    let admin = unit("kubelet-proxy-admin.socket");
    assert_eq!(values(&admin, "FileDescriptorName"), ["admin"]);
    assert_eq!(values(&admin, "ListenStream"), ["/run/kubelet-proxy/admin.sock"]);
    // Either would take its socket down for good once kubelets have tried often enough.
    for socket in [kubelet, admin] {
        assert_eq!(values(&socket, "TriggerLimitIntervalSec"), ["0"]);
    }
    assert_eq!(values(&unit("kubelet-proxy.service"), "StartLimitIntervalSec"), ["0"]);
}

#[test]
fn every_group_that_a_unit_names_is_made() {
    let made = unit("kubelet-proxy.sysusers");
    let made: BTreeSet<&str> =
        made.lines().filter_map(|line| line.strip_prefix("g ")?.split(' ').next()).collect();
    let service = unit("kubelet-proxy.service");
    let used = values(&service, "SupplementaryGroups").into_iter().flat_map(str::split_whitespace);
    assert_eq!(made, used.collect());
    assert!(made.contains(values(&unit("kubelet-proxy-admin.socket"), "SocketGroup")[0]));
    assert!(made.contains(values(&unit("kubelet-proxy-token.service"), "Group")[0]));
}
