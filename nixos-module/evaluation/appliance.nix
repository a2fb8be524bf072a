# Cases about the image.
{lib}: let
  node.imports = [../appliance.nix ../appliance/example.nix];
  but = more: {module.imports = [node more];};
  updates = settings: but {nodeward.appliance.updates = settings;};
in {
  appliance = {
    module = node;
    holds = {
      "the policy is the image's" = config: config.services.kubelet-proxy.immutablePolicy;
      "nothing in /etc can be written" = config: config.system.etc.overlay.enable && !config.system.etc.overlay.mutable;
      "a boot is good only if the proxy enforces" = config: config.systemd.services.kubelet-proxy-self-test.requiredBy == ["boot-complete.target"];
      "a boot that is not good ends" = config: config.systemd.targets.boot-complete.unitConfig.JobTimeoutAction == "reboot";
      "/var is encrypted to the TPM" = config: config.systemd.repart.partitions."30-var".Encrypt == "tpm2";
      "there are two slots" = config: lib.length (lib.filter (it: lib.hasPrefix "usr" it.Type) (lib.attrValues config.systemd.repart.partitions)) == 4;
      "nobody can log in" = config: !config.services.openssh.enable && !config.systemd.services."getty@".enable;
    };
  };
  appliance-with-updates =
    updates {
      url = "https://images.example/";
      keyring = ./appliance.nix;
    }
    // {
      holds."only what is signed is written" = config: lib.all (transfer: transfer.Transfer.Verify) (lib.attrValues config.systemd.sysupdate.transfers);
      holds."a new version is on trial" = config: config.systemd.sysupdate.transfers."30-uki".Target.TriesLeft == 3;
    };

  appliance-with-the-units-of-tpm2 =
    but {systemd.additionalUpstreamSystemUnits = ["systemd-pcrextend.socket" "systemd-pcrextend@.service"];}
    // {
      holds."no unit is named twice" = config: lib.allUnique config.systemd.additionalUpstreamSystemUnits;
    };

  appliance-unsigned-updates = updates {url = "https://images.example/";} // {refusal = "give the key that signs SHA256SUMS";};
  appliance-without-version = but {system.image.version = lib.mkForce null;} // {refusal = "set system.image.id and system.image.version";};
  appliance-long-version = but {system.image.version = "2026.11.21.a.very.long.version";} // {refusal = "at most 27 characters";};
  appliance-with-logins = but {services.openssh.enable = true;} // {warning = "leave it off on appliances";};
  appliance-with-other-policies = but {services.kubelet-proxy.immutablePolicy = false;} // {warning = "another policy than the image's";};
}
