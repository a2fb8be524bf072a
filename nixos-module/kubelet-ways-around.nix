# Flags and settings by which a kubelet would take pods or orders from elsewhere than the proxy, with
# what to do instead. The same for every distribution.
{
  flags = {
    kubeconfig = "the kubelet would reach the API server without the proxy; leave it to this module";
    bootstrap-kubeconfig = "the kubelet would reach the API server without the proxy; leave it to this module";
    config = "a file could set what is refused here; use the module's own option for kubelet settings";
    config-dir = "a file could set what is refused here; use the module's own option for kubelet settings";
    pod-manifest-path = "static pods pass no policy; create the pod in the cluster";
    manifest-url = "static pods pass no policy; create the pod in the cluster";
    manifest-url-header = "static pods pass no policy; create the pod in the cluster";
    read-only-port = "the kubelet's API would be open to everybody; leave it off";
    anonymous-auth = "the kubelet's API would be open to everybody; leave it off";
    authorization-mode = "the kubelet's API would be open to everybody it knows; leave it Webhook";
    enable-debugging-handlers = "set services.kubelet-proxy.kubeletApi.debuggingHandlers instead";
  };

  # What must not be in a KubeletConfiguration: where it is, whether it is wrong, what to do.
  settings = [
    {
      path = ["staticPodPath"];
      isWrong = value: value != "";
      remedy = "static pods pass no policy; create the pod in the cluster";
    }
    {
      path = ["staticPodURL"];
      isWrong = value: value != "";
      remedy = "static pods pass no policy; create the pod in the cluster";
    }
    {
      path = ["readOnlyPort"];
      isWrong = value: value != 0;
      remedy = "the kubelet's API would be open to everybody; leave it 0";
    }
    {
      path = ["authentication" "anonymous" "enabled"];
      isWrong = value: value;
      remedy = "the kubelet's API would be open to everybody; leave it false";
    }
    {
      path = ["authorization" "mode"];
      isWrong = value: value != "Webhook";
      remedy = "the kubelet's API would be open to everybody it knows; leave it Webhook";
    }
  ];
}
