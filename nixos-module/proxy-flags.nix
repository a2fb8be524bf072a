# The flags that the options come to: what the unit adds to its command line.
{
  cfg,
  lib,
}: let
  inherit (lib) optional optionals;
  inherit (cfg.kubeletApi) guard;

  toFlag = name: value: "--${name}=${
    if builtins.isBool value
    then lib.boolToString value
    else toString value
  }";
in
  lib.concatStringsSep " " (
    ["--log-level=${cfg.logLevel}"]
    ++ optional (cfg.clientName != null) "--client-name=${cfg.clientName}"
    ++ optional cfg.immutablePolicy "--immutable-policy"
    ++ lib.imap0 (index: _: "--policy-verification-cert=/etc/kubelet-proxy/signers/${toString index}.pem")
    cfg.verificationKeys
    ++ optional cfg.kubeletApi.denyAll "--deny-kubelet-api"
    ++ optionals guard.enable [
      "--kubelet-api-listen=${toString guard.listenAddress}"
      "--kubelet-api-client-name=${lib.concatStringsSep "," guard.callers}"
      # systemd puts the directory of the service's credentials in.
      "--kubelet-api-tls-cert=%d/kubelet-api.crt"
      "--kubelet-api-tls-key=%d/kubelet-api.key"
      "--kubelet-api-client-ca=%d/kubelet-api-clients.crt"
      "--kubelet-api-upstream-ca=%d/kubelet-serving-ca.crt"
      "--kubelet-api-guard-cert=%d/guard.crt"
      "--kubelet-api-guard-key=%d/guard.key"
    ]
    # The last of repeated flags counts; the unit says --sandbox=require.
    ++ optional (cfg.sandbox.mode != "require") "--sandbox=${cfg.sandbox.mode}"
    ++ lib.mapAttrsToList toFlag cfg.settings
  )
