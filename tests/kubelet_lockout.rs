//! The rules that keep a kubelet from the API server, loaded as the NixOS module loads them.
//!
//! In a network namespace of their own, on the running kernel: a process in the slice is refused, any
//! other gets through, and it stays so when the service's own group goes and comes back. Needs root.

#![expect(clippy::unwrap_used, reason = "test code, which clippy recognises only in unit tests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// The very file that the module includes.
const RULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/nixos-module/kubelet-lockout.nft");

/// Named after this process, so that no other test has it.
fn slice() -> String {
    format!("nodewardtest{}.slice", std::process::id())
}

/// A group of the unified hierarchy, wherever that is mounted. Removed when dropped.
struct Group(PathBuf);

impl Group {
    fn new(name: &str) -> Self {
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
        let mut mounts = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
        let unified = mounts.find(|fields| fields.get(2) == Some(&"cgroup2"));
        let group = Path::new(unified.unwrap().get(1).unwrap()).join(name);
        fs::create_dir_all(group.join("kubelet.service")).unwrap();
        Self(group)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = fs::remove_dir(self.0.join("kubelet.service"));
        let _ = fs::remove_dir(&self.0);
    }
}

/// What is done in the namespaces. Words of its output are compared.
const SCRIPT: &str = r#"
set -eu
# nft looks for groups below /sys/fs/cgroup, wherever this machine has them.
mount --bind "$(dirname "$GROUP")" /sys/fs/cgroup
ip link set lo up
ip address add 192.0.2.1/32 dev lo
try() {
    inside=$1 address=$2
    ( [ "$inside" = no ] || echo "$BASHPID" > "/sys/fs/cgroup/$SLICE/kubelet.service/cgroup.procs"
      if (exec 3<>"/dev/tcp/$address/6443") 2>/dev/null; then echo through; else echo refused; fi )
}
busybox httpd -f -p 6443 >/dev/null 2>&1 &
for _ in $(seq 100); do [ "$(try no 127.0.0.1)" = through ] && break; sleep 0.1; done
echo "before: $(try yes 127.0.0.1)"
nft -f "$DEFINITIONS"
for address in 127.0.0.1 192.0.2.1; do
    echo "$address: slice $(try yes $address), others $(try no $address)"
done
rmdir "/sys/fs/cgroup/$SLICE/kubelet.service"
mkdir "/sys/fs/cgroup/$SLICE/kubelet.service"
echo "restarted: slice $(try yes 127.0.0.1)"
nft -f "$DEFINITIONS"
echo "loaded again: slice $(try yes 127.0.0.1), others $(try no 127.0.0.1)"
kill %1
"#;

#[test]
fn a_process_of_the_slice_is_refused_and_no_other() {
    let directory = TempDir::new().unwrap();
    let group = Group::new(&slice());
    let definitions = directory.path().join("lockout.nft");
    let text = format!("define slice = \"{}\"\ndefine port = 6443\ninclude \"{RULES}\"\n", slice());
    fs::write(&definitions, text).unwrap();
    let output = Command::new("unshare")
        .args(["--net", "--mount", "--pid", "--fork", "--kill-child", "bash", "-c", SCRIPT])
        .env("GROUP", &group.0)
        .env("SLICE", slice())
        .env("DEFINITIONS", &definitions)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{complained}");
    assert_eq!(
        said,
        "before: through\n\
         127.0.0.1: slice refused, others through\n\
         192.0.2.1: slice refused, others through\n\
         restarted: slice refused\n\
         loaded again: slice refused, others through\n",
        "{complained}"
    );
}
