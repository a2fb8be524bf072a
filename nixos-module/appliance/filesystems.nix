# What is mounted where: everything that runs from dm-verity, everything that stays under /var, and
# nothing else lasts longer than a boot.
{
  "/" = {
    device = "tmpfs";
    fsType = "tmpfs";
    options = ["mode=0755" "size=10%" "nosuid" "nodev"];
  };
  "/usr" = {
    device = "/dev/mapper/usr";
    fsType = "erofs";
    options = ["ro" "nodev"];
  };
  "/nix/store" = {
    device = "/usr/nix/store";
    fsType = "none";
    options = ["bind" "ro"];
  };
  # With suid and device files: images of containers have them.
  "/var" = {
    device = "/dev/mapper/var";
    fsType = "ext4";
    neededForBoot = true;
  };
  # Where the boot loader's counters are; mounted when somebody looks.
  "/boot" = {
    device = "/dev/disk/by-partlabel/esp";
    fsType = "vfat";
    options = ["umask=0077" "noauto" "x-systemd.automount" "x-systemd.idle-timeout=2min"];
  };
}
