# What an image of nodeward leaves to choose.
{lib, ...}: let
  inherit (lib) mkOption types;
in {
  options.nodeward.appliance = {
    disk = mkOption {
      type = types.path;
      example = "/dev/disk/by-path/pci-0000:00:04.0";
      description = ''
        The disk that the image is written to, as a quoted path. The node's state is made on it at the first boot.
      '';
    };

    storeSize = mkOption {
      type = types.strMatching "[0-9]+[MG]";
      default = "2G";
      description = ''
        Room for everything that runs. Updates must fit in it: it cannot grow after the first image. The
        disk needs twice as much, for the version that runs and the next one.
      '';
    };

    veritySize = mkOption {
      type = types.strMatching "[0-9]+[MG]";
      default = "64M";
      description = "Room for the hashes of {option}`nodeward.appliance.storeSize`, about 1 % of it.";
    };

    stateSize = mkOption {
      type = types.strMatching "[0-9]+[MG]";
      default = "4G";
      description = "Least room for {file}`/var`. It takes what is left of the disk.";
    };

    signedUki = mkOption {
      type = types.nullOr types.path;
      default = null;
      description = ''
        The unified kernel image of this very configuration, signed outside of the build. Without it the image has an
        unsigned one, which a machine with Secure Boot does not start.
      '';
    };

    signedBootLoader = mkOption {
      type = types.nullOr types.path;
      default = null;
      description = "systemd-boot, signed outside of the build, for machines with Secure Boot.";
    };

    updates = {
      url = mkOption {
        type = types.nullOr types.str;
        default = null;
        example = "https://images.example/nodeward/";
        description = "Directory with the next versions, `SHA256SUMS` and `SHA256SUMS.gpg`. Without it a node stays as it is.";
      };

      keyring = mkOption {
        type = types.nullOr types.path;
        default = null;
        description = "GPG keyring with the public key that signs `SHA256SUMS`.";
      };
    };

    assessment.timeoutMinutes = mkOption {
      type = types.ints.positive;
      default = 10;
      description = ''
        How long a new version may take until its proxy enforces. After that the node starts again; after
        three such boots it starts the version before.
      '';
    };
  };
}
