# Evaluates the module against configurations that it must take and others that it must refuse.
#
# Given `evaluate`, from a module to the `config` of a system with it, the result is a list of what is
# not as it should be; empty is good. Each refusal is looked for by its words, so that a case fails
# too when something else refuses it.
{
  lib,
  evaluate,
}: let
  refused = config: map (it: it.message) (lib.filter (it: !it.assertion) config.assertions);

  # Of a stripped-down system others may complain; this module's complaints are those that name it.
  ours = lib.filter (message: lib.any (part: lib.hasInfix part message) names);
  names = ["kubelet" "k3s" "nodeward" "networking.nftables.flushRuleset" "services.openssh" "system.image"];

  judge = name: case: let
    config = evaluate {imports = [case.module];};
    messages = ours (refused config);
    warnings = ours config.warnings;
    none = ["nothing"];
    orNone = list:
      if list == []
      then none
      else list;
    says = words: list: lib.any (lib.hasInfix words) list;
  in
    if case ? refusal
    then
      lib.optional (!says case.refusal messages)
      "${name}: expected a refusal with «${case.refusal}», got ${lib.concatStringsSep "; " (orNone messages)}"
    else
      lib.optional (messages != []) "${name}: refused: ${lib.concatStringsSep "; " messages}"
      ++ lib.optional (case ? warning && !says case.warning warnings)
      "${name}: expected a warning with «${case.warning}», got ${lib.concatStringsSep "; " (orNone warnings)}"
      ++ lib.optional (!case ? warning && warnings != [])
      "${name}: warned: ${lib.concatStringsSep "; " warnings}"
      ++ lib.concatLists (lib.mapAttrsToList (what: holds: lib.optional (!holds config) "${name}: ${what}: it does not") (case.holds or {}));

  cases = lib.mergeAttrsList [
    (import ./evaluation/plain.nix {inherit lib;})
    (import ./evaluation/k3s.nix)
    (import ./evaluation/kubernetes.nix {inherit lib;})
    (import ./evaluation/kubelet-api.nix {inherit lib;})
    (import ./evaluation/appliance.nix {inherit lib;})
  ];
in {
  count = lib.length (lib.attrNames cases);
  failures = lib.concatLists (lib.mapAttrsToList judge cases);
}
