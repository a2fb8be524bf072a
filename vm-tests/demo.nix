# `nix run .#demo`: one pod that the policy admits and one that it denies, on a node of a minute's age.
{...}: {
  nodes.machine.imports = [./nodes/k3s-server.nix ./nodes/proxied.nix];

  testScript = ''
    kubectl = "k3s kubectl"
    run = f"{kubectl} run --image=test.local/workload:local --image-pull-policy=Never"

    machine.wait_for_unit("k3s.service")
    machine.wait_until_succeeds(f"{kubectl} get serviceaccount default")
    machine.succeed(f"{run} ordinary --command -- sleep inf")
    machine.succeed(f"{run} privileged --privileged --command -- sleep inf")
    machine.wait_until_succeeds(f"{kubectl} wait --timeout=60s --for=condition=Ready pod/ordinary")
    machine.wait_until_succeeds(f"{kubectl} get pod privileged -o jsonpath='{{.status.reason}}' | grep NodeAdmissionRejected")

    print(machine.succeed(f"{kubectl} get pods"))
    print(machine.succeed(f"{kubectl} get pod privileged -o jsonpath='{{.status.message}}'"))
    print(machine.succeed("kubelet-proxy status"))
  '';
}
