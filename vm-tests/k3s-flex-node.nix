# A server and a separate agent, as in a cluster with a flex node: every promise holds on the agent,
# while the server, which has no proxy, runs what the agent refuses.
{...}: {
  nodes = {
    server.imports = [./nodes/k3s-server.nix];
    agent.imports = [./nodes/flex-node.nix];
  };

  testScript = {nodes, ...}: ''
    import base64

    server.wait_for_unit("k3s.service")
    server.wait_until_succeeds("k3s kubectl wait --timeout=60s --for=condition=Ready node/server node/agent")
    server.wait_until_succeeds("k3s kubectl get serviceaccount default")

    with subtest("an administrator's kubeconfig, past the proxy"):
        kubeconfig = server.succeed("cat /etc/rancher/k3s/k3s.yaml").replace(
            "127.0.0.1", "${nodes.server.networking.primaryIPAddress}"
        )
        encoded = base64.b64encode(kubeconfig.encode()).decode()
        agent.succeed(f"(umask 077; echo {encoded} | base64 -d >/root/admin.kubeconfig)")

    with subtest("the agent keeps every promise"):
        promises = agent.succeed("check-promises --list 2>/dev/null | cut -d' ' -f1").split()
        print(agent.succeed("check-promises --kubeconfig /root/admin.kubeconfig --node agent " + " ".join(promises) + " 2>&1"))

    with subtest("the server runs what the agent refuses"):
        server.succeed(
            "k3s kubectl run privileged --image=test.local/workload:local --image-pull-policy=Never --privileged"
            " --overrides='{\"spec\":{\"nodeName\":\"server\"}}' --command -- sleep inf"
        )
        server.wait_until_succeeds("k3s kubectl wait --timeout=60s --for=condition=Ready pod/privileged")
  '';
}
