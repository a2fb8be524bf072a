# The image boots from its own disk: the store from dm-verity, /var encrypted to the TPM, and nothing of
# the system can be written.
{applianceModule, ...}: {
  nodes.machine.imports = [applianceModule ./nodes/appliance.nix];

  testScript = {nodes, ...}:
    import ./nodes/appliance-disk.nix {node = nodes.machine;}
    + ''
      machine.wait_for_unit("multi-user.target")

      with subtest("the store is verified, the root is in memory"):
          assert "ACTIVE" in machine.succeed("dmsetup info --target verity usr")
          machine.succeed("test $(findmnt --noheadings --output SOURCE --target /nix/store | cut -d[ -f1) = /dev/mapper/usr")
          machine.succeed("findmnt --types tmpfs /")

      with subtest("nothing of the system can be written"):
          for path in ["/nix/store", "/usr", "/etc", "/etc/kubelet-proxy"]:
              machine.fail(f"touch {path}/written")

      with subtest("/var is encrypted to the TPM"):
          assert "tpm2" in machine.succeed("cryptsetup luksDump /dev/disk/by-partlabel/var")

      with subtest("the self-test finds that without a cluster nothing enforces"):
          status, said = machine.execute("${nodes.machine.systemd.services.kubelet-proxy-self-test.serviceConfig.ExecStart} 2>&1")
          assert status == 1 and "the proxy does not enforce yet" in said, said

      with subtest("policy and binary are measured"):
          machine.succeed("systemctl start kubelet-proxy-measure.service")
          assert machine.succeed("systemctl show --property=ConditionResult --value kubelet-proxy-measure").strip() == "yes"

      with subtest("nobody can log in"):
          machine.fail("systemctl is-active getty@tty1.service")
          machine.fail("systemctl is-active sshd.service")
    '';
}
