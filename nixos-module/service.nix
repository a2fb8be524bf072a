# Drop-ins for the packaged units. What confines the service is in the units themselves and is not
# repeated here; NixOS writes what follows to *.d/overrides.conf, because the units exist already.
{
  config,
  lib,
  options,
  ...
}: let
  inherit (lib) mapAttrsToList mkIf;
  cfg = config.services.kubelet-proxy;

  # What is in the store cannot change under its name.
  watched = lib.filter (path: !lib.hasPrefix builtins.storeDir path) (map toString (lib.attrValues cfg.credentials));
in {
  config = mkIf cfg.enable {
    systemd.packages = [cfg.package];
    environment.systemPackages = [cfg.package];

    # As the package's sysusers.d file says it; NixOS reads such files only where users are made by them.
    users.groups.kubelet-proxy-admin = {};
    users.groups.kubelet-proxy-token = {};

    # NixOS does not act on [Install] of a packaged unit.
    systemd.sockets.kubelet-proxy-admin.wantedBy = ["sockets.target"];
    systemd.sockets.kubelet-proxy = {
      wantedBy = ["sockets.target"];
      # The empty one takes back the unit's own.
      listenStreams = mkIf (cfg.listenAddress != options.services.kubelet-proxy.listenAddress.default) ["" cfg.listenAddress];
    };

    systemd.services.kubelet-proxy = {
      # Restarted in one go while the sockets stay. Stopped first, they would close, and kubelets that
      # connect meanwhile be refused.
      stopIfChanged = false;
      environment.KUBELET_PROXY_FLAGS = import ./proxy-flags.nix {inherit cfg lib;};
      serviceConfig = {
        # An entry replaces the unit's entry of the same name.
        LoadCredential = mapAttrsToList (name: path: "${name}:${path}") cfg.credentials;
        IPAddressAllow = mkIf (cfg.upstream.allowedAddresses != []) cfg.upstream.allowedAddresses;
      };
    };

    # A unit a file, as the package has it for the files in /etc/kubelet-proxy: one for several can miss
    # a change of one while another is not there, and on k3s none is before the node has joined.
    systemd.paths = lib.listToAttrs (lib.imap0 (number: path:
      lib.nameValuePair "kubelet-proxy-credential-${toString number}" {
        description = "Credential ${path} of kubelet-proxy has changed";
        wantedBy = ["kubelet-proxy.service"];
        before = ["kubelet-proxy.service"];
        partOf = ["kubelet-proxy.socket"];
        pathConfig = {
          PathChanged = path;
          Unit = "kubelet-proxy-credentials.service";
          TriggerLimitIntervalSec = 0;
        };
      })
    watched);
  };
}
