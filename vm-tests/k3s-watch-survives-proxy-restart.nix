# A restart of the proxy costs no running pod, and pods go on being started and refused.
{promise, ...}: promise {promises = ["watch-survives-proxy-restart"];}
