# The next version is written to the slot that does not run, and started at the next boot. An update is
# three files; the UKI comes last, since from then on the next boot would use the other two.
{
  config,
  lib,
  pkgs,
  ...
}: let
  cfg = config.nodeward.appliance;
  inherit (config.system) build;
  inherit (config.system.image) id version;

  from = pattern: {
    Type = "url-file";
    Path = cfg.updates.url;
    MatchPattern = pattern;
  };

  # What runs is never overwritten; what is not signed is never written.
  careful = {
    ProtectVersion = "%A";
    Verify = true;
  };

  partition = name: type: {
    Transfer = careful;
    Source = from "${id}_@v.${name}.@u.raw";
    Target = {
      Type = "partition";
      Path = "auto";
      MatchPattern = "${name}-@v";
      MatchPartitionType = type;
      InstancesMax = 2;
      ReadOnly = 1;
    };
  };

  # This version as an update for others, to be signed and put behind their `url`. The intermediate image
  # is the one whose partitions were made, not copied.
  update = pkgs.runCommand "${id}_${toString version}-update" {} ''
    mkdir $out
    cd $out
    ln --symbolic ${build.intermediateImage}/*.{store,verity}.*.raw .
    ln --symbolic ${build.uki}/*.efi ${id}_${toString version}.efi
    sha256sum * >SHA256SUMS
  '';
in {
  config = lib.mkMerge [
    {system.build = {inherit update;};}
    (lib.mkIf (cfg.updates.url != null) {
      assertions = [
        {
          assertion = cfg.updates.keyring != null;
          message = "nodeward.appliance.updates.keyring: whoever can answer for updates.url could replace the system; give the key that signs SHA256SUMS";
        }
        {
          assertion = lib.hasPrefix "https://" cfg.updates.url || lib.hasPrefix "http://" cfg.updates.url;
          message = "nodeward.appliance.updates.url: give the directory as an https:// address";
        }
      ];

      environment.etc."systemd/import-pubring.gpg".source = lib.mkIf (cfg.updates.keyring != null) cfg.updates.keyring;

      systemd.sysupdate = {
        enable = true;
        reboot.enable = lib.mkDefault true;
        transfers = {
          "10-verity" = partition "verity" "usr-verity";
          "20-store" = partition "store" "usr";
          "30-uki" = {
            Transfer = careful;
            Source = from "${id}_@v.efi";
            Target = {
              Type = "regular-file";
              Path = "/EFI/Linux";
              PathRelativeTo = "boot";
              MatchPattern = "${id}_@v+@l-@d.efi ${id}_@v+@l.efi ${id}_@v.efi";
              Mode = "0444";
              # As a counter in its name: assessment.nix says when it is taken away.
              TriesLeft = 3;
              TriesDone = 0;
              InstancesMax = 2;
            };
          };
        };
      };
    })
  ];
}
