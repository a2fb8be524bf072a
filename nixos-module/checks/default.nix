# Everything `nix flake check` looks at, apart from the machines of vm-tests/.
{
  lib,
  pkgs,
  kubelet-proxy,
  docs,
  source,
  evaluate,
}: let
  # A variant of the package that builds nothing and looks at the source instead.
  look = name: tools: command:
    kubelet-proxy.overrideAttrs (old: {
      pname = "kubelet-proxy-${name}";
      src = source;
      nativeBuildInputs = old.nativeBuildInputs ++ tools;
      buildPhase = command;
      installPhase = "touch $out";
      postInstall = "";
      dontFixup = true;
    });
in {
  package = kubelet-proxy;
  options-page = docs;

  clippy = look "clippy" [pkgs.clippy] "cargo clippy --all-targets --offline --locked -- --deny warnings";
  fmt = look "fmt" [pkgs.rustfmt] "cargo fmt --check";
  # Without the advisories, which change every day and are elsewhere.
  deny = look "deny" [pkgs.cargo-deny] "cargo deny --offline --locked check licenses bans sources";

  nix-format = pkgs.runCommand "nix-format" {nativeBuildInputs = [pkgs.alejandra pkgs.deadnix];} ''
    alejandra --check ${source}/flake.nix ${source}/nixos-module ${source}/vm-tests
    deadnix --fail ${source}/flake.nix ${source}/nixos-module ${source}/vm-tests
    touch $out
  '';

  unit-score = import ./unit-score.nix {inherit kubelet-proxy pkgs;};
  reproducible = import ./reproducible.nix {inherit kubelet-proxy pkgs;};

  module-evaluation = let
    evaluation = import ../evaluation.nix {
      inherit lib;
      evaluate = module: (evaluate module).config;
    };
  in
    pkgs.runCommand "module-evaluation" {failures = lib.concatLines evaluation.failures;} ''
      if [[ -n $failures ]]; then
        printf '%s' "$failures" >&2
        exit 1
      fi
      echo '${toString evaluation.count} configurations evaluated as they should' | tee $out
    '';
}
