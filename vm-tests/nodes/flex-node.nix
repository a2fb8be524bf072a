# A k3s agent of its own that joins the machine called `server`, behind the proxy.
{
  config,
  nodes,
  ...
}: {
  imports = [./local-images.nix ./proxied.nix];

  virtualisation = {
    memorySize = 1536;
    diskSize = 4096;
    cores = 2;
  };
  networking.firewall.enable = false;

  services.k3s = {
    enable = true;
    role = "agent";
    inherit (nodes.server.services.k3s) tokenFile;
    serverAddr = "https://${nodes.server.networking.primaryIPAddress}:6443";
    nodeIP = config.networking.primaryIPAddress;
    extraFlags = ["--pause-image test.local/pause:local" "--flannel-iface eth1"];
  };
}
