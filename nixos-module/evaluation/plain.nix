# Cases about the proxy itself, whichever kubelet is behind it.
{lib}: let
  good = {
    services.kubelet-proxy = {
      enable = true;
      policy.defaultAction = "deny";
      upstream.kubeconfig = "/etc/kubelet-proxy/upstream.kubeconfig";
    };
  };
  but = settings: {module.imports = [good {services.kubelet-proxy = settings;}];};
  refuses = settings: words: but settings // {refusal = words;};
  warns = settings: words: but settings // {warning = words;};
  remote = "https://192.0.2.10:6443";
  unit = config: config.systemd.services.kubelet-proxy;
  watched = config: map (unit: unit.pathConfig.PathChanged or null) (builtins.attrValues config.systemd.paths);
in
  {
    plain = {
      module = good;
      holds = {
        "the service gets the kubeconfig as a credential" = config:
          (unit config).serviceConfig.LoadCredential == ["kubeconfig:/etc/kubelet-proxy/upstream.kubeconfig"];
        "a changed kubeconfig restarts the service" = config:
          lib.elem "/etc/kubelet-proxy/upstream.kubeconfig" (watched config);
        "a changed policy reloads the service" = config: (unit config).reloadTriggers != [] && (unit config).restartTriggers == [];
        "the sockets are there from the start" = config:
          lib.all (socket: config.systemd.sockets.${socket}.wantedBy == ["sockets.target"]) ["kubelet-proxy" "kubelet-proxy-admin"];
        "the service is not stopped for a new version" = config: !(unit config).stopIfChanged;
        "nothing of what confines the service is overridden" = config: lib.attrNames (unit config).serviceConfig == ["LoadCredential"];
      };
    };
    immutable-policy =
      but {immutablePolicy = true;}
      // {
        holds."a changed policy restarts the service" = config: (unit config).restartTriggers != [] && (unit config).reloadTriggers == [];
      };
    other-address =
      but {listenAddress = "127.0.0.1:7443";}
      // {
        holds."the unit's own address is taken back" = config: config.systemd.sockets.kubelet-proxy.listenStreams == ["" "127.0.0.1:7443"];
      };
    remote-server = but {
      upstream = {
        kubeconfig = lib.mkForce null;
        server = remote;
        caFile = "/etc/kubelet-proxy/upstream-ca.crt";
        allowedAddresses = ["192.0.2.10"];
      };
    };
    token-of-a-plugin =
      but {
        clientName = "system:node:worker-1";
        upstream = {
          kubeconfig = lib.mkForce null;
          server = remote;
          caFile = "/etc/kubelet-proxy/upstream-ca.crt";
          allowedAddresses = ["192.0.2.10"];
          tokenPlugin = "/etc/kubelet-proxy/exec.kubeconfig";
        };
      }
      // {
        holds."the plugin runs beside the service" = config: config.systemd.services.kubelet-proxy-token.wantedBy == ["kubelet-proxy.service"];
        holds."the proxy reads its token" = config: config.services.kubelet-proxy.upstream.tokenFile == "/run/kubelet-proxy-token/token";
      };
    metrics-for-scrapers =
      but {metrics.listenAddress = "127.0.0.1:9448";}
      // {
        holds."they are on a socket of their own" = config: config.systemd.sockets.kubelet-proxy-metrics.listenStreams == ["127.0.0.1:9448"];
      };

    no-upstream = refuses {upstream.kubeconfig = lib.mkForce null;} "needs one way to the API server";
    two-upstreams = refuses {upstream.server = "https://127.0.0.1:6443";} "needs one way to the API server";
    plaintext-upstream = refuses {upstream.server = "http://127.0.0.1:8080";} "anybody on the way can pose";
    upstream-is-the-proxy = refuses {upstream.server = "https://127.0.0.1:6448";} "is the proxy itself";
    unreachable-upstream = refuses {upstream.server = remote;} "list the API server's addresses";
    token-without-name = refuses {upstream.tokenFile = "/run/kubelet-proxy-token/token";} "no certificate to take the kubelet's name from";
    reachable-from-elsewhere = refuses {listenAddress = "0.0.0.0:6448";} "can be reached from elsewhere";
    every-address = refuses {listenAddress = "6448";} "can be reached from elsewhere";
    unchecked-policy = refuses {policy = lib.mkForce "/var/lib/policy.json";} "is not checked when the system is built";
    key-in-store = refuses {credentials."serving.key" = ./plain.nix;} "everybody can read";
    kubeconfig-in-store = refuses {upstream.kubeconfig = lib.mkForce ./plain.nix;} "everybody can read";
    flag-with-an-option = refuses {settings.sandbox = "best-effort";} "set services.kubelet-proxy.sandbox.mode instead";
    all-pods = refuses {settings.allow-all-pods = true;} "opens a way around the policy";
    any-client = refuses {settings.allow-any-client = true;} "opens a way around the policy";
    other-command-line = {
      module.imports = [good {systemd.services.kubelet-proxy.serviceConfig.ExecStart = "/bin/true";}];
      refusal = "replaces the command line that enforces";
    };
    other-flags = {
      module.imports = [good {systemd.services.kubelet-proxy.environment.KUBELET_PROXY_FLAGS = lib.mkForce "--allow-all-pods";}];
      refusal = "these flags are not checked";
    };
    flags-from-elsewhere = {
      module.imports = [good {systemd.services.kubelet-proxy.serviceConfig.Environment = "KUBELET_PROXY_FLAGS=--allow-all-pods";}];
      refusal = "Environment can bring flags";
    };
    flags-from-a-file = {
      module.imports = [good {systemd.services.kubelet-proxy.serviceConfig.EnvironmentFile = "/root/flags";}];
      refusal = "EnvironmentFile can bring flags";
    };
    old-systemd = {
      module = {pkgs, ...}: {
        imports = [good];
        systemd.package = lib.mkForce (pkgs.systemd // {version = "256.1";});
      };
      refusal = "use 257 or later";
    };

    weak-sandbox = warns {sandbox.mode = "best-effort";} "without Landlock or seccomp";
    exec-into-pods = warns {kubeletApi.debuggingHandlers = true;} "run commands in admitted pods";
    public-authorities = warns {settings.allow-system-roots = true;} "any public authority";
    open-metrics = warns {metrics.listenAddress = "192.0.2.7:9448";} "can be read from elsewhere";
    overridden-confinement = {
      module.imports = [good {systemd.services.kubelet-proxy.serviceConfig.PrivateUsers = false;}];
      warning = "PrivateUsers override what the package ships";
    };
  }
  // lib.genAttrs ["allow-http-upstream" "allow-insecure-upstream-tls" "allow-plaintext"]
  (flag: refuses {settings.${flag} = true;} "opens a way around the policy")
