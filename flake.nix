# Builds the package, nothing more: modules and the appliance are built on top of it elsewhere.
# The tests need root and a cluster of their own, which the build sandbox has not: `make test`.
{
  description = "nodeward: the gatehouse of a Kubernetes node";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";

  outputs = {
    self,
    nixpkgs,
  }: let
    systems = ["aarch64-linux" "x86_64-linux"];
    forAllSystems = build: nixpkgs.lib.genAttrs systems (system: build nixpkgs.legacyPackages.${system});
    manifest = nixpkgs.lib.importTOML ./Cargo.toml;
  in {
    packages = forAllSystems (pkgs: {
      default = pkgs.rustPlatform.buildRustPackage {
        pname = manifest.package.name;
        inherit (manifest.package) version;
        src = self;
        cargoLock.lockFile = ./Cargo.lock;
        doCheck = false;
        meta = {
          inherit (manifest.package) description;
          homepage = manifest.package.repository;
          license = nixpkgs.lib.licenses.asl20;
          mainProgram = "kubelet-proxy";
          platforms = systems;
        };
      };
    });
  };
}
