# Of all requests that a kubelet of k3s makes, none is refused but those for denied pods.
{promise, ...}: promise {promises = ["nothing-else-is-refused"];}
