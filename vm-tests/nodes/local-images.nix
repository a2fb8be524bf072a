# The images that pods of these tests are made of, put where k3s imports them from.
{pkgs, ...}: let
  image = name: command:
    pkgs.dockerTools.buildImage {
      name = "test.local/${name}";
      tag = "local";
      copyToRoot = pkgs.buildEnv {
        name = "${name}-root";
        paths = [pkgs.pkgsStatic.busybox pkgs.tini];
        pathsToLink = ["/bin"];
      };
      config.Entrypoint = command;
    };
in {
  services.k3s.images = [
    (image "pause" ["/bin/tini" "--" "/bin/sleep" "inf"])
    (image "workload" null)
  ];
}
