# Python for a test script: starts `machine` from a copy of its image that has room for both slots and
# /var. The variable that names the disk would count for other machines too, and is taken back.
{node}: ''
  import os
  import subprocess
  import tempfile

  disk = tempfile.NamedTemporaryFile()
  subprocess.run(
      [
          "${node.virtualisation.qemu.package}/bin/qemu-img", "create", "-f", "qcow2",
          "-b", "${node.system.build.finalImage}/${node.image.repart.imageFile}", "-F", "raw",
          disk.name, "16G",
      ],
      check=True,
  )
  os.environ["NIX_DISK_IMAGE"] = disk.name
  machine.start(allow_reboot=True)
  del os.environ["NIX_DISK_IMAGE"]

''
