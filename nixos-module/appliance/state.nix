# What survives a boot: the second slot for the system, and /var, made on the disk at the first boot.
#
# /var is encrypted to this machine's TPM. Taken out of the machine, the disk is unreadable. To which
# measurements the key is bound besides is decided where UKIs are signed: systemd binds it to the
# public key for PCR 11 that a UKI brings along (`PCRPKey`), if it does.
{config, ...}: let
  cfg = config.nodeward.appliance;
  # Without an architecture a type is that of the machine it runs on.
  slot = type: size: {
    Type = type;
    SizeMinBytes = size;
    SizeMaxBytes = size;
  };
  # How systemd-sysupdate calls a slot that it may fill.
  free = {Label = "_empty";};
in {
  boot.initrd.systemd.repart = {
    enable = true;
    device = cfg.disk;
  };

  # Matched to the disk by type and order: the first of each type is there already, in the image.
  systemd.repart.partitions = {
    "00-esp".Type = "esp";
    "10-verity-a" = slot "usr-verity" cfg.veritySize;
    "11-verity-b" = slot "usr-verity" cfg.veritySize // free;
    "20-store-a" = slot "usr" cfg.storeSize;
    "21-store-b" = slot "usr" cfg.storeSize // free;
    "30-var" = {
      # Not Type=var: that one is for the machine-id it was made with, and ours is of one boot.
      Type = "linux-generic";
      Label = "var";
      Format = "ext4";
      Encrypt = "tpm2";
      SizeMinBytes = cfg.stateSize;
      # Wiped by `systemd-repart --factory-reset=yes` or the firmware's request.
      FactoryReset = true;
    };
  };

  boot.initrd.systemd.tpm2.enable = true;
  systemd.tpm2.enable = true;

  boot.initrd.luks.devices.var = {
    device = "/dev/disk/by-partlabel/var";
    crypttabExtraOpts = ["tpm2-device=auto" "headless=true"];
  };

  swapDevices = [];
}
