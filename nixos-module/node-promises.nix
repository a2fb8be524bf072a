# The program that checks a node's promises, for the VM tests. Nobody installs it.
{kubelet-proxy}:
kubelet-proxy.overrideAttrs {
  pname = "node-promises";
  cargoBuildFlags = ["--example" "node-promises"];
  installPhase = ''
    install -D --target-directory=$out/bin $(find target -path '*/release/examples/node-promises')
  '';
  postInstall = "";
  meta.mainProgram = "node-promises";
}
