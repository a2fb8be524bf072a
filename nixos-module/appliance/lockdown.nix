# Nobody logs in, and a failure leads to another boot, never to a shell.
{
  config,
  lib,
  ...
}: {
  warnings =
    lib.optional config.services.openssh.enable
    "services.openssh.enable: whoever logs in as root can talk to the container runtime; leave it off on appliances"
    ++ lib.optional (!config.services.kubelet-proxy.immutablePolicy)
    "services.kubelet-proxy.immutablePolicy: root could load another policy than the image's; leave it on on appliances";

  services.openssh.enable = lib.mkDefault false;
  security.sudo.enable = lib.mkDefault false;
  users.allowNoPasswordLogin = true;

  systemd.services = lib.genAttrs ["getty@" "autovt@" "serial-getty@" "console-getty"] (_: {enable = lib.mkDefault false;});
  systemd.enableEmergencyMode = false;
  boot.initrd.systemd.emergencyAccess = false;

  boot.kernelParams = [
    "panic=30"
    "boot.panic_on_fail"
    "lockdown=integrity"
  ];

  # profiles/hardened.nix is gone from nixpkgs: what a node can bear of it.
  boot.kernel.sysctl = {
    "kernel.dmesg_restrict" = 1;
    "kernel.kexec_load_disabled" = 1;
    "kernel.kptr_restrict" = 2;
    "kernel.sysrq" = 0;
    "kernel.unprivileged_bpf_disabled" = 1;
    "kernel.yama.ptrace_scope" = 2;
    "fs.protected_fifos" = 2;
    "fs.protected_regular" = 2;
    "net.core.bpf_jit_harden" = 2;
  };
}
