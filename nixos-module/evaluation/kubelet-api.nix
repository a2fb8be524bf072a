# Cases about the guard of the kubelet's own API, with either kubelet behind it.
{lib}: let
  guard = {
    enable = true;
    listenAddress = "192.0.2.20:10250";
    allowedAddresses = ["192.0.2.10"];
    callersCaFile = "/var/lib/secrets/callers.crt";
    certFile = "/var/lib/secrets/node.crt";
    keyFile = "/var/lib/secrets/node.key";
    kubeletCaFile = "/var/lib/secrets/kubelet-ca.crt";
    clientCertFile = "/var/lib/secrets/guard.crt";
    clientKeyFile = "/var/lib/secrets/guard.key";
    clientCaFile = "/var/lib/secrets/guard-ca.crt";
  };
  proxy = {
    enable = true;
    policy = {
      apiVersion = "nodeward.dev/v2";
      kind = "NodePolicy";
      name = "node";
      rules = [];
      kubeletApi.endpoints = ["metrics"];
    };
    kubeletApi = {inherit guard;};
  };
  ofK3s = role: {
    services.k3s = {
      enable = true;
      inherit role;
      serverAddr = lib.mkIf (role == "agent") "https://192.0.2.10:6443";
      tokenFile = lib.mkIf (role == "agent") "/etc/k3s-token";
    };
    services.kubelet-proxy = proxy // {k3s.enable = true;};
  };
  ofKubernetes = {
    services.kubernetes = {
      roles = ["node"];
      masterAddress = "control-plane.example";
      easyCerts = true;
    };
    services.kubelet-proxy =
      proxy
      // {
        kubernetes.enable = true;
        upstream.allowedAddresses = ["192.0.2.10"];
      };
  };
  but = more: {module.imports = [(ofK3s "server") more];};
  guarded = settings: but {services.kubelet-proxy.kubeletApi.guard = settings;};
  refuses = settings: words: guarded settings // {refusal = words;};
  kubernetesBut = more: {module.imports = [ofKubernetes more];};
  service = config: config.systemd.services.kubelet-proxy;
  flags = config: (service config).environment.KUBELET_PROXY_FLAGS;
  ofProxy = {
    "the guard gets its socket and keeps the others" = config:
      (service config).serviceConfig.Sockets == map (name: "kubelet-proxy${name}.socket") ["" "-admin" "-kubelet-api"];
    "the socket is at the node's address" = config:
      config.systemd.sockets.kubelet-proxy-kubelet-api.listenStreams == ["192.0.2.20:10250"];
    "the socket starts the proxy and has the guard's name" = config: let
      socket = config.systemd.sockets.kubelet-proxy-kubelet-api.socketConfig;
    in
      socket.Service == "kubelet-proxy.service" && socket.FileDescriptorName == "kubelet-api";
    "callers can connect" = config: lib.elem "192.0.2.10" (service config).serviceConfig.IPAddressAllow;
    "its keys are credentials" = config:
      lib.all (entry: lib.elem entry (service config).serviceConfig.LoadCredential) [
        "kubelet-api.key:/var/lib/secrets/node.key"
        "guard.key:/var/lib/secrets/guard.key"
      ];
    "the flags switch it on" = config:
      lib.all (flag: lib.hasInfix flag (flags config)) [
        "--kubelet-api-listen=192.0.2.20:10250"
        "--kubelet-api-client-name=system:kube-apiserver"
        "--kubelet-api-guard-key=%d/guard.key"
      ];
  };
