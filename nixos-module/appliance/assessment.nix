# A new version counts as good only once its proxy enforces. systemd-boot counts its trials in the name
# of its UKI; systemd-bless-boot takes the counter away after boot-complete.target, which this test is a
# part of. A version that never gets there is tried three times, then the one before it starts. Later
# boots of a good version have no counter, and nothing here runs.
{
  config,
  lib,
  pkgs,
  ...
}: let
  cfg = config.nodeward.appliance;
  proxy = config.services.kubelet-proxy;

  # Whether it answers says little: what it says decides. Confined, with the policy of this image, and
  # with an API server behind it. `input` fails where there is none.
  demands = pkgs.writeText "self-test.jq" ''
    input
    | .sandbox.mode == "require"
    and .sandbox.noNewPrivileges
    and (.sandbox.capabilitiesLeft | length > 0 and all(.[]; length == 0))
    and .sandbox.seccomp.state == "enforced"
    and .sandbox.landlock.state == "enforced"
    and .policy.sha256 == $policy
    and .upstream.up
  '';

  selfTest = pkgs.writeShellApplication {
    name = "kubelet-proxy-self-test";
    runtimeInputs = [proxy.package pkgs.coreutils pkgs.jq];
    text = ''
      policy=$(sha256sum </etc/kubelet-proxy/policy.json)
      kubelet-proxy status --output json |
        jq --null-input --exit-status --arg policy "''${policy%% *}" --from-file ${demands} >/dev/null ||
        { echo "the proxy does not enforce yet" >&2; exit 1; }
    '';
  };
in {
  systemd.services.kubelet-proxy-self-test = {
    description = "Does kubelet-proxy enforce?";
    requiredBy = ["boot-complete.target"];
    before = ["boot-complete.target"];
    requires = ["kubelet-proxy-admin.socket"];
    after = ["kubelet-proxy-admin.socket" "multi-user.target"];
    unitConfig.StartLimitIntervalSec = 0;
    serviceConfig =
      import ../hardening.nix
      // {
        Type = "oneshot";
        RemainAfterExit = true;
        ExecStart = lib.getExe selfTest;
        SupplementaryGroups = ["kubelet-proxy-admin"];
        RestrictAddressFamilies = ["AF_UNIX"];
        PrivateNetwork = true;
        # Asked again and again without ever counting as failed: the target's patience decides.
        Restart = "on-failure";
        RestartMode = "direct";
        RestartSec = "5s";
      };
  };

  systemd.targets.boot-complete.unitConfig = {
    JobTimeoutSec = "${toString cfg.assessment.timeoutMinutes}min";
    JobTimeoutAction = "reboot";
  };
}
