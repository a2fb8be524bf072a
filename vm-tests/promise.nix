# A test of promises, on one machine: a k3s server whose kubelet is behind the proxy.
{
  promises,
  flags ? [],
}: {
  nodes.machine.imports = [./nodes/k3s-server.nix ./nodes/proxied.nix];

  testScript = ''
    machine.wait_for_unit("k3s.service")
    machine.wait_until_succeeds("k3s kubectl wait --timeout=60s --for=condition=Ready node/machine")
    machine.wait_until_succeeds("k3s kubectl get serviceaccount default")
    print(machine.succeed("check-promises --kubeconfig /etc/rancher/k3s/k3s.yaml --node machine ${toString flags} ${toString promises} 2>&1"))
  '';
}
