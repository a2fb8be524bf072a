# The kubelet of services.kubernetes gets its pods through the proxy, and cannot reach the API server
# itself: neither with its certificate nor at all.
{pkgs, ...}: {
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
      # The host's store, as the build sandbox shows it, belongs to nobody, and the proxy takes its policy
      # only from root's files. In an image of its own the store is root's.
      useNixStoreImage = true;
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

  testScript = {nodes, ...}: let
    node = nodes.machine.services.kubernetes.pki.certs.kubeletClient;
  in ''
    import re

    admin = "KUBECONFIG=/etc/kubernetes/cluster-admin.kubeconfig kubectl"
    machine.wait_for_unit("kubelet-lockout.service")
    machine.wait_for_unit("kubelet.service")
    machine.wait_until_succeeds(f"{admin} wait --timeout=60s --for=condition=Ready node/machine")


    def rejected() -> int:
        table = machine.succeed("${pkgs.nftables}/bin/nft list table inet kubelet_proxy_lockout")
        return sum(int(packets) for packets in re.findall(r"counter packets (\d+)", table))


    # By their whole paths: a service of systemd-run looks elsewhere for programs than a shell does.
    def connect(slice: str, address: str) -> str:
        return (
            f"systemd-run --wait --slice={slice} ${pkgs.coreutils}/bin/timeout 5"
            f" ${pkgs.bash}/bin/bash -c '</dev/tcp/{address}/6443'"
        )


    def only_the_slice_is_refused() -> None:
        for address in ["api.kubernetes", "127.0.0.1"]:
            before = rejected()
            machine.succeed(connect("system.slice", address))
            assert rejected() == before, "the rule is about others too"
            machine.fail(connect("proxiedkubelet.slice", address))
            assert rejected() > before, "it failed, and not by the rule"


    def answer(cert: str, key: str) -> str:
        return machine.succeed(
            "curl --silent --show-error --output /dev/null --write-out '%{http_code}'"
            f" --cacert /var/lib/kubernetes/secrets/ca.pem --cert {cert} --key {key}"
            " https://api.kubernetes:6443/api/v1/nodes/machine"
        ).strip()


    with subtest("other processes reach the API server, those beside the kubelet do not"):
        only_the_slice_is_refused()

    with subtest("the rules survive a restart of the kubelet"):
        machine.succeed("systemctl restart kubelet.service")
        only_the_slice_is_refused()

    with subtest("the kubelet's certificate is worth nothing at the API server, the node's is good"):
        assert answer("${node.cert}", "${node.key}") == "200"
        pki = "/var/lib/kubelet-proxy-pki"
        assert answer(f"{pki}/kubelet.crt", f"{pki}/kubelet.key") == "401"
  '';
}
