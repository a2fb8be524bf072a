# What every small unit of this module is denied. The proxy's own unit is a packaged file and stricter.
{
  DynamicUser = true;
  CapabilityBoundingSet = "";
  NoNewPrivileges = true;
  LockPersonality = true;
  MemoryDenyWriteExecute = true;
  RestrictNamespaces = true;
  RestrictRealtime = true;
  RestrictSUIDSGID = true;
  SystemCallArchitectures = "native";
  SystemCallFilter = ["@system-service" "~@privileged @resources"];
  SystemCallErrorNumber = "EPERM";
  PrivateDevices = true;
  PrivateTmp = true;
  ProtectSystem = "strict";
  ProtectHome = true;
  ProtectProc = "invisible";
  ProcSubset = "pid";
  ProtectClock = true;
  ProtectControlGroups = true;
  ProtectHostname = true;
  ProtectKernelLogs = true;
  ProtectKernelModules = true;
  ProtectKernelTunables = true;
  UMask = "0077";
}
