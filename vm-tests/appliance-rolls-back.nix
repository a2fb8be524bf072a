# A version whose proxy enforces is tried once and kept. One whose proxy does not is tried three times;
# then the version before runs again, with no hand laid on the node.
{
  applianceModule,
  lib,
  pkgs,
  ...
}: let
  # Made for this test, and nowhere else of any use.
  keys = pkgs.runCommand "signing-key" {nativeBuildInputs = [pkgs.gnupg];} ''
    mkdir --mode=0700 $out
    export GNUPGHOME=$out
    gpg --batch --passphrase "" --quick-generate-key test.local ed25519 sign never
    gpg --export >$out/public.gpg
    gpgconf --kill gpg-agent
  '';

  # A version as it is published: signed, alone in its directory.
  publish = update:
    pkgs.runCommand "published" {nativeBuildInputs = [pkgs.gnupg];} ''
      mkdir $out
      cd $out
      ln --symbolic ${update}/* .
      cp --recursive ${keys} $TMPDIR/keys
      chmod --recursive u+w,go= $TMPDIR/keys
      GNUPGHOME=$TMPDIR/keys gpg --batch --detach-sign --output SHA256SUMS.gpg SHA256SUMS
    '';
in {
  nodes = {
    machine = {
      extendModules,
      nodes,
      ...
    }: let
      # This very node, name and address included, but for what `more` says.
      version = number: more: (extendModules {modules = [more {system.image.version = lib.mkForce number;}];}).config.system.build.update;
    in {
      imports = [applianceModule ./nodes/appliance.nix];
      nodeward.appliance = {
        assessment.timeoutMinutes = 5;
        updates = {
          url = "http://server/";
          keyring = "${keys}/public.gpg";
        };
      };
      # Asked for by the test, when it is time.
      systemd.timers.systemd-sysupdate.enable = false;
      systemd.timers.systemd-sysupdate-reboot.enable = false;

      system.image.version = "1";
      services.k3s.serverAddr = "https://${nodes.server.networking.primaryIPAddress}:6443";
      # The token, as a hypervisor would hand it over.
      virtualisation.credentials."nodeward.k3s-token".source = nodes.server.services.k3s.tokenFile;

      system.build.good = version "2" {};
      # It runs, and is not confined as it should be.
      system.build.bad = version "3" {services.kubelet-proxy.sandbox.mode = "best-effort";};
    };

    server = {
      imports = [./nodes/k3s-server.nix];
      services.nginx = {
        enable = true;
        virtualHosts.server.root = "/srv/published";
      };
    };
  };

  testScript = {nodes, ...}:
    import ./nodes/appliance-disk.nix {node = nodes.machine;}
    + ''
      def version() -> str:
          return machine.succeed("sed -n 's/^IMAGE_VERSION=//p' /etc/os-release").strip().strip('"')


      def update(published: str) -> None:
          server.succeed(f"ln --symbolic --force --no-dereference {published} /srv/published")
          machine.succeed("${lib.getExe' nodes.machine.systemd.package "systemd-sysupdate"} update")


      server.start()
      server.succeed("mkdir --parents /srv")
      server.wait_for_unit("k3s.service")
      server.wait_for_unit("nginx.service")

      with subtest("the first version joins and enforces"):
          machine.wait_for_unit("multi-user.target")
          assert version() == "1"
          server.wait_until_succeeds("k3s kubectl wait --timeout=60s --for=condition=Ready node/machine")
          machine.wait_until_succeeds("systemctl start kubelet-proxy-self-test.service")

      with subtest("the second version is written beside it, with three trials"):
          update("${publish nodes.machine.system.build.good}")
          machine.succeed("ls /boot/EFI/Linux/nodeward_2+3-0.efi")

      with subtest("it enforces, and is on trial no more"):
          machine.reboot()
          machine.wait_for_unit("multi-user.target")
          assert version() == "2"
          machine.wait_until_succeeds("ls /boot/EFI/Linux/nodeward_2.efi")

      with subtest("the third is tried three times, not blessed, and given up"):
          update("${publish nodes.machine.system.build.bad}")
          machine.succeed("ls /boot/EFI/Linux/nodeward_3+3-0.efi")
          machine.reboot()
          for _ in range(3):
              machine.wait_for_unit("multi-user.target")
              assert version() == "3"
              # By itself, after five minutes without a proxy that enforces.
              machine.wait_for_console_text("reboot: Restarting system")
              machine.connected = False
          machine.wait_for_unit("multi-user.target")
          assert version() == "2"
          machine.succeed("ls /boot/EFI/Linux/nodeward_2.efi /boot/EFI/Linux/nodeward_3+0-3.efi")

      with subtest("and the node is what it was"):
          server.wait_until_succeeds("k3s kubectl wait --timeout=60s --for=condition=Ready node/machine")
    '';
}
