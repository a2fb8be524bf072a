# Cases about the kubelet of services.kubernetes.
{lib}: let
  node = {
    services.kubernetes = {
      roles = ["node"];
      masterAddress = "control-plane.example";
      easyCerts = true;
    };
    services.kubelet-proxy = {
      enable = true;
      policy.defaultAction = "deny";
      kubernetes.enable = true;
      upstream.allowedAddresses = ["192.0.2.10"];
    };
  };
  but = more: {module.imports = [node more];};
  kubelet = settings: words: but {services.kubernetes.kubelet = settings;} // {refusal = words;};
  flags = line: kubelet {extraOpts = line;};
in {
  kubernetes-node = {
    module = node;
    holds = {
      "the kubelet is pointed at the proxy" = config: config.services.kubernetes.kubelet.kubeconfig.server == "https://127.0.0.1:6448";
      "the kubelet has a key of its own" = config:
        config.services.kubernetes.kubelet.kubeconfig.keyFile == "/var/lib/kubelet-proxy-pki/kubelet.key";
      "the proxy has the node's key" = config:
        lib.any (lib.hasPrefix "node.key:/var/lib/kubernetes") config.systemd.services.kubelet-proxy.serviceConfig.LoadCredential;
      "no rules, no kubelet" = config: lib.elem "kubelet.service" config.systemd.services.kubelet-lockout.requiredBy;
      "the kubelet runs where the rules match" = config: config.systemd.services.kubelet.serviceConfig.Slice == "proxiedkubelet.slice";
      "the kubelet comes after the socket" = config: lib.elem "kubelet-proxy.socket" config.systemd.services.kubelet.after;
    };
  };

  kubernetes-and-k3s =
    but {
      services.k3s.enable = true;
      services.kubelet-proxy.k3s.enable = true;
      services.kubelet-proxy.upstream = {
        server = lib.mkForce "https://127.0.0.1:6443";
        caFile = lib.mkForce "/root/ca.crt";
        certFile = lib.mkForce "/root/node.crt";
        keyFile = lib.mkForce "/root/node.key";
      };
      services.kubelet-proxy.credentials = {
        "serving.crt" = "/root/serving.crt";
        "serving.key" = "/root/serving.key";
        "client-ca.crt" = "/root/client-ca.crt";
      };
    }
    // {refusal = "a node has one kubelet";};
  kubernetes-manifests = kubelet {manifests.pod = {};} "static pods pass no policy";
  kubernetes-other-server = kubelet {kubeconfig.server = lib.mkForce "https://192.0.2.10:6443";} "without the proxy";
  kubernetes-keeps-the-key =
    kubelet {kubeconfig.keyFile = lib.mkForce "/var/lib/kubernetes/secrets/kubelet-client-key.pem";} "would hold the node's key";
  kubernetes-static-pods = flags "--pod-manifest-path=/root/pods" "static pods pass no policy";
  kubernetes-other-kubeconfig = flags "--v=2 --kubeconfig /root/kubeconfig" "the kubelet's kubeconfig";
  kubernetes-hidden-flags = flags "$FLAGS" "systemd would expand";
  kubernetes-listens-where-closed =
    but {
      services.kubelet-proxy.listenAddress = "127.0.0.1:6443";
      services.kubelet-proxy.upstream.server = "https://control-plane.example:6443";
    }
    // {refusal = "listen on another port";};
  kubernetes-exec = flags "--enable-debugging-handlers" "debuggingHandlers instead";
  kubernetes-file-static-pods = kubelet {extraConfig.staticPodPath = lib.mkForce "/root/pods";} "extraConfig.staticPodPath";
  kubernetes-file-anonymous = kubelet {extraConfig.authentication.anonymous.enabled = true;} "authentication.anonymous.enabled";
  kubernetes-flushed-rules =
    but {
      networking.nftables.enable = true;
      networking.nftables.flushRuleset = true;
    }
    // {refusal = "networking.nftables.flushRuleset";};
  kubernetes-without-key = {
    module.imports = [
      node
      {services.kubernetes.easyCerts = lib.mkForce false;}
    ];
    refusal = "needs the node's certificate";
  };

  kubernetes-open-way = but {services.kubelet-proxy.kubernetes.blockDirectWay = false;} // {warning = "only the missing key";};
}
