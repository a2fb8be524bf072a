# The appliance as a machine of a test: booted by firmware from its own image, with a TPM.
{
  config,
  lib,
  ...
}: {
  imports = [../../nixos-module/appliance/example.nix ./local-images.nix];

  virtualisation = {
    directBoot.enable = false;
    mountHostNixStore = false;
    useEFIBoot = true;
    useDefaultFilesystems = false;
    tpm.enable = true;
    memorySize = 2048;
    fileSystems = lib.mkVMOverride (import ../../nixos-module/appliance/filesystems.nix);
  };

  # The driver talks to a shell on a serial line of its own; nobody else can.
  networking.firewall.enable = false;
  services.k3s.extraFlags = ["--pause-image test.local/pause:local" "--flannel-iface eth1"];
  services.k3s.nodeIP = config.networking.primaryIPAddress;
}
