# Another process on the node cannot use the proxy: it has no certificate of the kubelet.
{promise, ...}: promise {promises = ["other-local-process-is-refused"];}
