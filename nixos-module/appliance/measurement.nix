# What was booted, told to the TPM. The UKI is measured by its stub; kubelet-proxy-measure.service, which
# the package ships, adds policy and binary, through the socket of systemd-pcrextend. NixOS has the
# program; its tpm2 module brings these units along in later versions only.
{lib, ...}: {
  # A unit that is named twice fails the build.
  options.systemd.additionalUpstreamSystemUnits = lib.mkOption {apply = lib.unique;};

  config = {
    systemd.additionalUpstreamSystemUnits = [
      "systemd-pcrextend.socket"
      "systemd-pcrextend@.service"
    ];
    systemd.sockets.systemd-pcrextend.wantedBy = ["sockets.target"];
  };
}
