# One test a promise, each on machines of its own. What a promise means is written in node_promises/,
# which these tests run on the node; tests/ runs the same program where there are no machines to build.
#
# The name of a test is the name of its file.
{
  lib,
  pkgs,
  nodeModule,
  applianceModule,
  nodePromises,
}: let
  shared = {
    inherit lib pkgs applianceModule;
    # From a promise to a test of it on one machine that is server and node.
    promise = import ./promise.nix;
  };
  isTest = name: type: type == "regular" && lib.hasSuffix ".nix" name && !lib.elem name ["default.nix" "promise.nix"];
  files = lib.attrNames (lib.filterAttrs isTest (builtins.readDir ./.));

  test = file: let
    name = lib.removeSuffix ".nix" file;
  in
    lib.nameValuePair name (pkgs.testers.runNixOSTest ({
        inherit name;
        node.specialArgs = {inherit nodeModule nodePromises;};
      }
      // import (./. + "/${file}") shared));
in
  lib.listToAttrs (map test files)
