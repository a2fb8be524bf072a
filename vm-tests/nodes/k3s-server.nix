# A k3s server with as little in it as a cluster can have, and without a network to fetch anything from.
{config, ...}: {
  imports = [./local-images.nix];

  virtualisation = {
    memorySize = 2048;
    diskSize = 4096;
    cores = 2;
  };
  networking.firewall.enable = false;

  services.k3s = {
    enable = true;
    role = "server";
    tokenFile = builtins.toFile "token" "a token of this test only";
    nodeIP = config.networking.primaryIPAddress;
    disable = ["coredns" "local-storage" "metrics-server" "servicelb" "traefik"];
    # The machine's first interface leads to the test driver, not to other machines.
    extraFlags = ["--pause-image test.local/pause:local" "--flannel-iface eth1"];
  };
}
