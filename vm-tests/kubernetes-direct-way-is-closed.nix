# The kubelet of services.kubernetes gets its pods through the proxy, and cannot reach the API server
# itself: neither with its certificate nor at all.
{...}: {
  nodes.machine = {
    config,
    nodeModule,
    ...
  }: {
    imports = [nodeModule];

    virtualisation = {
      memorySize = 3072;
      diskSize = 6144;
      cores = 2;
    };
    networking.firewall.enable = false;
    networking.extraHosts = "${config.networking.primaryIPAddress} api.kubernetes";

    services.kubernetes = {
      roles = ["master" "node"];
      easyCerts = true;
      masterAddress = "api.kubernetes";
      apiserver.advertiseAddress = config.networking.primaryIPAddress;
    };
    services.kubelet-proxy = {
      enable = true;
      kubernetes.enable = true;
      policy = "${config.services.kubelet-proxy.package}/share/kubelet-proxy/policies/seed-default.json";
      upstream.allowedAddresses = [config.networking.primaryIPAddress];
    };
  };

  testScript = ''
    admin = "KUBECONFIG=/etc/kubernetes/cluster-admin.kubeconfig kubectl"
    machine.wait_for_unit("kubelet-lockout.service")
    machine.wait_for_unit("kubelet.service")
    machine.wait_until_succeeds(f"{admin} wait --timeout=60s --for=condition=Ready node/machine")

    connect = "timeout 5 bash -c '</dev/tcp/api.kubernetes/6443'"
    with subtest("other processes reach the API server, those beside the kubelet do not"):
        machine.succeed(connect)
        machine.fail(f"systemd-run --wait --slice=proxiedkubelet.slice {connect}")

    with subtest("the rules survive a restart of the kubelet"):
        machine.succeed("systemctl restart kubelet.service")
        machine.fail(f"systemd-run --wait --slice=proxiedkubelet.slice {connect}")

    with subtest("the kubelet's certificate is worth nothing at the API server"):
        machine.fail(
            "curl --fail --cacert /var/lib/kubernetes/secrets/ca.pem"
            " --cert /var/lib/kubelet-proxy-pki/kubelet.crt --key /var/lib/kubelet-proxy-pki/kubelet.key"
            " https://api.kubernetes:6443/api/v1/nodes/machine"
        )
  '';
}
