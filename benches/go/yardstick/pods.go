package main

// Pods as an API server sends them: compact JSON, keys in the order in which Go marshals them,
// everything marshalled before the first request so that the measured time is not spent here.
// What varies from pod to pod is what differs on a real node: names, identifiers, addresses.

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
)

//go:embed pod.json
var podTemplate []byte

const (
	// listVersion is the resource version of every object before the first event.
	listVersion = 1_000_000
	// versionDigits keeps a resource version's width, so that an event's can be set in place:
	// nanoseconds since 1970 have 19 digits until the year 2286.
	versionDigits = 19
	// deniedEvery makes one pod in ten privileged, which the policy under test denies.
	deniedEvery = 10
)

// pod is one pre-marshalled object: `{"metadata":…}`, as it stands in a list.
type pod struct {
	namespace string
	name      string
	json      []byte
}

// path is where the API serves the pod.
func (p pod) path() string {
	return "/api/v1/namespaces/" + p.namespace + "/pods/" + p.name
}

// compactTemplate is the template without white space.
func compactTemplate() ([]byte, error) {
	var compact bytes.Buffer
	if err := json.Compact(&compact, podTemplate); err != nil {
		return nil, fmt.Errorf("pod.json: %w", err)
	}
	return compact.Bytes(), nil
}

// printSample prints one pod that the policy admits, as a GET answers it.
func printSample(o options) error {
	template, err := compactTemplate()
	if err != nil {
		return err
	}
	const admitted = 1
	pods := makePods(admitted+1, o.padding, o.node, template)
	_, err = os.Stdout.Write(standalone(pods[admitted]))
	return err
}

// makePods renders count pods bound to node, one in ten of them privileged, each with padding bytes
// of annotation more than the template has: pods that Helm or operators wrote carry such.
func makePods(count, padding int, node string, compact []byte) []pod {
	pods := make([]pod, count)
	checksum := strings.Repeat("0123456789abcdef", padding/16)
	for i := range pods {
		namespace := "shop-" + strconv.Itoa(i%7)
		name := fmt.Sprintf("storefront-7c9d6b5f4-%05x", i)
		values := strings.NewReplacer(
			"@NAME@", name,
			"@NAMESPACE@", namespace,
			"@UID@", fmt.Sprintf("%08x-6d0e-4c3b-9a57-5e1f0c7d%04x", 0x1d3a5000+i, i%0x10000),
			"@RESOURCEVERSION@", fixedVersion(listVersion),
			"@NODE@", node,
			"@OCTET@", strconv.Itoa(i%250+2),
			"@CHECKSUM@", checksum,
			"@DIGEST@", fmt.Sprintf("%062x", 0xc0ffee0000+i),
		)
		text := values.Replace(string(compact))
		if i%deniedEvery == 0 {
			text = strings.Replace(text, `"privileged":false`, `"privileged":true`, 1)
		}
		pods[i] = pod{namespace: namespace, name: name, json: []byte(text)}
	}
	return pods
}

// listBody is the PodList of all pods, newline included, as the API server ends it.
func listBody(pods []pod) []byte {
	var body bytes.Buffer
	fmt.Fprintf(&body, `{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"%s"},"items":[`,
		fixedVersion(listVersion))
	for i, p := range pods {
		if i > 0 {
			body.WriteByte(',')
		}
		body.Write(p.json)
	}
	body.WriteString("]}\n")
	return body.Bytes()
}

// frame is one MODIFIED event; the digits of its resource version begin at versionAt.
type frame struct {
	json      []byte
	versionAt int
}

// makeFrames renders the MODIFIED event of each pod.
func makeFrames(pods []pod) []frame {
	frames := make([]frame, len(pods))
	for i, p := range pods {
		object := string(standalone(p))
		text := `{"type":"MODIFIED","object":` + object + "}\n"
		frames[i] = frame{json: []byte(text), versionAt: strings.Index(text, versionKey) + len(versionKey)}
	}
	return frames
}

// versionKey precedes the digits of an object's resource version.
const versionKey = `"resourceVersion":"`

// standalone is the pod outside a list, where it names its kind.
func standalone(p pod) []byte {
	return append([]byte(`{"kind":"Pod","apiVersion":"v1",`), p.json[1:]...)
}

// bookmark is the event that tells a client its watch stands.
func bookmark(version int64) []byte {
	return fmt.Appendf(nil, `{"type":"BOOKMARK","object":{"kind":"Pod","apiVersion":"v1",`+
		`"metadata":{"resourceVersion":"%s"}}}`+"\n", fixedVersion(version))
}

// fixedVersion is a resource version of versionDigits digits that starts with none of them zero,
// as the API refuses leading zeros.
func fixedVersion(version int64) string {
	const base = 1_000_000_000_000_000_000
	if version < base {
		version += base
	}
	return strconv.FormatInt(version, 10)
}
