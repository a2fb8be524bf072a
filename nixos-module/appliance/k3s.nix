# k3s on an image: what it must write is under /var, and its token comes from outside the image.
{
  config,
  lib,
  ...
}: let
  inherit (config.services.k3s) enable role;
  token = "nodeward.k3s-token";
in {
  config = lib.mkIf enable {
    services.k3s.tokenFile = lib.mkIf (role == "agent") (lib.mkDefault "/run/credentials/k3s.service/${token}");

    systemd.services.k3s = {
      # From the hypervisor (SMBIOS) or, encrypted to this TPM, from the boot partition.
      serviceConfig.ImportCredential = lib.mkIf (role == "agent") token;
      requires = ["etc-rancher.mount"];
      after = ["etc-rancher.mount"];
    };

    # k3s keeps the node's password in /etc/rancher, which is read-only with the rest of /etc.
    environment.etc."rancher/README".text = "See /var/lib/rancher/etc.\n";
    systemd.tmpfiles.rules = ["d /var/lib/rancher/etc 0700 root root -"];
    systemd.mounts = [
      {
        what = "/var/lib/rancher/etc";
        where = "/etc/rancher";
        type = "none";
        options = "bind";
        after = ["systemd-tmpfiles-setup.service"];
        requires = ["systemd-tmpfiles-setup.service"];
        unitConfig.RequiresMountsFor = "/var";
      }
    ];
  };
}
