# The program, its units and what belongs to them, in the form of nixpkgs.
#
# The tests need root and a cluster of their own, which a build has not: `make test`.
{
  lib,
  stdenv,
  coreutils,
  installShellFiles,
  rustPlatform,
  systemd,
}: let
  root = ../.;
  manifest = lib.importTOML (root + "/Cargo.toml");
in
  rustPlatform.buildRustPackage {
    pname = "kubelet-proxy";
    inherit (manifest.package) version;

    # Documentation and tests do not change the program. policies/, docs/schema/ and units/ are installed.
    src = lib.fileset.toSource {
      inherit root;
      fileset = lib.fileset.unions [
        (root + "/Cargo.toml")
        (root + "/Cargo.lock")
        (root + "/src")
        (root + "/examples")
        (root + "/benches")
        (root + "/policies")
        (root + "/docs/schema")
        (root + "/tests")
        (root + "/units")
        (lib.fileset.maybeMissing (root + "/vm-tests/node_promises"))
      ];
    };
    cargoLock.lockFile = root + "/Cargo.lock";

    strictDeps = true;
    nativeBuildInputs = [installShellFiles];
    cargoBuildFlags = ["--bins"];
    # As .ci/release-build does it: no path of the builder is left in the program.
    preBuild = ''
      export RUSTFLAGS="''${RUSTFLAGS:-} --remap-path-prefix=$PWD=/nodeward --remap-path-prefix=$NIX_BUILD_TOP=/build"
      export NIX_CFLAGS_COMPILE="''${NIX_CFLAGS_COMPILE:-} -ffile-prefix-map=$PWD=/nodeward -ffile-prefix-map=$NIX_BUILD_TOP=/build"
    '';
    doCheck = false;

    postInstall =
      ''
        install -D --mode=0644 --target-directory=$out/lib/systemd/system units/*.{service,socket,path}
        install -D --mode=0644 units/kubelet-proxy.sysusers $out/lib/sysusers.d/kubelet-proxy.conf
        install -D --mode=0644 --target-directory=$out/share/kubelet-proxy/policies policies/*.json
        install -D --mode=0644 --target-directory=$out/share/kubelet-proxy/schema docs/schema/*.json
        for catalog in units/*.catalog; do
          [[ ! -e $catalog ]] || install -D --mode=0644 --target-directory=$out/lib/systemd/catalog "$catalog"
        done

        # Units elsewhere find their programs in /usr/bin or by name; NixOS has neither.
        for unit in $out/lib/systemd/system/*; do
          substituteInPlace "$unit" --replace-quiet /usr/bin/kubelet-proxy $out/bin/kubelet-proxy
          sed -i \
            -e 's|^\(Exec[A-Za-z]*=\)systemctl |\1${lib.getExe' systemd "systemctl"} |' \
            -e 's|^\(Exec[A-Za-z]*=\)sleep |\1${lib.getExe' coreutils "sleep"} |' "$unit"
        done
        if grep --extended-regexp '/usr/bin|^Exec[A-Za-z]*=[^/]' $out/lib/systemd/system/*; then
          echo 'these lines name programs that are not there on NixOS' >&2
          exit 1
        fi
      ''
      + lib.optionalString (stdenv.buildPlatform.canExecute stdenv.hostPlatform) ''
        mkdir man
        $out/bin/kubelet-proxy man --directory man
        installManPage man/*
        for shell in bash fish zsh; do
          $out/bin/kubelet-proxy completions $shell >completion.$shell
          installShellCompletion --cmd kubelet-proxy --$shell completion.$shell
        done
      '';

    meta = {
      inherit (manifest.package) description;
      homepage = manifest.package.repository;
      changelog = "${manifest.package.repository}/blob/main/CHANGELOG.md";
      license = lib.licenses.asl20;
      mainProgram = "kubelet-proxy";
      platforms = ["aarch64-linux" "x86_64-linux"];
    };
  }
