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
  flags = readFlags.read line ++ readFlags.read command;
  has = keys: lib.any (flag: lib.elem flag.key keys) flags;

  # Where k3s looks by itself, or a directory above that.
  isConfig = target: lib.hasPrefix "rancher/k3s/config.yaml" target || lib.elem target ["rancher" "rancher/k3s"];
  etcConfig = lib.filter (entry: entry.enable && isConfig (lib.removePrefix "/" entry.target)) (lib.attrValues config.environment.etc);

  # What is run in the end, whoever wrote it. The module of nixpkgs adds the kubelet's settings as a file
  # in the store, once.
  unit = config.systemd.services.k3s;
  command = lib.concatStringsSep " " (lib.toList (unit.serviceConfig.ExecStart or ""));
  started = readFlags.ofK3s command;
  isSettings = flag: flag.key == "config" && lib.hasPrefix builtins.storeDir flag.value;
  isK3s = baseNameOf (lib.head (lib.splitString " " command)) == "k3s";

  # Variables that stand for flags which are refused or compared here.
  variables = lib.intersectLists ["K3S_CONFIG_FILE" "K3S_DATA_DIR" "K3S_LB_SERVER_PORT"] (lib.attrNames (config.systemd.globalEnvironment // unit.environment));
  unitFiles = lib.filter (name: !lib.elem (unit.serviceConfig.${name} or null) [null k3s.environmentFile]) ["Environment" "EnvironmentFile" "PassEnvironment"];

  tmpfiles = config.systemd.tmpfiles.rules ++ lib.concatMap lib.attrNames (lib.attrValues (config.systemd.tmpfiles.settings or {}));
  # services.k3s.configPath becomes a flag too.
  isTrusted = flag: !lib.elem flag.key ["config" "c"] || (cfg.k3s.trustConfigFiles && flag.value == toString k3s.configPath);
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
        (refuse (readFlags.isLiteral line)
          "services.k3s.extraFlags: systemd would expand what is in it; leave out $, % and \\")
        (refuse (isK3s && readFlags.isLiteral command && lib.count isSettings started <= 1)
          "systemd.services.k3s.serviceConfig.ExecStart: replaces the command line that is checked here; use services.k3s.extraFlags")
        (refuse (cfg.k3s.trustConfigFiles || variables == [])
          "systemd.services.k3s.environment: ${toString variables} can undo what is set here; use the options of services.k3s")
        (refuse (cfg.k3s.trustConfigFiles || unitFiles == [])
          "systemd.services.k3s.serviceConfig: ${toString unitFiles} can undo what is set here; use the options of services.k3s")
        (refuse (!lib.any (lib.hasInfix "kubelet.conf.d") tmpfiles)
          "systemd.tmpfiles: files in kubelet.conf.d can undo what is set here; use services.k3s.extraKubeletConfig")
        (refuse (lib.any (flag: flag.key == "kubeconfig" && flag.value == ownKubeconfig) started)
          "services.k3s.extraFlags: the kubelet is not pointed at the proxy; add to the list instead of replacing it")
        (refuse (cfg.k3s.trustConfigFiles || k3s.configPath == null)
          "services.k3s.configPath: its file can undo what is set here; use the options of services.k3s, or set services.kubelet-proxy.k3s.trustConfigFiles")
        (refuse (cfg.k3s.trustConfigFiles || k3s.environmentFile == null)
          "services.k3s.environmentFile: its file can undo what is set here; use the options of services.k3s, or set services.kubelet-proxy.k3s.trustConfigFiles")
        (refuse (lib.all isTrusted flags && etcConfig == [])
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
      ++ refusals.ofFlags {
        option = "systemd.services.k3s.serviceConfig.ExecStart";
        flags = lib.filter (flag: !isSettings flag) started;
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
