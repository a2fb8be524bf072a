# How the proxy reaches the API server: a kubeconfig of the operator's, or one that is made here. The
# latter holds no secret, only names of credentials beside it.
{
  config,
  lib,
  pkgs,
  ...
}: let
  inherit (lib) mkIf mkOption types;
  cfg = config.services.kubelet-proxy;
  inherit (cfg) upstream;

  user =
    if upstream.tokenFile != null
    then {inherit (upstream) tokenFile;}
    else {
      client-certificate = "node.crt";
      client-key = "node.key";
    };

  kubeconfig = (pkgs.formats.json {}).generate "upstream.kubeconfig" {
    apiVersion = "v1";
    kind = "Config";
    clusters = [
      {
        name = "upstream";
        cluster = {
          inherit (upstream) server;
          certificate-authority = "upstream-ca.crt";
        };
      }
    ];
    users = [
      {
        name = "node";
        inherit user;
      }
    ];
    contexts = [
      {
        name = "upstream";
        context = {
          cluster = "upstream";
          user = "node";
        };
      }
    ];
    current-context = "upstream";
  };

  file = description:
    mkOption {
      type = types.nullOr types.path;
      default = null;
      inherit description;
    };
in {
  options.services.kubelet-proxy.upstream = {
    server = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "https://192.0.2.10:6443";
      description = ''
        URL of the API server. With it a kubeconfig is made of the files below; set either this or
        {option}`services.kubelet-proxy.upstream.kubeconfig`.
      '';
    };

    kubeconfig = file ''
      A kubeconfig for the API server with the node's credentials, as a quoted path. Certificates and keys
      must be inside it, or beside it as `node.crt`, `node.key` and `upstream-ca.crt`.
    '';

    caFile = file "CA that signed the API server's certificate, PEM.";
    certFile = file "The node's certificate, PEM.";
    keyFile = file "Key of the node's certificate, PEM, as a quoted path.";

    tokenFile = file ''
      File with the node's bearer token, in place of certificate and key. The service must be able to read
      it.
    '';

    tokenPlugin = file ''
      A kubeconfig whose user has an exec credential plugin, as a quoted path. Plugins cannot run in the
      proxy's sandbox: a unit of its own runs this one and keeps its token where the proxy reads it.
    '';

    allowedAddresses = mkOption {
      type = types.listOf types.str;
      default = [];
      example = ["192.0.2.10" "2001:db8::/64"];
      description = ''
        Addresses of the API server, if it is not on this machine. Besides these the service can reach
        loopback, and nothing else (`IPAddressAllow=`).
      '';
    };
  };

  config = mkIf cfg.enable {
    services.kubelet-proxy.upstream.tokenFile = mkIf (upstream.tokenPlugin != null) (lib.mkDefault "/run/kubelet-proxy-token/token");
    systemd.services.kubelet-proxy-token = mkIf (upstream.tokenPlugin != null) {
      wantedBy = ["kubelet-proxy.service"];
      serviceConfig.LoadCredential = ["kubeconfig:${upstream.tokenPlugin}"];
    };

    services.kubelet-proxy.credentials = lib.filterAttrs (_: path: path != null) {
      kubeconfig =
        if upstream.server != null
        then kubeconfig
        else upstream.kubeconfig;
      "upstream-ca.crt" = upstream.caFile;
      "node.crt" = upstream.certFile;
      "node.key" = upstream.keyFile;
    };
  };
}
