// Command reflector holds the pods of one node exactly as a kubelet would hold them, and says so.
//
// It builds client and reflector as the kubelet does (pkg/kubelet/config/apiserver.go and
// cmd/kubelet/app/server.go: protobuf first, JSON accepted, field selector spec.nodeName, all
// namespaces, an UndeltaStore) and prints one JSON line for each set of pods that a kubelet would
// be sent, each HTTP exchange and each error. It judges nothing: the test that reads the lines does.
//
// Its verbs are reflect (until stdin closes), get, list and watch (one typed request each).
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
)

func main() {
	server := flag.String("server", "", "URL of the API server or of the proxy")
	ca := flag.String("ca", "", "PEM file: who signed the server's certificate")
	cert := flag.String("cert", "", "PEM file: the node's client certificate")
	key := flag.String("key", "", "PEM file: its key")
	node := flag.String("node", "node-1", "value of the field selector spec.nodeName")
	pod := flag.String("pod", "", "namespace/name, for get")
	repeat := flag.Int("repeat", 1, "how often, for list")
	flag.Parse()

	out := newJournal(os.Stdout)
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
	utilruntime.ErrorHandlers = []utilruntime.ErrorHandler{
		func(_ context.Context, err error, message string, _ ...interface{}) {
			out.print(line{Event: "error", Message: fmt.Sprintf("%s: %v", message, err)})
		},
	}
	// A test that dies must not leave this process behind: its end of the pipe closes.
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()

	client, err := kubernetes.NewForConfig(kubeletConfig(*server, *ca, *cert, *key, out))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(64)
	}
	selector := "spec.nodeName=" + *node
	switch flag.Arg(0) {
	case "reflect":
		reflect(ctx, client, *node, out)
	case "get":
		namespace, name, _ := strings.Cut(*pod, "/")
		got, err := client.CoreV1().Pods(namespace).Get(ctx, name, metav1.GetOptions{})
		out.result(err, got)
	case "list":
		options := metav1.ListOptions{FieldSelector: selector, ResourceVersion: "0"}
		for range *repeat {
			got, err := client.CoreV1().Pods("").List(ctx, options)
			out.list(err, got)
		}
	case "watch":
		watchOnce(ctx, client, selector, out)
	default:
		fmt.Fprintln(os.Stderr, "verb must be one of: reflect, get, list, watch")
		os.Exit(64)
	}
}

// kubeletConfig is what a kubelet makes of its kubeconfig and of its configuration's defaults.
func kubeletConfig(server, ca, cert, key string, out *journal) *rest.Config {
	return &rest.Config{
		Host:            server,
		TLSClientConfig: rest.TLSClientConfig{CAFile: ca, CertFile: cert, KeyFile: key},
		ContentConfig: rest.ContentConfig{
			ContentType:        "application/vnd.kubernetes.protobuf",
			AcceptContentTypes: "application/vnd.kubernetes.protobuf,application/json",
		},
		UserAgent: "kubelet/reflector-test",
		// A kubelet's own limits (50 and 100) would only slow -repeat down.
		QPS:           -1,
		WrapTransport: out.observe,
	}
}

// watchOnce prints every event of one watch, until it ends.
func watchOnce(ctx context.Context, client kubernetes.Interface, selector string, out *journal) {
	options := metav1.ListOptions{FieldSelector: selector, AllowWatchBookmarks: true}
	watch, err := client.CoreV1().Pods("").Watch(ctx, options)
	if err != nil {
		out.result(err)
		return
	}
	for event := range watch.ResultChan() {
		out.watchEvent(string(event.Type), event.Object)
	}
	out.print(line{Event: "end"})
}
