# k3s's kubelet behind the proxy. k3s runs the kubelet inside its own process, and lets flags of the
# kubelet be replaced one by one: its kubeconfig is the one that is replaced here.
#
# No certificate is made. The proxy shows the one that k3s made for the kubelet's port (it names
# 127.0.0.1), knows the kubelet by the one that k3s made for the node, and shows that one upstream.
#
# These files are there only after the node has joined, and k3s joins without its kubelet. So k3s comes
# after the proxy's *socket*: the kubelet's first connection starts the service, when the files are
# there. Ordered after the service, each would wait for the other.
{
  config,
  lib,
  pkgs,
  ...
}: let
  inherit (lib) mkDefault mkIf mkOption types;
  cfg = config.services.kubelet-proxy;
  agent = "${cfg.k3s.dataDir}/agent";

  # A server's own API server, or the load balancer that every agent has on its own machine.
  apiServerPort =
    if config.services.k3s.role == "server"
    then 6443
    else 6444;

  kubeletKubeconfig = (pkgs.formats.json {}).generate "kubelet.kubeconfig" {
    apiVersion = "v1";
    kind = "Config";
    clusters = [
      {
        name = "kubelet-proxy";
        cluster = {
          server = "https://${cfg.listenAddress}";
          certificate-authority = "${agent}/server-ca.crt";
        };
      }
    ];
    users = [
      {
        name = "kubelet";
        user = {
          client-certificate = "${agent}/client-kubelet.crt";
          client-key = "${agent}/client-kubelet.key";
        };
      }
    ];
    contexts = [
      {
        name = "kubelet-proxy";
        context = {
          cluster = "kubelet-proxy";
          user = "kubelet";
        };
      }
    ];
    current-context = "kubelet-proxy";
  };
in {
  options.services.kubelet-proxy.k3s = {
    enable = mkOption {
      type = types.bool;
      default = false;
      description = ''
        Whether to put the kubelet of {option}`services.k3s` behind the proxy. On k3s the kubelet's direct
        way to the API server cannot be closed: one process is the kubelet and everything else that needs
        that way, and holds the node's certificate. What is enforced is what this kubelet is told to run.
      '';
    };

    dataDir = mkOption {
      type = types.path;
      default = "/var/lib/rancher/k3s";
      description = "Where k3s keeps its certificates; `--data-dir` of k3s.";
    };

    trustConfigFiles = mkOption {
      type = types.bool;
      default = false;
      description = ''
        Whether to accept {option}`services.k3s.configPath` and {option}`services.k3s.environmentFile`. What
        is in these files is not known when the system is built, and can undo what this module sets.
      '';
    };
  };

  config = mkIf (cfg.enable && cfg.k3s.enable) {
    services.k3s = {
      extraFlags = ["--kubelet-arg=kubeconfig=/etc/kubelet-proxy/kubelet.kubeconfig"];
      # k3s merges this into its own settings, key by key; "" is no directory at all. That this wins is
      # for vm-tests/k3s-static-pod-is-ignored.nix to show.
      extraKubeletConfig = {
        staticPodPath = "";
        staticPodURL = "";
        readOnlyPort = 0;
        authentication.anonymous.enabled = false;
        enableDebuggingHandlers = cfg.kubeletApi.debuggingHandlers;
      };
    };

    environment.etc."kubelet-proxy/kubelet.kubeconfig".source = kubeletKubeconfig;

    services.kubelet-proxy = {
      upstream = {
        server = mkDefault "https://127.0.0.1:${toString apiServerPort}";
        caFile = mkDefault "${agent}/server-ca.crt";
        certFile = mkDefault "${agent}/client-kubelet.crt";
        keyFile = mkDefault "${agent}/client-kubelet.key";
      };
      credentials = {
        "serving.crt" = mkDefault "${agent}/serving-kubelet.crt";
        "serving.key" = mkDefault "${agent}/serving-kubelet.key";
        "client-ca.crt" = mkDefault "${agent}/client-ca.crt";
      };
    };

    systemd.services.k3s = {
      requires = ["kubelet-proxy.socket"];
      after = ["kubelet-proxy.socket"];
    };
  };
}
