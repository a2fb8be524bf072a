# Assertions about a kubelet's flags and settings, for whichever distribution runs it. `option` is where
# the operator wrote them, and begins every message.
lib: let
  waysAround = import ./kubelet-ways-around.nix;
in {
  # `flags` as kubelet-flags.nix reads them; `own` is what this module itself sets, by key.
  ofFlags = {
    option,
    flags,
    own ? {},
  }:
    lib.mapAttrsToList (key: remedy: {
      assertion = lib.all (flag: flag.key != key || flag.value == own.${key} or null) flags;
      message = "${option}: the kubelet's ${key}: ${remedy}";
    })
    waysAround.flags;

  ofSettings = {
    option,
    settings,
    debuggingHandlers,
  }:
    map ({
      path,
      isWrong,
      remedy,
    }: {
      assertion = !(lib.hasAttrByPath path settings && isWrong (lib.getAttrFromPath path settings));
      message = "${option}.${lib.concatStringsSep "." path}: ${remedy}";
    })
    waysAround.settings
    ++ [
      {
        # Absent, it is on.
        assertion = (settings.enableDebuggingHandlers or true) == debuggingHandlers;
        message = "${option}.enableDebuggingHandlers: set services.kubelet-proxy.kubeletApi.debuggingHandlers instead";
      }
    ];
}
