# What would lead the kubelet of services.kubernetes around the proxy, refused.
{
  config,
  lib,
  ...
}: let
  cfg = config.services.kubelet-proxy;
  inherit (config.services.kubernetes) kubelet;
  refusals = import ./kubelet-refusals.nix lib;
  readFlags = import ./kubelet-flags.nix lib;
  flags = readFlags.read kubelet.extraOpts;
  refuse = assertion: message: {inherit assertion message;};
in {
  config = lib.mkIf (cfg.enable && cfg.kubernetes.enable) {
    assertions =
      [
        (refuse kubelet.enable
          "services.kubelet-proxy.kubernetes.enable: no kubelet runs here; set services.kubernetes.roles or services.kubernetes.kubelet.enable")
        (refuse (readFlags.isLiteral kubelet.extraOpts)
          "services.kubernetes.kubelet.extraOpts: systemd would expand what is in it; leave out $, % and \\")
        (refuse (kubelet.manifests == {})
          "services.kubernetes.kubelet.manifests: static pods pass no policy; create the pods in the cluster")
        (refuse (kubelet.kubeconfig.server == "https://${cfg.listenAddress}")
          "services.kubernetes.kubelet.kubeconfig.server: the kubelet would reach the API server without the proxy; leave it to this module")
        (refuse (cfg.upstream.keyFile != null || cfg.upstream.tokenFile != null || cfg.upstream.kubeconfig != null)
          "services.kubelet-proxy.upstream.keyFile: the proxy needs the node's certificate; set certFile and keyFile, or services.kubernetes.easyCerts")
        (refuse (kubelet.kubeconfig.keyFile != cfg.upstream.keyFile)
          "services.kubernetes.kubelet.kubeconfig.keyFile: the kubelet would hold the node's key; leave it to this module")
      ]
      ++ refusals.ofFlags {
        option = "services.kubernetes.kubelet.extraOpts";
        inherit flags;
      }
      ++ refusals.ofSettings {
        option = "services.kubernetes.kubelet.extraConfig";
        settings = kubelet.extraConfig;
        inherit (cfg.kubeletApi) debuggingHandlers;
      };

    warnings =
      lib.optional (!cfg.kubernetes.blockDirectWay)
      "services.kubelet-proxy.kubernetes.blockDirectWay: only the missing key keeps the kubelet from the API server; leave it on";
  };
}
