# The disk image: a boot loader, a unified kernel image that holds the root hash of the store, the store,
# and the hashes that every read of it is checked against. The root itself is empty and in memory.
{
  config,
  lib,
  modulesPath,
  pkgs,
  ...
}: let
  inherit (config.image.repart.verityStore) partitionIds;
  inherit (config.system.image) id version;
  inherit (pkgs.stdenv.hostPlatform) efiArch;
  cfg = config.nodeward.appliance;

  fixed = size: {
    SizeMinBytes = size;
    SizeMaxBytes = size;
  };
in {
  imports = ["${modulesPath}/image/repart.nix"];

  assertions = [
    {
      assertion = id != null && version != null;
      message = "system.image: a node tells its versions apart by name; set system.image.id and system.image.version";
    }
    {
      # GPT labels have 36 characters, and the next version must fit as well.
      assertion = lib.stringLength "verity-${toString version}" <= 34;
      message = "system.image.version: too long for the label of a partition; use at most 27 characters";
    }
  ];

  system.image.id = lib.mkDefault "nodeward";

  image.repart = {
    # Each partition as a file of its own too: updates.nix makes an update of them.
    split = true;
    verityStore.enable = true;

    partitions = {
      ${partitionIds.esp} = {
        # The UKI is put beside it by verityStore.
        contents."/EFI/BOOT/BOOT${lib.toUpper efiArch}.EFI".source =
          if cfg.signedBootLoader == null
          then "${config.systemd.package}/lib/systemd/boot/efi/systemd-boot${efiArch}.efi"
          else cfg.signedBootLoader;
        repartConfig =
          fixed "512M"
          // {
            Type = "esp";
            Format = "vfat";
            Label = "esp";
            SplitName = "-";
          };
      };

      # The name has the partition's UUID, which is half of the root hash: by it the kernel's command line
      # finds the partition, so that an update has to carry it along.
      ${partitionIds.store-verity}.repartConfig =
        fixed cfg.veritySize
        // {
          Label = "verity-${toString version}";
          SplitName = "verity.%U";
        };
      ${partitionIds.store}.repartConfig =
        fixed cfg.storeSize
        // {
          Label = "store-${toString version}";
          SplitName = "store.%U";
        };
    };
  };

  # Without a counter in its name: there is nothing to fall back to from the first version, and a node
  # that has not joined yet would start again and again. updates.nix gives every later one its trials.
  boot.uki.name = id;

  # verityStore sets it at priority 99.
  system.build.uki = lib.mkIf (cfg.signedUki != null) (lib.mkOverride 90 (pkgs.runCommand "signed-uki" {} ''
    mkdir $out
    cp ${cfg.signedUki} $out/${config.system.boot.loader.ukiFile}
  ''));

  boot.loader.grub.enable = false;

  fileSystems = import ./filesystems.nix;

  # NixOS would make /usr/bin/env; /usr cannot be written.
  system.activationScripts.usrbinenv = lib.mkForce "";

  system.etc.overlay = {
    enable = true;
    mutable = false;
  };
  # A place for the identity of this boot, which systemd mounts over it.
  environment.etc.machine-id = {
    text = "";
    mode = "0444";
  };
}
