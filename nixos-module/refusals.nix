# What this module refuses to build, and what it warns of. Each message begins with the option and ends
# with what to do instead.
{
  config,
  lib,
  ...
}: let
  cfg = config.services.kubelet-proxy;
  inherit (cfg) settings upstream;
  refuse = assertion: message: {
    inherit assertion;
    message = "services.kubelet-proxy.${message}";
  };

  isLoopback = address: builtins.match "(127\\.[0-9.]+|\\[::1]|localhost)(:[0-9]+)?" address != null;
  authority = url: lib.head (lib.splitString "/" (lib.removePrefix "https://" url));
  isFilled = address: address != null && address != "";

  # Flags that an option or the unit sets: a second place for them would be one too many to look at.
  ownedFlags = {
    admission-policy = "services.kubelet-proxy.policy";
    admin-socket = "systemd.sockets.kubelet-proxy-admin";
    client-ca = "services.kubelet-proxy.credentials.\"client-ca.crt\"";
    client-name = "services.kubelet-proxy.clientName";
    deny-kubelet-api = "services.kubelet-proxy.kubeletApi.denyAll";
    immutable-policy = "services.kubelet-proxy.immutablePolicy";
    kubeconfig = "services.kubelet-proxy.upstream.kubeconfig";
    kubelet-api-client-ca = "services.kubelet-proxy.kubeletApi.guard.callersCaFile";
    kubelet-api-client-name = "services.kubelet-proxy.kubeletApi.guard.callers";
    kubelet-api-guard-cert = "services.kubelet-proxy.kubeletApi.guard.clientCertFile";
    kubelet-api-guard-key = "services.kubelet-proxy.kubeletApi.guard.clientKeyFile";
    kubelet-api-listen = "services.kubelet-proxy.kubeletApi.guard.listenAddress";
    kubelet-api-tls-cert = "services.kubelet-proxy.kubeletApi.guard.certFile";
    kubelet-api-tls-key = "services.kubelet-proxy.kubeletApi.guard.keyFile";
    kubelet-api-upstream-ca = "services.kubelet-proxy.kubeletApi.guard.kubeletCaFile";
    listen-addr = "services.kubelet-proxy.listenAddress";
    log-level = "services.kubelet-proxy.logLevel";
    metrics-addr = "services.kubelet-proxy.metrics.listenAddress";
    policy-verification-cert = "services.kubelet-proxy.verificationKeys";
    signature-verification-cert = "services.kubelet-proxy.verificationKeys";
    sandbox = "services.kubelet-proxy.sandbox.mode";
    tls-cert = "services.kubelet-proxy.credentials.\"serving.crt\"";
    tls-key = "services.kubelet-proxy.credentials.\"serving.key\"";
  };

  # Flags that give up what the proxy is there for.
  dangerousFlags = {
    allow-all-pods = "write a policy that admits what you want to admit";
    allow-any-client = "give the kubelet a certificate: kubelet-proxy gen-certificates";
    allow-http-upstream = "give the API server's https:// address in upstream.server";
    allow-insecure-upstream-tls = "give the API server's CA in upstream.caFile";
    allow-plaintext = "give the proxy a certificate: kubelet-proxy gen-certificates";
  };

  isSecret = name: _: lib.hasSuffix ".key" name || (name == "kubeconfig" && upstream.server == null);
  isInStore = path: builtins.isPath path || lib.hasPrefix builtins.storeDir (toString path);
  leaked = lib.attrNames (lib.filterAttrs (_: isInStore) (lib.filterAttrs isSecret cfg.credentials));

  policyIsBuilt = builtins.isPath cfg.policy || builtins.isAttrs cfg.policy || lib.hasPrefix builtins.storeDir cfg.policy;
in {
  config = lib.mkIf cfg.enable {
    assertions =
      [
        (refuse ((upstream.server != null) != (upstream.kubeconfig != null))
          "upstream: the proxy needs one way to the API server; set either upstream.server or upstream.kubeconfig")
        (refuse (upstream.server == null || lib.hasPrefix "https://" upstream.server)
          "upstream.server: anybody on the way can pose as ${toString upstream.server}; give an https:// address")
        (refuse (upstream.server == null || authority upstream.server != cfg.listenAddress)
          "upstream.server: ${toString upstream.server} is the proxy itself; give the API server's address")
        (refuse (upstream.server == null || isLoopback (authority upstream.server) || upstream.allowedAddresses != [])
          "upstream.allowedAddresses: the service reaches this machine only, and ${toString upstream.server} is another; list the API server's addresses")
        (refuse (upstream.tokenFile == null || isFilled cfg.clientName)
          "clientName: with upstream.tokenFile there is no certificate to take the kubelet's name from; set it to system:node:NAME")
        (refuse (isLoopback cfg.listenAddress)
          "listenAddress: ${cfg.listenAddress} can be reached from elsewhere, and lends this node's rights; listen on 127.0.0.1")
        (refuse policyIsBuilt
          "policy: a quoted path is not checked when the system is built; write it without quotes, or as an attribute set")
        (refuse (leaked == [])
          "credentials: ${toString leaked} would be in the Nix store, where everybody can read; quote the path")
        (refuse (lib.versionAtLeast config.systemd.package.version "257")
          "enable: systemd ${config.systemd.package.version} ignores part of what confines the service; use 257 or later")
      ]
      ++ lib.mapAttrsToList (flag: option:
        refuse (!settings ? ${flag})
        "settings.${flag}: has an option of its own; set ${option} instead")
      ownedFlags
      ++ lib.mapAttrsToList (flag: remedy:
        refuse (!settings ? ${flag})
        "settings.${flag}: opens a way around the policy; ${remedy}")
      dangerousFlags;

    warnings =
      lib.optional (cfg.sandbox.mode != "require")
      "services.kubelet-proxy.sandbox.mode: the proxy may serve without Landlock or seccomp; set \"require\" on kernels that have them"
      ++ lib.optional (cfg.kubeletApi.debuggingHandlers && !cfg.kubeletApi.guard.enable && !cfg.kubeletApi.denyAll)
      "services.kubelet-proxy.kubeletApi.debuggingHandlers: whoever controls the API server can run commands in admitted pods; leave it off"
      ++ lib.optional (settings ? allow-system-roots)
      "services.kubelet-proxy.settings.allow-system-roots: any public authority can vouch for the API server; set upstream.caFile"
      ++ lib.optional (isFilled cfg.metrics.listenAddress && !isLoopback cfg.metrics.listenAddress)
      "services.kubelet-proxy.metrics.listenAddress: ${cfg.metrics.listenAddress} can be read from elsewhere; listen on 127.0.0.1";
  };
}
