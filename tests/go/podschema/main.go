// Command podschema prints every JSON field that Go's API types give a pod and the objects beside it that
// decide what it runs, one a line:
//
//	Type.field kind
//
// It reflects over the module version it was built with and knows nothing of nodeward's tables;
// tests/pod_schema_matches_go.rs compares the two.
package main

import (
	"fmt"
	"os"
	"reflect"
	"strings"

	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// opaque are the types that encode themselves: reflection would show fields that are not on the wire.
var opaque = map[reflect.Type]string{
	reflect.TypeFor[resource.Quantity]():  "quantity",
	reflect.TypeFor[intstr.IntOrString](): "intorstring",
	reflect.TypeFor[metav1.Time]():        "time",
	reflect.TypeFor[metav1.MicroTime]():   "time",
	reflect.TypeFor[metav1.FieldsV1]():    "free",
}

var scalars = map[reflect.Kind]string{
	reflect.String: "text",
	reflect.Bool:   "bool",
	reflect.Int32:  "int32",
	reflect.Int64:  "int64",
}

type walker struct{ seen map[reflect.Type]bool }

func main() {
	w := walker{seen: map[reflect.Type]bool{}}
	w.object(reflect.TypeFor[corev1.Pod]())
	w.object(reflect.TypeFor[metav1.ListMeta]())
	w.object(reflect.TypeFor[metav1.Status]())
	w.object(reflect.TypeFor[corev1.PersistentVolume]())
	w.object(reflect.TypeFor[corev1.ConfigMap]())
	w.object(reflect.TypeFor[corev1.Secret]())
	w.object(reflect.TypeFor[nodev1.RuntimeClass]())
	// These two stand in fields of a service that no kubelet needs.
	w.seen[reflect.TypeFor[corev1.ServiceStatus]()] = true
	w.seen[reflect.TypeFor[corev1.SessionAffinityConfig]()] = true
	w.object(reflect.TypeFor[corev1.Service]())
}

func (w walker) object(t reflect.Type) {
	if w.seen[t] {
		return
	}
	w.seen[t] = true
	w.fields(t.Name(), t)
}

func (w walker) fields(owner string, t reflect.Type) {
	for i := range t.NumField() {
		field := t.Field(i)
		tag, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if field.Anonymous && tag == "" {
			w.fields(owner, field.Type)
			continue
		}
		if tag == "" || tag == "-" || !field.IsExported() {
			fail("%s.%s has no JSON name", t, field.Name)
		}
		fmt.Printf("%s.%s %s\n", owner, tag, w.kind(field.Type))
	}
}

func (w walker) kind(t reflect.Type) string {
	if name, ok := opaque[t]; ok {
		return name
	}
	if name, ok := scalars[t.Kind()]; ok {
		return name
	}
	switch t.Kind() {
	case reflect.Pointer:
		return w.kind(t.Elem())
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "text" // base64
		}
		return "list:" + w.kind(t.Elem())
	case reflect.Map:
		return "map:" + w.kind(t.Elem())
	case reflect.Struct:
		w.object(t)
		return "object:" + t.Name()
	}
	fail("%s is of a kind that pods never had", t)
	return ""
}

func fail(format string, arguments ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", arguments...)
	os.Exit(1)
}
