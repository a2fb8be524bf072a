# What can be built from this repository, and what `nix flake check` asks of it. The module is in
# nixos-module/, the tests on machines in vm-tests/; this file only names and connects.
{
  description = "nodeward: the gatehouse of a Kubernetes node";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";

  outputs = {
    self,
    nixpkgs,
  }: let
    inherit (nixpkgs) lib;
    systems = ["aarch64-linux" "x86_64-linux"];
    forAllSystems = build: lib.genAttrs systems (system: build nixpkgs.legacyPackages.${system});
    packagesFor = pkgs: self.packages.${pkgs.stdenv.hostPlatform.system};

    # The module knows its package by name only; here it is the one of this very commit. The key makes
    # it one module, however many of those below are imported.
    ownPackage = {
      config,
      pkgs,
      ...
    }: {
      key = "nodeward/own-package";
      config.services.kubelet-proxy.package = lib.mkIf config.services.kubelet-proxy.enable (lib.mkDefault (packagesFor pkgs).kubelet-proxy);
    };

    nixosFor = pkgs: modules:
      lib.nixosSystem {modules = [{nixpkgs.hostPlatform = pkgs.stdenv.hostPlatform.system;}] ++ modules;};

    applianceFor = pkgs: nixosFor pkgs [self.nixosModules.appliance ./nixos-module/appliance/example.nix];

    # The least that is a system, for checks of the module and the page of its options.
    evaluateFor = pkgs: module:
      nixosFor pkgs [
        self.nixosModules.default
        {
          boot.loader.grub.enable = false;
          fileSystems."/" = {
            device = lib.mkDefault "tmpfs";
            fsType = lib.mkDefault "tmpfs";
          };
          system.stateVersion = "26.05";
        }
        module
      ];

    vmTestsFor = pkgs:
      import ./vm-tests {
        inherit lib pkgs;
        nodeModule = self.nixosModules.default;
        applianceModule = self.nixosModules.appliance;
        nodePromises = pkgs.callPackage ./nixos-module/node-promises.nix {inherit (packagesFor pkgs) kubelet-proxy;};
      };
  in {
    packages = forAllSystems (pkgs: {
      default = (packagesFor pkgs).kubelet-proxy;
      kubelet-proxy = pkgs.callPackage ./nixos-module/package.nix {};
      docs = pkgs.callPackage ./nixos-module/options-page.nix {
        evaluate = evaluateFor pkgs;
        root = self;
      };
      appliance-image = (applianceFor pkgs).config.system.build.finalImage;
    });

    overlays.default = final: _: {kubelet-proxy = final.callPackage ./nixos-module/package.nix {};};

    nixosModules = {
      default.imports = [./nixos-module ownPackage];
      kubelet-proxy = self.nixosModules.default;
      appliance.imports = [./nixos-module/appliance.nix ownPackage];
    };

    nixosConfigurations = {
      appliance = applianceFor nixpkgs.legacyPackages.x86_64-linux;
      appliance-aarch64 = applianceFor nixpkgs.legacyPackages.aarch64-linux;
    };

    checks = forAllSystems (pkgs:
      import ./nixos-module/checks {
        inherit lib pkgs;
        inherit (packagesFor pkgs) kubelet-proxy docs;
        source = self;
        evaluate = evaluateFor pkgs;
      }
      // lib.mapAttrs' (name: lib.nameValuePair "vm-${name}") (vmTestsFor pkgs));

    apps = forAllSystems (pkgs: {
      demo = {
        type = "app";
        program = lib.getExe (vmTestsFor pkgs).demo.driver;
        meta.description = "Show an admitted and a denied pod on a throw-away virtual machine";
      };
    });

    formatter = forAllSystems (pkgs: pkgs.alejandra);

    devShells = forAllSystems (pkgs: {
      default = pkgs.mkShell {
        inputsFrom = [(packagesFor pkgs).kubelet-proxy];
        packages = [pkgs.alejandra pkgs.cargo-deny pkgs.clippy pkgs.deadnix pkgs.go pkgs.rustfmt];
      };
    });
  };
}
