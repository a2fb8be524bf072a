# A pod that the policy admits runs as on any other node.
{promise, ...}: promise {promises = ["allowed-pod-runs"];}
