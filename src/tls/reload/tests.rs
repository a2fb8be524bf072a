//! Rotation on disk, step by step, through the sweeps of the follower.

use std::os::unix::fs::symlink;
use std::sync::Mutex;

use super::*;
use crate::tls::test_pki::{Authority, Issued};
use crate::tls::{ClientRule, KeyPair, Material, ServerTls};

struct Disk {
    dir: tempfile::TempDir,
    follower: FileFollower,
    reports: Arc<Mutex<Vec<String>>>,
    server: Arc<ServerTls>,
}

impl Disk {
    fn new(authority: &Authority, issued: &Issued) -> Self {
        let dir = tempfile::tempdir().unwrap();
        write(&dir, "tls.crt", &issued.certificate_pem);
        write(&dir, "tls.key", &issued.key_pem);
        write(&dir, "ca.crt", &authority.certificate_pem);
        let file = |name: &str| Material::File(dir.path().join(name));
        let pair = KeyPair { certificate: file("tls.crt"), key: file("tls.key") };
        let rule = ClientRule { ca: file("ca.crt"), common_names: vec!["kubelet".to_owned()] };
        let server = Arc::new(ServerTls::load(pair, Some(rule)).unwrap());
        let reports = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&reports);
        let mut follower = FileFollower::new(move |report: &ReloadReport<'_>| {
            let text = match report.outcome {
                Ok(()) => format!("{} swapped", report.subject),
                Err(error) => format!("{} kept: {error}", report.subject),
            };
            heard.lock().unwrap().push(text);
        });
        follower.follow(Arc::clone(&server) as Arc<dyn Reload>);
        follower.sweep();
        Self { dir, follower, reports, server }
    }

    fn sweep(&mut self) -> Vec<String> {
        self.follower.sweep();
        std::mem::take(&mut self.reports.lock().unwrap())
    }
}

fn write(dir: &tempfile::TempDir, name: &str, text: &str) {
    fs::write(dir.path().join(name), text).unwrap();
}

#[test]
fn untouched_files_and_files_rewritten_with_the_same_bytes_swap_nothing() {
    let authority = Authority::new("ca");
    let issued = authority.issue("proxy");
    let mut disk = Disk::new(&authority, &issued);
    let first = disk.server.current();
    assert!(disk.sweep().is_empty());
    write(&disk.dir, "tls.crt", &issued.certificate_pem);
    assert!(disk.sweep().is_empty());
    assert!(Arc::ptr_eq(&first, &disk.server.current()));
}

#[test]
fn a_half_written_pair_keeps_the_old_one_and_heals_when_the_key_arrives() {
    let authority = Authority::new("ca");
    let mut disk = Disk::new(&authority, &authority.issue("proxy"));
    let first = disk.server.current();
    let next = authority.issue("proxy");
    write(&disk.dir, "tls.crt", &next.certificate_pem[..200]);
    let reports = disk.sweep();
    assert!(reports[0].contains("tls.crt: not valid PEM"), "{reports:?}");
    write(&disk.dir, "tls.crt", &next.certificate_pem);
    let reports = disk.sweep();
    assert!(reports[0].contains("tls.key: this key does not belong"), "{reports:?}");
    assert!(disk.sweep().is_empty(), "the same failure is told once");
    assert!(Arc::ptr_eq(&first, &disk.server.current()));
    write(&disk.dir, "tls.key", &next.key_pem);
    assert_eq!(disk.sweep(), ["serving-tls swapped"]);
    assert!(!Arc::ptr_eq(&first, &disk.server.current()));
    assert!(disk.sweep().is_empty());
}

#[test]
fn a_new_client_ca_and_a_file_that_vanishes_for_a_while_are_followed() {
    let authority = Authority::new("ca");
    let mut disk = Disk::new(&authority, &authority.issue("proxy"));
    fs::remove_file(disk.dir.path().join("ca.crt")).unwrap();
    let reports = disk.sweep();
    assert!(reports[0].contains("ca.crt: No such file"), "{reports:?}");
    write(&disk.dir, "ca.crt", &Authority::new("next").certificate_pem);
    assert_eq!(disk.sweep(), ["serving-tls swapped"]);
}

#[test]
fn a_symlink_moved_to_another_directory_is_a_change() {
    let authority = Authority::new("ca");
    let dir = tempfile::tempdir().unwrap();
    for name in ["one", "two"] {
        let issued = authority.issue("proxy");
        fs::create_dir(dir.path().join(name)).unwrap();
        write(&dir, &format!("{name}/both.pem"), &(issued.certificate_pem + &issued.key_pem));
    }
    symlink("one", dir.path().join("..data")).unwrap();
    let path = dir.path().join("..data/both.pem");
    let pair = KeyPair { certificate: Material::File(path.clone()), key: Material::File(path) };
    let server = Arc::new(ServerTls::load(pair, None).unwrap());
    let mut follower = FileFollower::new(|_report: &ReloadReport<'_>| {});
    follower.follow(Arc::clone(&server) as Arc<dyn Reload>);
    follower.sweep();
    let first = server.current();
    symlink("two", dir.path().join("..next")).unwrap();
    fs::rename(dir.path().join("..next"), dir.path().join("..data")).unwrap();
    follower.sweep();
    assert!(!Arc::ptr_eq(&first, &server.current()));
}
