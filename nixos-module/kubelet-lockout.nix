# Closes the kubelet's own way to the API server, by the control group it runs in: kubelet and proxy can
# have the same addresses, and the kubelet is root, so that neither address nor user tells them apart.
#
# The group is a slice that holds nothing but the kubelet. nftables knows a group by its number, and a
# service has a new one at each start; the slice keeps its own while the rules are loaded, since the
# unit that loads them requires it. The kubelet requires that unit: no rules, no kubelet.
{
  config,
  lib,
  pkgs,
  ...
}: let
  inherit (lib) mkForce mkIf;
  cfg = config.services.kubelet-proxy;
  slice = "proxiedkubelet.slice";
  table = "kubelet_proxy_lockout";

  authority = lib.head (lib.splitString "/" (lib.removePrefix "https://" (toString cfg.upstream.server)));
  written = builtins.match ".*:([0-9]+)" authority;
  port =
    if written == null
    then "443"
    else lib.head written;

  rules = pkgs.writeText "kubelet-lockout.nft" ''
    define slice = "${slice}"
    define port = ${port}
    include "${./kubelet-lockout.nft}"
  '';
in {
  config = mkIf (cfg.enable && cfg.kubernetes.enable && cfg.kubernetes.blockDirectWay) {
    assertions = [
      {
        assertion = cfg.upstream.server != null;
        message = "services.kubelet-proxy.kubernetes.blockDirectWay: which port to close is not known; set services.kubelet-proxy.upstream.server";
      }
      {
        # The port is closed at every address, the proxy's too.
        assertion = !lib.hasSuffix ":${port}" cfg.listenAddress;
        message = "services.kubelet-proxy.listenAddress: port ${port} is the API server's, which the kubelet cannot reach; listen on another port";
      }
      {
        assertion = !(config.networking.nftables.enable && config.networking.nftables.flushRuleset);
        message = "networking.nftables.flushRuleset: it would flush the rules that close the kubelet's way to the API server; set it to false and use networking.nftables.tables";
      }
    ];

    systemd.slices.proxiedkubelet.description = "The kubelet, which has no way of its own to the API server";

    systemd.services = {
      kubelet-lockout = {
        description = "Rules that keep the kubelet from the API server";
        requires = [slice];
        after = [slice "nftables.service"];
        before = ["kubelet.service"];
        requiredBy = ["kubelet.service"];
        serviceConfig = {
          Type = "oneshot";
          RemainAfterExit = true;
          ExecStart = "${lib.getExe pkgs.nftables} -f ${rules}";
          ExecStop = "${lib.getExe pkgs.nftables} delete table inet ${table}";
          CapabilityBoundingSet = "CAP_NET_ADMIN";
          NoNewPrivileges = true;
          ProtectSystem = "strict";
          ProtectHome = true;
          PrivateTmp = true;
        };
      };

      kubelet.serviceConfig.Slice = mkForce slice;
    };
  };
}
