# The kubelet of this machine behind the proxy, with the policy that is shipped, and the program that
# checks promises.
{
  config,
  nodeModule,
  nodePromises,
  pkgs,
  ...
}: let
  check = pkgs.writeShellApplication {
    name = "check-promises";
    text = ''
      exec ${nodePromises}/bin/node-promises \
        --image test.local/workload:local \
        --kubectl "k3s kubectl" --ctr "k3s ctr" \
        --admin-socket /run/kubelet-proxy/admin.sock \
        --proxy-unit kubelet-proxy.service \
        --policy-file /etc/kubelet-proxy/policy.json \
        --static-pod-directory /var/lib/rancher/k3s/agent/pod-manifests "$@"
    '';
  };
in {
  imports = [nodeModule];

  virtualisation = {
    # The host's store, as the build sandbox shows it, belongs to nobody, and the proxy takes its policy
    # only from root's files. In an image of its own the store is root's.
    useNixStoreImage = true;
  };

  environment.systemPackages = [check];
  services.kubelet-proxy = {
    enable = true;
    k3s.enable = true;
    policy = "${config.services.kubelet-proxy.package}/share/kubelet-proxy/policies/seed-default.json";
  };
}
