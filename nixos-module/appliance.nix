# A node that is one image: nothing on it is installed, nothing can be changed, and it boots only what
# was built. Import it beside the node's own configuration; docs/how-to/appliance.md tells the rest.
#
# Firmware → signed UKI → dm-verity root hash inside it → store → everything that runs. What a node
# keeps of its own is under /var, encrypted to its TPM.
{
  lib,
  modulesPath,
  ...
}: {
  imports = [
    "${modulesPath}/profiles/image-based-appliance.nix"
    "${modulesPath}/profiles/perlless.nix"
    ./default.nix
    ./appliance/options.nix
    ./appliance/image.nix
    ./appliance/state.nix
    ./appliance/updates.nix
    ./appliance/assessment.nix
    ./appliance/measurement.nix
    ./appliance/lockdown.nix
    ./appliance/k3s.nix
  ];

  services.kubelet-proxy = {
    enable = true;
    # The policy is part of the image: another policy is another image.
    immutablePolicy = lib.mkDefault true;
  };
}