in {
  guard-k3s-server = {
    module = ofK3s "server";
    holds =
      ofProxy
      // {
        "the kubelet is on loopback and knows the guard alone" = config:
          lib.all (flag: lib.elem flag config.services.k3s.extraFlags) [
            "--kubelet-arg=address=127.0.0.1"
            "--kubelet-arg=client-ca-file=/var/lib/secrets/guard-ca.crt"
            "--egress-selector-mode=disabled"
          ];
        "the kubelet serves what the guard relays" = config: config.services.k3s.extraKubeletConfig.enableDebuggingHandlers;
      };
  };
  guard-k3s-agent = {
    module = ofK3s "agent";
    warning = "give them --egress-selector-mode=disabled";
    holds."an agent does not get a server's flag" = config: !lib.elem "--egress-selector-mode=disabled" config.services.k3s.extraFlags;
  };
  guard-kubernetes = {
    module = ofKubernetes;
    holds =
      ofProxy
      // {
        "the kubelet is on loopback and knows the guard alone" = config: let
          inherit (config.services.kubernetes) kubelet;
        in
          kubelet.address == "127.0.0.1" && kubelet.clientCaFile == "/var/lib/secrets/guard-ca.crt";
      };
  };
  guard-from-here-only = guarded {allowedAddresses = lib.mkForce [];} // {warning = "only this machine can reach the guard";};
  kubelet-api-for-nobody = {
    module.imports = [
      (ofK3s "server")
      {services.kubelet-proxy.kubeletApi.guard.enable = lib.mkForce false;}
      {services.kubelet-proxy.kubeletApi.denyAll = true;}
    ];
    holds."the flag says so" = config: lib.hasInfix "--deny-kubelet-api" (flags config);
    holds."there is no listener" = config: !config.systemd.sockets ? kubelet-proxy-kubelet-api;
  };
  signed-policies = {
    module.imports = [
      (ofK3s "server")
      {services.kubelet-proxy.verificationKeys = [./plain.nix ./k3s.nix];}
    ];
    holds."each key has a file and a flag" = config:
      lib.all (number: lib.hasInfix "--policy-verification-cert=/etc/kubelet-proxy/signers/${number}.pem" (flags config))
      ["0" "1"]
      && lib.all (number: config.environment.etc ? "kubelet-proxy/signers/${number}.pem") ["0" "1"];
    holds."another key reloads the service" = config: lib.elem ./plain.nix (service config).reloadTriggers;
  };

  guard-and-nobody = but {services.kubelet-proxy.kubeletApi.denyAll = true;} // {refusal = "set one of them";};
  guard-without-key = refuses {keyFile = lib.mkForce null;} "keyFile is not set";
  guard-key-in-store = refuses {clientKeyFile = lib.mkForce ./k3s.nix;} "guard.key would be in the Nix store";
  guard-without-address = refuses {listenAddress = lib.mkForce null;} "is not the node's own address";
  guard-on-loopback = refuses {listenAddress = lib.mkForce "127.0.0.1:10250";} "is not the node's own address";
  guard-everywhere = refuses {listenAddress = lib.mkForce "0.0.0.0:10250";} "is not the node's own address";
  guard-on-a-port = refuses {listenAddress = lib.mkForce "10250";} "is not the node's own address";
  guard-on-another-port = refuses {listenAddress = lib.mkForce "192.0.2.20:443";} "use 10250";
  guard-for-nobody = refuses {callers = lib.mkForce [];} "nobody would be served";
  guard-with-an-old-policy = but {services.kubelet-proxy.policy = lib.mkForce {defaultAction = "deny";};} // {refusal = "says nothing about the kubelet's API";};
  guard-of-no-handlers = but {services.kubelet-proxy.kubeletApi.debuggingHandlers = false;} // {refusal = "cannot ask which pods run";};
  guard-of-no-kubelet = {
    module.services.kubelet-proxy = proxy // {upstream.kubeconfig = "/etc/kubelet-proxy/upstream.kubeconfig";};
    refusal = "which kubelet it guards is not known";
  };
  guard-k3s-elsewhere = but {services.k3s.extraFlags = ["--kubelet-arg=address=0.0.0.0"];} // {refusal = "leave it to this module";};
  guard-k3s-other-authority = but {services.k3s.extraFlags = ["--kubelet-arg=client-ca-file=/root/ca.crt"];} // {refusal = "leave it to this module";};
  guard-k3s-settings = but {services.k3s.extraKubeletConfig.address = "0.0.0.0";} // {refusal = "leave them out of its settings";};
  guard-kubernetes-elsewhere = kubernetesBut {services.kubernetes.kubelet.address = lib.mkForce "0.0.0.0";} // {refusal = "leave services.kubernetes.kubelet.address";};
  guard-kubernetes-settings = kubernetesBut {services.kubernetes.kubelet.extraConfig.authentication.x509.clientCAFile = "/root/ca.crt";} // {refusal = "leave them out of its settings";};
  guard-by-flags = but {services.kubelet-proxy.settings.kubelet-api-listen = "192.0.2.20:10250";} // {refusal = "set services.kubelet-proxy.kubeletApi.guard.listenAddress";};
}
