# What was booted, told to the TPM. The UKI is measured by its stub; kubelet-proxy-measure.service, which
# the package ships, adds policy and binary, through the socket of systemd-pcrextend. NixOS has the
# program and leaves out its units.
{
  systemd.additionalUpstreamSystemUnits = [
    "systemd-pcrextend.socket"
    "systemd-pcrextend@.service"
  ];
  systemd.sockets.systemd-pcrextend.wantedBy = ["sockets.target"];
}
