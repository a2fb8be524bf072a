# What would make the proxy's own unit another than the package ships, refused or warned of.
{
  config,
  lib,
  ...
}: let
  cfg = config.services.kubelet-proxy;
  unit = config.systemd.services.kubelet-proxy;
  refuse = assertion: message: {inherit assertion message;};

  # Ways to a flag that nobody looked at: the unit takes further flags from a variable.
  environments = lib.intersectLists ["Environment" "EnvironmentFile" "PassEnvironment" "UnsetEnvironment"] (lib.attrNames unit.serviceConfig);

  # What a drop-in may say without making the service less confined than it is shipped.
  harmless = ["IPAddressAllow" "LoadCredential" "LoadCredentialEncrypted" "RefreshOnReload" "Sockets"];
  overridden = lib.subtractLists harmless (lib.attrNames unit.serviceConfig);
in {
  config = lib.mkIf cfg.enable {
    assertions = [
      (refuse (!unit.serviceConfig ? ExecStart)
        "systemd.services.kubelet-proxy.serviceConfig.ExecStart: replaces the command line that enforces; use services.kubelet-proxy.settings")
      (refuse (unit.environment.KUBELET_PROXY_FLAGS or null == import ./proxy-flags.nix {inherit cfg lib;})
        "systemd.services.kubelet-proxy.environment.KUBELET_PROXY_FLAGS: these flags are not checked; use services.kubelet-proxy.settings")
      (refuse (environments == [])
        "systemd.services.kubelet-proxy.serviceConfig: ${toString environments} can bring flags that are not checked; use services.kubelet-proxy.settings")
    ];

    warnings =
      lib.optional (overridden != [])
      "systemd.services.kubelet-proxy.serviceConfig: ${toString overridden} override what the package ships; check with: systemd-analyze security kubelet-proxy";
  };
}
