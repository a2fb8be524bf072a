# What would leave the kubelet's own API open, or closed to the guard as well, refused or warned of.
{
  config,
  lib,
  ...
}: let
  cfg = config.services.kubelet-proxy;
  inherit (cfg.kubeletApi) guard;
  readFlags = import ./kubelet-flags.nix lib;
  refuse = assertion: message: {
    inherit assertion;
    message = "services.kubelet-proxy.kubeletApi.${message}";
  };

  files = ["callersCaFile" "certFile" "keyFile" "kubeletCaFile" "clientCertFile" "clientKeyFile" "clientCaFile"];
  missing = lib.filter (name: guard.${name} == null) files;
  address = toString guard.listenAddress;
  isLoopback = builtins.match "(127\\.[0-9.]+|\\[::1]|localhost)(:[0-9]+)?" address != null;
  isEverywhere = builtins.match "(0\\.0\\.0\\.0|\\[::]|\\*)?:?[0-9]+" address != null;

  # The kubelet's settings as its command line has them in the end; nothing else may move it back.
  unitOf = name: lib.concatStringsSep " " (lib.toList (config.systemd.services.${name}.serviceConfig.ExecStart or ""));
  k3sFlags = readFlags.ofK3s (unitOf "k3s");
  given = key: map (flag: flag.value) (lib.filter (flag: flag.key == key) k3sFlags);
  wantedOfK3s = {
    address = "127.0.0.1";
    client-ca-file = toString guard.clientCaFile;
  };
  kubelet = config.services.kubernetes.kubelet;
  settings =
    if cfg.k3s.enable
    then config.services.k3s.extraKubeletConfig
    else kubelet.extraConfig;
in {
  config = lib.mkIf cfg.enable {
    assertions =
      [
        (refuse (!(guard.enable && cfg.kubeletApi.denyAll))
          "denyAll: the guard permits what this refuses; set one of them")
      ]
      ++ lib.optionals guard.enable ([
          (refuse (missing == [])
            "guard: ${toString missing} is not set; the guard needs certificates for both its sides")
          (refuse (guard.listenAddress != null && !isLoopback && !isEverywhere)
            "guard.listenAddress: '${address}' is not the node's own address; write the one where the API server expects the kubelet, and port 10250")
          (refuse (guard.listenAddress == null || lib.hasSuffix ":10250" address)
            "guard.listenAddress: the node tells the API server port 10250, not that of ${address}; use 10250")
          (refuse (guard.callers != [])
            "guard.callers: nobody would be served; name the API server's certificate, or set denyAll instead")
          (refuse (!builtins.isAttrs cfg.policy || lib.isDerivation cfg.policy || (cfg.policy ? kubeletApi && cfg.policy.apiVersion or "" == "nodeward.dev/v2"))
            "guard: this policy says nothing about the kubelet's API, and the proxy would not start; write it in version 2 with kubeletApi")
          (refuse cfg.kubeletApi.debuggingHandlers
            "debuggingHandlers: without them the guard cannot ask which pods run, and refuses every call; leave it on")
          (refuse (cfg.k3s.enable || cfg.kubernetes.enable)
            "guard: which kubelet it guards is not known; set services.kubelet-proxy.k3s.enable or kubernetes.enable")
          (refuse (!(settings ? address) && !(lib.hasAttrByPath ["authentication" "x509"] settings))
            "guard: the kubelet's address and authentication.x509 belong to this module; leave them out of its settings")
        ]
        ++ lib.optionals cfg.k3s.enable (lib.mapAttrsToList (key: value:
          refuse (given key == [value])
          "guard: k3s's kubelet has ${key} ${toString (given key)}, not ${value}; leave it to this module")
        wantedOfK3s)
        ++ lib.optional cfg.kubernetes.enable
        (refuse (kubelet.address == "127.0.0.1" && kubelet.clientCaFile == guard.clientCaFile)
          "guard: the kubelet listens on ${kubelet.address} and trusts ${toString kubelet.clientCaFile}; leave services.kubernetes.kubelet.address and clientCaFile to this module"));

    warnings =
      lib.optional (guard.enable && guard.allowedAddresses == [])
      "services.kubelet-proxy.kubeletApi.guard.allowedAddresses: only this machine can reach the guard; list the API server's addresses"
      ++ lib.optional (guard.enable && cfg.k3s.enable && config.services.k3s.role == "agent")
      "services.kubelet-proxy.kubeletApi.guard: the cluster's servers reach this kubelet through k3s's tunnel, which is closed; give them --egress-selector-mode=disabled";
  };
}
