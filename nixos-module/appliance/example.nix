# A flex node as an image: a k3s agent behind the proxy. Yours has your own server, policy, disk and
# keys; the token comes as a credential, docs/how-to/appliance.md.
{
  config,
  lib,
  ...
}: {
  nodeward.appliance.disk = "/dev/vda";
  system.image.version = lib.mkDefault (lib.importTOML ../../Cargo.toml).package.version;
  system.stateVersion = lib.mkDefault "26.05";
  networking.hostName = lib.mkDefault "flex-1";

  services.k3s = {
    enable = true;
    role = "agent";
    serverAddr = lib.mkDefault "https://control-plane:6443";
  };

  services.kubelet-proxy = {
    k3s.enable = true;
    policy = lib.mkDefault "${config.services.kubelet-proxy.package}/share/kubelet-proxy/policies/seed-strict.json";
  };
}
