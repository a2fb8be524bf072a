# Two builds of the same source, in directories of different names, give the same program. What
# `nix build --rebuild` asks of one machine, this asks of every check.
{
  kubelet-proxy,
  pkgs,
}: let
  again = kubelet-proxy.overrideAttrs (old: {
    pname = "${old.pname}-again";
    postUnpack = "mv $sourceRoot elsewhere && sourceRoot=elsewhere";
  });
in
  pkgs.runCommand "reproducible" {} ''
    cmp ${kubelet-proxy}/bin/kubelet-proxy ${again}/bin/kubelet-proxy
    sha256sum ${kubelet-proxy}/bin/kubelet-proxy >$out
  ''
