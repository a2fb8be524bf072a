// The reflector, as pkg/kubelet/config/apiserver.go builds it; every set it would send to the
// kubelet's pod configuration is printed instead.

package main

import (
	"context"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

func reflect(ctx context.Context, client kubernetes.Interface, node string, out *journal) {
	selector := fields.OneTermEqualSelector("spec.nodeName", node)
	pods := cache.NewListWatchFromClient(
		client.CoreV1().RESTClient(), "pods", metav1.NamespaceAll, selector)
	send := func(objects []interface{}) {
		set := make([]*v1.Pod, 0, len(objects))
		for _, object := range objects {
			set = append(set, object.(*v1.Pod))
		}
		out.set(set)
	}
	store := cache.NewUndeltaStore(send, cache.MetaNamespaceKeyFunc)
	reflector := cache.NewReflectorWithOptions(pods, &v1.Pod{}, store, cache.ReflectorOptions{})
	reflector.Run(ctx.Done())
}
