# A manifest in the directory where k3s looks for static pods runs nothing.
{promise, ...}: promise {promises = ["static-pod-is-ignored"];}
