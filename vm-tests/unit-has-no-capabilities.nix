# No thread of the proxy has a capability or could get one; each is under a seccomp filter.
{promise, ...}: promise {promises = ["service-is-confined"];}
