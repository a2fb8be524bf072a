# Cases about k3s.
let
  node = {
    services.k3s = {
      enable = true;
      role = "agent";
      serverAddr = "https://192.0.2.10:6443";
      tokenFile = "/etc/k3s-token";
    };
    services.kubelet-proxy = {
      enable = true;
      policy.defaultAction = "deny";
      k3s.enable = true;
    };
  };
  but = more: {module.imports = [node more];};
  k3s = settings: but {services.k3s = settings;};
  watched = config: map (unit: unit.pathConfig.PathChanged or null) (builtins.attrValues config.systemd.paths);
  flags = list: words: k3s {extraFlags = list;} // {refusal = words;};
  unit = settings: words: but {systemd.services.k3s = settings;} // {refusal = words;};
  # A command line in place of the one that the module of nixpkgs makes.
  own = "k3s agent --kubelet-arg=kubeconfig=/etc/kubelet-proxy/kubelet.kubeconfig";
  instead = line: {
    module.imports = [
      node
      ({lib, ...}: {systemd.services.k3s.serviceConfig.ExecStart = lib.mkForce line;})
    ];
  };
  command = line: words: instead line // {refusal = words;};
  file = settings: words: k3s {extraKubeletConfig = settings;} // {refusal = words;};
in {
  k3s-agent = {
    module = node;
    holds = {
      "the proxy dials the agent's own load balancer" = config: config.services.kubelet-proxy.upstream.server == "https://127.0.0.1:6444";
      "k3s comes after the socket" = config: builtins.elem "kubelet-proxy.socket" config.systemd.services.k3s.after;
      "k3s never waits for the service" = config: let
        unit = config.systemd.services.k3s;
      in
        !builtins.elem "kubelet-proxy.service" (unit.after ++ unit.requires);
      "static pods are off" = config: config.services.k3s.extraKubeletConfig.staticPodPath == "";
      "renewed certificates reach the proxy" = config:
        builtins.elem "/var/lib/rancher/k3s/agent/client-kubelet.crt" (watched config);
    };
  };
  k3s-server = {
    module.imports = [
      {
        services.k3s.enable = true;
        services.kubelet-proxy = {
          enable = true;
          policy.defaultAction = "deny";
          k3s.enable = true;
        };
      }
    ];
    holds."the proxy dials the server's API" = config: config.services.kubelet-proxy.upstream.server == "https://127.0.0.1:6443";
  };
  k3s-other-directory = but {
    services.k3s.extraFlags = ["--data-dir /data/k3s"];
    services.kubelet-proxy.k3s.dataDir = "/data/k3s";
  };
  k3s-more-flags = k3s {extraFlags = ["--flannel-iface eth1" "--kubelet-arg=max-pods=40"];};

  k3s-absent = {
    module.imports = [{services.kubelet-proxy = node.services.kubelet-proxy;}];
    refusal = "k3s does not run here";
  };
  k3s-other-kubeconfig = flags ["--kubelet-arg=kubeconfig=/root/kubeconfig"] "the kubelet's kubeconfig";
  k3s-appended-kubeconfig = flags ["--kubelet-arg kubeconfig+=/root/kubeconfig"] "the kubelet's kubeconfig";
  k3s-quoted-kubeconfig = flags ["--kubelet-arg='kubeconfig=/root/kubeconfig'"] "the kubelet's kubeconfig";
  k3s-bootstrap = flags ["--kubelet-arg=bootstrap-kubeconfig=/root/kubeconfig"] "without the proxy";
  k3s-settings-file = flags ["--kubelet-arg=config=/root/kubelet.yaml"] "a file could set what is refused";
  k3s-settings-directory = flags ["--kubelet-arg=config-dir=/root"] "a file could set what is refused";
  k3s-static-pods = flags ["--kubelet-arg=pod-manifest-path=/root/pods"] "static pods pass no policy";
  k3s-static-pods-otherwise-spelt = flags ["--kubelet_arg=v=2,pod_manifest_path=/root/pods"] "static pods pass no policy";
  k3s-static-pod-url = flags ["--kubelet-arg=manifest-url=http://192.0.2.1/"] "static pods pass no policy";
  k3s-open-api = flags ["--kubelet-arg=read-only-port=10255"] "open to everybody";
  k3s-anonymous = flags ["--kubelet-arg" "anonymous-auth=true"] "open to everybody";
  k3s-authorization = flags ["--kubelet-arg=authorization-mode=AlwaysAllow"] "everybody it knows";
  k3s-exec = flags ["--kubelet-arg=enable-debugging-handlers=true"] "debuggingHandlers instead";
  k3s-own-config-file = flags ["--config /root/k3s.yaml"] "a configuration file for k3s";
  k3s-etc-config-file = but {environment.etc."rancher/k3s/config.yaml".text = "";} // {refusal = "a configuration file for k3s";};
  k3s-etc-config-target =
    but {
      environment.etc.harmless = {
        target = "rancher/k3s/config.yaml.d/more.yaml";
        text = "";
      };
    }
    // {refusal = "a configuration file for k3s";};
  k3s-etc-config-directory = but {environment.etc."rancher/k3s".source = ./.;} // {refusal = "a configuration file for k3s";};
  k3s-config-variable = unit {environment.K3S_CONFIG_FILE = "/root/k3s.yaml";} "K3S_CONFIG_FILE can undo";
  k3s-unit-variable = unit {serviceConfig.Environment = "K3S_CONFIG_FILE=/root/k3s.yaml";} "Environment can undo";
  k3s-unit-environment = {
    module.imports = [
      node
      ({lib, ...}: {systemd.services.k3s.serviceConfig.EnvironmentFile = lib.mkForce "/root/k3s.env";})
    ];
    refusal = "EnvironmentFile can undo";
  };
  k3s-other-program = command "/bin/sh -c 'k3s agent'" "replaces the command line";
  k3s-other-command = command "${own} --kubelet-arg=pod-manifest-path=/root/pods" "ExecStart: the kubelet's pod-manifest-path";
  k3s-other-command-with-config = command "${own} --config=/root/k3s.yaml" "a configuration file for k3s";
  k3s-other-command-without-proxy = command "k3s agent" "the kubelet is not pointed at the proxy";
  k3s-two-settings-files = command "${own} --kubelet-arg=config=${builtins.storeDir}/a --kubelet-arg=config=${builtins.storeDir}/b" "replaces the command line";
  k3s-module-settings-file = instead "${own} --kubelet-arg=config=${builtins.storeDir}/a";
  k3s-hidden-variable = flags ["$FLAGS"] "systemd would expand";
  k3s-hidden-specifier = flags ["--kubelet-arg=%E"] "systemd would expand";
  k3s-hidden-escape = flags ["--kubelet-ar\\x67=v=2"] "systemd would expand";
  k3s-continued-line = k3s {extraFlags = ["--flannel-iface eth1 \\\n --kubelet-arg=max-pods=40"];};
  k3s-drop-in-rule = but {systemd.tmpfiles.rules = ["L /var/lib/rancher/k3s/agent/etc/kubelet.conf.d/99.conf - - - - /root/kubelet.yaml"];} // {refusal = "files in kubelet.conf.d";};
  k3s-config-path = k3s {configPath = "/root/k3s.yaml";} // {refusal = "its file can undo";};
  k3s-environment = k3s {environmentFile = "/root/k3s.env";} // {refusal = "its file can undo";};
  k3s-data-elsewhere = flags ["--data-dir /data/k3s"] "k3s keeps its certificates elsewhere";
  k3s-other-port = flags ["--lb-server-port=7444"] "k3s listens on another port";
  k3s-replaced-flags = {
    module.imports = [
      node
      ({lib, ...}: {services.k3s.extraFlags = lib.mkForce [];})
    ];
    refusal = "the kubelet is not pointed at the proxy";
  };
  k3s-without-kubelet = k3s {disableAgent = true;} // {refusal = "runs no kubelet";};
  k3s-file-authorization = file {authorization.mode = "AlwaysAllow";} "everybody it knows";
  k3s-file-static-pods = {
    module.imports = [
      node
      ({lib, ...}: {services.k3s.extraKubeletConfig.staticPodPath = lib.mkForce "/root/pods";})
    ];
    refusal = "extraKubeletConfig.staticPodPath";
  };
  k3s-file-exec = {
    module.imports = [
      node
      ({lib, ...}: {services.k3s.extraKubeletConfig.enableDebuggingHandlers = lib.mkForce true;})
    ];
    refusal = "debuggingHandlers instead";
  };

  k3s-trusted-files =
    but {
      services.k3s.configPath = "/root/k3s.yaml";
      services.kubelet-proxy.k3s.trustConfigFiles = true;
    }
    // {warning = "is not checked";};
}
