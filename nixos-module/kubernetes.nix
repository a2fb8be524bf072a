# The kubelet of services.kubernetes behind the proxy, which alone holds the node's key.
#
# The kubelet gets a certificate that is good for the proxy and for nothing else: it is signed by an
# authority that was made on this node for this purpose and whose key was never written. Its own way to
# the API server is closed as well (kubelet-lockout.nix).
{
  config,
  lib,
  ...
}: let
  inherit (lib) mkDefault mkIf mkOption types;
  cfg = config.services.kubelet-proxy;
  inherit (config.services) kubernetes;
  inherit (kubernetes.kubelet) hostname;
  pki = "/var/lib/kubelet-proxy-pki";
in {
  options.services.kubelet-proxy.kubernetes = {
    enable = mkOption {
      type = types.bool;
      default = false;
      description = ''
        Whether to put the kubelet of {option}`services.kubernetes` behind the proxy. The proxy needs the
        node's certificate and key: {option}`services.kubelet-proxy.upstream.certFile` and `keyFile`, which
        {option}`services.kubernetes.easyCerts` sets.
      '';
    };

    blockDirectWay = mkOption {
      type = types.bool;
      default = true;
      description = ''
        Whether the kubelet's own connections to the API server's port are rejected by nftables, by the
        control group it runs in and at every address. The kubelet does not start without these rules.
      '';
    };
  };

  config = mkIf (cfg.enable && cfg.kubernetes.enable) {
    services.kubernetes.kubelet = {
      kubeconfig = {
        server = "https://${cfg.listenAddress}";
        caFile = "${pki}/serving-ca.crt";
        certFile = "${pki}/kubelet.crt";
        keyFile = "${pki}/kubelet.key";
      };
      extraConfig = {
        staticPodPath = "";
        staticPodURL = "";
        readOnlyPort = 0;
        enableDebuggingHandlers = cfg.kubeletApi.debuggingHandlers;
      };
    };

    services.kubelet-proxy = {
      clientName = mkDefault "system:node:${hostname}";
      upstream = {
        server = mkDefault kubernetes.apiserverAddress;
        caFile = mkIf (kubernetes.caFile != null) (mkDefault kubernetes.caFile);
        certFile = mkIf kubernetes.easyCerts (mkDefault kubernetes.pki.certs.kubeletClient.cert);
        keyFile = mkIf kubernetes.easyCerts (mkDefault kubernetes.pki.certs.kubeletClient.key);
      };
      credentials = {
        "serving.crt" = mkDefault "${pki}/serving.crt";
        "serving.key" = mkDefault "${pki}/serving.key";
        "client-ca.crt" = mkDefault "${pki}/client-ca.crt";
      };
    };

    systemd.services = {
      kubelet-proxy-pki = {
        description = "Certificates with which kubelet and kubelet-proxy know each other";
        before = ["kubelet-proxy.service" "kubelet.service"];
        requiredBy = ["kubelet.service"];
        # Those of a node stay until somebody removes them: they are valid for ten years. Without the
        # kubelet's key an earlier run was interrupted, and what it left is made anew (--force).
        unitConfig.ConditionPathExists = "!${pki}/kubelet.key";
        serviceConfig =
          import ./hardening.nix
          // {
            Type = "oneshot";
            RemainAfterExit = true;
            # Root's, since the kubelet reads them as root.
            DynamicUser = false;
            StateDirectory = "kubelet-proxy-pki";
            StateDirectoryMode = "0700";
            PrivateNetwork = true;
            RestrictAddressFamilies = "none";
            ExecStart = "${lib.getExe cfg.package} gen-certificates --force --node-name ${hostname} --directory ${pki}";
          };
      };

      kubelet = {
        requires = ["kubelet-proxy.socket"];
        after = ["kubelet-proxy.socket"];
      };
    };
  };
}
