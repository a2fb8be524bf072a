# What would lead k3s's kubelet around the proxy, refused.
{
  config,
  lib,
  ...
}: let
  cfg = config.services.kubelet-proxy;
  inherit (config.services) k3s;
  readFlags = import ./kubelet-flags.nix lib;
  refusals = import ./kubelet-refusals.nix lib;

  line = lib.concatStringsSep " " (lib.toList k3s.extraFlags);
  flags = readFlags.read line;
  has = keys: lib.any (flag: lib.elem flag.key keys) flags;
  etcConfig = lib.filter (lib.hasPrefix "rancher/k3s/config.yaml") (lib.attrNames config.environment.etc);
  refuse = assertion: message: {inherit assertion message;};
  ownKubeconfig = "/etc/kubelet-proxy/kubelet.kubeconfig";
in {
  config = lib.mkIf (cfg.enable && cfg.k3s.enable) {
    assertions =
      [
        (refuse k3s.enable
          "services.kubelet-proxy.k3s.enable: k3s does not run here; set services.k3s.enable")
        (refuse (!cfg.kubernetes.enable)
          "services.kubelet-proxy.k3s.enable: a node has one kubelet; set either this or services.kubelet-proxy.kubernetes.enable")
        (refuse (!(k3s.disableAgent or false))
          "services.k3s.disableAgent: this server runs no kubelet; leave out services.kubelet-proxy.k3s.enable")
        (refuse (lib.any (flag: flag.key == "kubeconfig" && flag.value == ownKubeconfig) (readFlags.ofK3s line))
          "services.k3s.extraFlags: the kubelet is not pointed at the proxy; add to the list instead of replacing it")
        (refuse (cfg.k3s.trustConfigFiles || k3s.configPath == null)
          "services.k3s.configPath: its file can undo what is set here; use the options of services.k3s, or set services.kubelet-proxy.k3s.trustConfigFiles")
        (refuse (cfg.k3s.trustConfigFiles || k3s.environmentFile == null)
          "services.k3s.environmentFile: its file can undo what is set here; use the options of services.k3s, or set services.kubelet-proxy.k3s.trustConfigFiles")
        (refuse (!has ["config" "c"] && etcConfig == [])
          "services.k3s.extraFlags: a configuration file for k3s can undo what is set here; use the options of services.k3s")
        (refuse (!has ["data-dir" "d"] || lib.any (flag: flag.value == cfg.k3s.dataDir) flags)
          "services.kubelet-proxy.k3s.dataDir: k3s keeps its certificates elsewhere; set it to the value of --data-dir")
        (refuse (!has ["lb-server-port" "https-listen-port"] || !lib.elem cfg.upstream.server ["https://127.0.0.1:6443" "https://127.0.0.1:6444"])
          "services.kubelet-proxy.upstream.server: k3s listens on another port; set it to https://127.0.0.1:PORT")
      ]
      ++ refusals.ofFlags {
        option = "services.k3s.extraFlags";
        flags = readFlags.ofK3s line;
        own.kubeconfig = ownKubeconfig;
      }
      ++ refusals.ofSettings {
        option = "services.k3s.extraKubeletConfig";
        settings = k3s.extraKubeletConfig;
        inherit (cfg.kubeletApi) debuggingHandlers;
      };

    warnings =
      lib.optional cfg.k3s.trustConfigFiles
      "services.kubelet-proxy.k3s.trustConfigFiles: what these files say is not checked; keep kubelet-arg out of them";
  };
}
