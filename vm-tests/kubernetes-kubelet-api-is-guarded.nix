# The kubelet's own API on a node of services.kubernetes: the API server reaches it through the guard, for
# what the policy permits, and nobody reaches it on loopback.
{pkgs, ...}: let
  pki = "/var/lib/guard-pki";
in {
  nodes.machine = {
    config,
    lib,
    nodeModule,
    ...
  }: let
    address = config.networking.primaryIPAddress;
    users = ["kube-apiserver.service" "kubelet.service" "kubelet-proxy-kubelet-api.socket" "kubelet-proxy.service"];
  in {
    imports = [nodeModule];

    virtualisation = {
      memorySize = 3072;
      diskSize = 6144;
      cores = 2;
      # The host's store, as the build sandbox shows it, belongs to nobody, and the proxy takes its policy
      # only from root's files. In an image of its own the store is root's.
      useNixStoreImage = true;
    };
    networking.firewall.enable = false;
    networking.extraHosts = "${address} api.kubernetes";

    services.kubernetes = {
      roles = ["master" "node"];
      easyCerts = true;
      masterAddress = "api.kubernetes";
      apiserver.advertiseAddress = address;
      apiserver.kubeletClientCaFile = lib.mkForce "${pki}/servers.crt";
      kubelet.tlsCertFile = lib.mkForce "${pki}/node.crt";
      kubelet.tlsKeyFile = lib.mkForce "${pki}/node.key";
    };
    services.kubelet-proxy = {
      enable = true;
      kubernetes.enable = true;
      policy = {
        apiVersion = "nodeward.dev/v2";
        kind = "NodePolicy";
        name = "guarded";
        rules = [];
        kubeletApi.endpoints = ["metrics"];
      };
      upstream.allowedAddresses = [address];
      kubeletApi.guard = {
        enable = true;
        listenAddress = "${address}:10250";
        allowedAddresses = [address];
        callersCaFile = "/var/lib/kubernetes/secrets/ca.pem";
        certFile = "${pki}/node.crt";
        keyFile = "${pki}/node.key";
        kubeletCaFile = "${pki}/servers.crt";
        clientCertFile = "${pki}/guard.crt";
        clientKeyFile = "${pki}/guard.key";
        clientCaFile = "${pki}/guards.crt";
      };
    };

    # An authority for servers and one for the guard, whose keys nobody needs afterwards.
    systemd.services.guard-pki = {
      before = users;
      requiredBy = users;
      path = [pkgs.openssl];
      unitConfig.DefaultDependencies = false;
      serviceConfig = {
        Type = "oneshot";
        RemainAfterExit = true;
        StateDirectory = "guard-pki";
        WorkingDirectory = pki;
        UMask = "0022";
      };
      script = ''
        authority() {
          openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 30 \
            -subj "/CN=$1" -keyout "$1.key" -out "$1.crt"
        }
        issue() {
          openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 30 \
            -subj "/CN=$2" -addext "subjectAltName=$3" -addext basicConstraints=critical,CA:FALSE \
            -CA "$1.crt" -CAkey "$1.key" -keyout "$2.key" -out "$2.crt"
        }
        authority servers
        authority guards
        issue servers node DNS:machine,IP:${address}
        issue guards guard DNS:guard
        rm servers.key guards.key
        # The kubelet and its API server do not run as one user.
        chmod 644 node.key
      '';
    };
  };

  testScript = {nodes, ...}: let
    address = nodes.machine.networking.primaryIPAddress;
    caller = nodes.machine.services.kubernetes.pki.certs.apiserverKubeletClient;
  in ''
    admin = "KUBECONFIG=/etc/kubernetes/cluster-admin.kubeconfig kubectl"
    machine.wait_for_unit("kubelet.service")
    machine.wait_until_succeeds(f"{admin} wait --timeout=60s --for=condition=Ready node/machine")


    def ask(host: str, target: str) -> str:
        return machine.succeed(
            "curl --silent --show-error --cacert ${pki}/servers.crt --connect-timeout 5"
            " --cert ${caller.cert} --key ${caller.key} --write-out ' %{http_code}'"
            f" --connect-to machine:10250:{host}:10250 'https://machine:10250{target}'"
        )


    with subtest("what the policy lists can be read through the API server"):
        machine.wait_until_succeeds(f"{admin} get --raw /api/v1/nodes/machine/proxy/metrics >/dev/null")

    with subtest("what it does not list cannot"):
        machine.fail(f"{admin} get --raw /api/v1/nodes/machine/proxy/pods")
        assert "no pod of this name was admitted" in ask("${address}", "/containerLogs/default/none/main")
        assert ask("${address}", "/configz").endswith(" 403")

    with subtest("on loopback the API server's own certificate is nobody's"):
        assert ask("127.0.0.1", "/metrics").endswith(" 401")
  '';
}
