# The policy, checked while the system is built and put where the unit looks for it.
#
# The path in /etc never changes, so that another policy changes no unit: the running proxy is asked to
# reload, and keeps the old policy if it does not like the new one.
{
  config,
  lib,
  pkgs,
  ...
}: let
  cfg = config.services.kubelet-proxy;

  document =
    if builtins.isAttrs cfg.policy && !lib.isDerivation cfg.policy
    then (pkgs.formats.json {}).generate "policy.json" cfg.policy
    else cfg.policy;

  checked = pkgs.runCommand "kubelet-proxy-policy.json" {} ''
    ${lib.getExe cfg.package} check-policy ${document}
    cp ${document} $out
  '';
in {
  config = lib.mkIf cfg.enable {
    environment.etc =
      {"kubelet-proxy/policy.json".source = checked;}
      // lib.listToAttrs (lib.imap0 (index: source:
        lib.nameValuePair "kubelet-proxy/signers/${toString index}.pem" {inherit source;})
      cfg.verificationKeys);

    systemd.services.kubelet-proxy =
      if cfg.immutablePolicy
      then {restartTriggers = [checked] ++ cfg.verificationKeys;}
      else {reloadTriggers = [checked] ++ cfg.verificationKeys;};
  };
}
