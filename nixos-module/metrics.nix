# Who may look at the proxy. It serves metrics on a unix socket only, and its sandbox lets it bind
# nothing: for scrapers on the network, a unit of its own passes their connections to that socket.
{
  config,
  lib,
  ...
}: let
  inherit (lib) mkIf mkOption types;
  cfg = config.services.kubelet-proxy;
  adminSocket = "/run/kubelet-proxy/admin.sock";
in {
  options.services.kubelet-proxy.metrics = {
    listenAddress = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "127.0.0.1:9448";
      description = ''
        Where metrics, health and status are served over plain HTTP, besides {file}`${adminSocket}`. By
        default nowhere. Nobody is asked who he is there; what is told names no pod, but the policy's
        rules.
      '';
    };

    readers = mkOption {
      type = types.listOf types.str;
      default = [];
      example = ["telegraf"];
      description = "Users that may use {file}`${adminSocket}`, besides root.";
    };
  };

  config = mkIf cfg.enable {
    users.groups.kubelet-proxy-admin.members = cfg.metrics.readers;

    systemd.sockets.kubelet-proxy-metrics = mkIf (cfg.metrics.listenAddress != null) {
      description = "Metrics of kubelet-proxy for scrapers";
      wantedBy = ["sockets.target"];
      listenStreams = [cfg.metrics.listenAddress];
    };

    systemd.services.kubelet-proxy-metrics = mkIf (cfg.metrics.listenAddress != null) {
      description = "Passes scrapers' connections to kubelet-proxy";
      requires = ["kubelet-proxy-metrics.socket" "kubelet-proxy-admin.socket"];
      after = ["kubelet-proxy-metrics.socket" "kubelet-proxy-admin.socket"];
      serviceConfig =
        import ./hardening.nix
        // {
          Type = "notify";
          ExecStart = "${config.systemd.package}/lib/systemd/systemd-socket-proxyd --exit-idle-time=5min ${adminSocket}";
          SupplementaryGroups = ["kubelet-proxy-admin"];
          RestrictAddressFamilies = ["AF_UNIX" "AF_INET" "AF_INET6"];
          # The scraper's socket is passed in; nothing else on the network is its business.
          SocketBindDeny = "any";
        };
    };
  };
}
