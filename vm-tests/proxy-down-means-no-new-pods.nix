# While the proxy is down, what runs goes on running and nothing new starts.
{promise, ...}: promise {promises = ["proxy-down-means-no-new-pods"];}
