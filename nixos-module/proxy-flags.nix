# The flags that the options come to: what the unit adds to its command line.
{
  cfg,
  lib,
}: let
  inherit (lib) optional;

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
    # The last of repeated flags counts; the unit says --sandbox=require.
    ++ optional (cfg.sandbox.mode != "require") "--sandbox=${cfg.sandbox.mode}"
    ++ lib.mapAttrsToList toFlag cfg.settings
  )
