# The service as it runs on NixOS, drop-ins included, is as confined as the packaged unit: at most 1.0
# by systemd's own judgement.
{...}: {
  nodes.machine.imports = [./nodes/k3s-server.nix ./nodes/proxied.nix];

  testScript = ''
    machine.wait_for_unit("kubelet-proxy.socket")
    print(machine.succeed("systemd-analyze security --threshold=10 --no-pager kubelet-proxy.service"))
  '';
}
