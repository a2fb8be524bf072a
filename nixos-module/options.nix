# The interface that does not depend on how the kubelet is run. Every default here is the strict one.
{
  lib,
  pkgs,
  ...
}: let
  inherit (lib) literalExpression mkOption types;

  # Flags are words of one environment variable, split by systemd: what it would split, quote or
  # expand cannot be part of one.
  word = types.strMatching ''[^[:space:]"'\$%]+'';
in {
  options.services.kubelet-proxy = {
    enable = lib.mkEnableOption "kubelet-proxy, which shows the kubelet only pods that the node's policy admits";

    package = lib.mkPackageOption pkgs "kubelet-proxy" {};

    mode = mkOption {
      type = types.enum ["enforce"];
      default = "enforce";
      description = ''
        What happens to a pod that the policy denies. `enforce` hides it from the kubelet and reports it
        as rejected. There is no other mode yet.
      '';
    };

    listenAddress = mkOption {
      type = types.str;
      default = "127.0.0.1:6448";
      example = "127.0.0.1:7443";
      description = ''
        Where the kubelet connects: an address of the loopback interface, and a port. Port 6444 is k3s's own.
      '';
    };

    policy = mkOption {
      type = types.either types.path (types.attrsOf (pkgs.formats.json {}).type);
      example = literalExpression ''"''${config.services.kubelet-proxy.package}/share/kubelet-proxy/policies/seed-strict.json"'';
      description = ''
        The policy that decides which pods this node runs: a file, or the document itself as an attribute
        set. It is checked by {option}`services.kubelet-proxy.package` when the system is built: a policy
        that the proxy would refuse fails the build. The running proxy finds it at
        {file}`/etc/kubelet-proxy/policy.json`, and a change of it is a reload, not a restart.
      '';
    };

    verificationKeys = mkOption {
      type = types.listOf types.path;
      default = [];
      example = literalExpression "[./signer.crt ./next-signer.crt]";
      description = ''
        Certificates or public keys, PEM, that sign policies for single pods: a pod that no rule decides on
        runs if it carries a policy signed by one of them and fits it. Several are for changing from one to
        the next. Without any, rules alone decide.
      '';
    };

    immutablePolicy = mkOption {
      type = types.bool;
      default = false;
      description = ''
        Whether the proxy refuses to load another policy while it runs. A change of the policy then
        restarts it.
      '';
    };

    clientName = mkOption {
      type = types.nullOr word;
      default = null;
      example = "system:node:worker-1";
      description = ''
        Common name that the kubelet's certificate must have. By default it is that of the node's own
        certificate in the upstream kubeconfig; where that has a token instead, this must be set.
      '';
    };

    credentials = mkOption {
      type = types.attrsOf types.path;
      default = {};
      example = literalExpression ''
        {
          "serving.crt" = "/var/lib/secrets/kubelet-proxy/serving.crt";
          "serving.key" = "/var/lib/secrets/kubelet-proxy/serving.key";
        }
      '';
      description = ''
        Files that systemd copies for the service at each start (`LoadCredential=`), so that they may be
        root's alone. The unit knows `kubeconfig`, `serving.crt`, `serving.key`, `client-ca.crt`,
        `upstream-ca.crt`, `node.crt` and `node.key`, and looks for them in {file}`/etc/kubelet-proxy`
        unless told otherwise here. When one of these files changes, the service is restarted; its
        socket stays open. Quote the paths: without quotes Nix copies a file to its store, which
        everybody can read.
      '';
    };

    settings = mkOption {
      type = types.attrsOf (types.oneOf [types.bool types.int word]);
      default = {};
      example = {
        max-body-memory = "96Mi";
        log-requests = false;
      };
      description = ''
        Further flags of `kubelet-proxy run`, by name and without the dashes. What an option here or the
        unit itself sets cannot be set, and neither can what would let pods past the policy.
      '';
    };

    logLevel = mkOption {
      type = types.enum ["error" "warn" "info" "debug"];
      default = "info";
      description = "Least severe level that is logged.";
    };

    sandbox.mode = mkOption {
      type = types.enum ["require" "best-effort"];
      default = "require";
      description = ''
        With `require` the proxy serves only after it has given up every capability and is confined by
        Landlock and seccomp. `best-effort` is for kernels without Landlock: it serves with what it got,
        and says so in `kubelet-proxy status`.
      '';
    };

    kubeletApi.debuggingHandlers = mkOption {
      type = types.bool;
      default = false;
      description = ''
        Whether the kubelet answers exec, attach, port-forward, logs and run on its own port. Whoever
        controls the API server can use them to run commands in an admitted pod, so they are a way around
        the policy; without them `kubectl logs` and `kubectl exec` fail for pods of this node.
      '';
    };
  };
}
