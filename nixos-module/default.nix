# services.kubelet-proxy: the units that the package ships, and drop-ins for them, nothing else.
#
# options.nix says what can be set; the other files each turn one part of it into configuration.
# The files called refusals keep a way around the proxy from being
# built at all.
{
  imports = [
    ./options.nix
    ./upstream.nix
    ./policy.nix
    ./service.nix
    ./metrics.nix
    ./kubelet-api.nix
    ./kubelet-api-refusals.nix
    ./refusals.nix
    ./service-refusals.nix
    ./k3s.nix
    ./k3s-refusals.nix
    ./kubernetes.nix
    ./kubernetes-refusals.nix
    ./kubelet-lockout.nix
  ];

  meta.buildDocsInSandbox = false;
}
