# Who may use the kubelet's own API: everybody the API server names, nobody, or whom the policy permits.
#
# The guard takes the kubelet's place at the node's address and port, and the kubelet moves to loopback.
# It then knows no authority but that of the guard's certificate: whoever else finds the port is a stranger
# before anybody is asked about him.
{
  config,
  lib,
  ...
}: let
  inherit (lib) mkIf mkOption types;
  cfg = config.services.kubelet-proxy;
  inherit (cfg.kubeletApi) guard;

  word = types.strMatching ''[^[:space:]"'\$%,]+'';
  file = description:
    mkOption {
      type = types.nullOr types.path;
      default = null;
      inherit description;
    };
in {
  options.services.kubelet-proxy.kubeletApi = {
    denyAll = mkOption {
      type = types.bool;
      default = false;
      description = ''
        Whether the kubelet's API serves nobody, whatever the API server says: `kubectl logs` and metrics of
        this node fail as well. The guard permits by policy what this refuses.
      '';
    };

    guard = {
      enable = mkOption {
        type = types.bool;
        default = false;
        description = ''
          Whether the proxy guards the kubelet's own API: exec, attach, port-forward, logs and metrics are
          permitted by the policy (`kubeletApi` and `permit.access` of version 2), or refused. The kubelet
          listens on loopback then. The files below are needed; none of them is made here.
        '';
      };

      listenAddress = mkOption {
        type = types.nullOr types.str;
        default = null;
        example = "192.0.2.20:10250";
        description = "The node's address, where the API server expects the kubelet, and port 10250.";
      };

      callers = mkOption {
        type = types.listOf word;
        default = ["system:kube-apiserver"];
        description = ''
          Common names that callers' certificates may have. The default is that of the API server with k3s
          and with {option}`services.kubernetes.easyCerts`; whoever else reads metrics needs a name here.
        '';
      };

      allowedAddresses = mkOption {
        type = types.listOf types.str;
        default = [];
        example = ["192.0.2.10"];
        description = "Addresses that callers connect from (`IPAddressAllow=`): the API server's, and those of scrapers.";
      };

      callersCaFile = file "CA that signs callers' certificates, PEM: the one of the API server's client certificate for kubelets.";
      certFile = file "Certificate for the node's address, PEM, from the CA that the API server trusts kubelets by.";
      keyFile = file "Key of that certificate, PEM, as a quoted path.";
      kubeletCaFile = file "CA that signed the kubelet's serving certificate, PEM.";
      clientCertFile = file "The guard's own certificate, shown to the kubelet, PEM.";
      clientKeyFile = file "Key of that certificate, PEM, as a quoted path.";
      clientCaFile = file ''
        CA that signed the guard's own certificate, PEM, which the kubelet must be able to read. It is the
        only one that this kubelet takes client certificates of: use one that signs nothing else.
      '';
    };
  };

  config = mkIf (cfg.enable && guard.enable) {
    services.kubelet-proxy = {
      # Without these handlers there is nothing to guard; the guard asks one of them which pods run.
      kubeletApi.debuggingHandlers = lib.mkDefault true;
      credentials = lib.filterAttrs (_: path: path != null) {
        "kubelet-api.crt" = guard.certFile;
        "kubelet-api.key" = guard.keyFile;
        "kubelet-api-clients.crt" = guard.callersCaFile;
        "kubelet-serving-ca.crt" = guard.kubeletCaFile;
        "guard.crt" = guard.clientCertFile;
        "guard.key" = guard.clientKeyFile;
      };
    };

    systemd.sockets.kubelet-proxy-kubelet-api = {
      description = "Socket for callers of the kubelet's API, guarded by kubelet-proxy";
      wantedBy = ["sockets.target"];
      listenStreams = lib.optional (guard.listenAddress != null) guard.listenAddress;
      socketConfig = {
        FileDescriptorName = "kubelet-api";
        Service = "kubelet-proxy.service";
        FreeBind = true;
        NoDelay = true;
        KeepAlive = true;
        TriggerLimitIntervalSec = 0;
      };
    };

    systemd.services.kubelet-proxy = {
      requires = ["kubelet-proxy-kubelet-api.socket"];
      after = ["kubelet-proxy-kubelet-api.socket"];
      serviceConfig = {
        Sockets = ["kubelet-proxy.socket" "kubelet-proxy-admin.socket" "kubelet-proxy-kubelet-api.socket"];
        IPAddressAllow = guard.allowedAddresses;
      };
    };

    services.k3s.extraFlags = mkIf cfg.k3s.enable (
      ["--kubelet-arg=address=127.0.0.1" "--kubelet-arg=client-ca-file=${toString guard.clientCaFile}"]
      # Through its own tunnel a server would come to the kubelet's port on loopback, where nobody but the
      # guard is served. The flag is the server's alone.
      ++ lib.optional (config.services.k3s.role == "server") "--egress-selector-mode=disabled"
    );

    services.kubernetes.kubelet = mkIf cfg.kubernetes.enable {
      address = "127.0.0.1";
      clientCaFile = guard.clientCaFile;
    };
  };
}
