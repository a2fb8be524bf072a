package main

// What all measurements share on the client's side: one request as a kubelet makes it, a bounded
// read, order statistics. Verification happens outside the timed part.

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// kubeletAccept is what a kubelet 1.35 asks for; it takes JSON answers for it.
const kubeletAccept = "application/vnd.kubernetes.protobuf,application/json"

// session is one client connection to what is measured.
type session struct {
	http *http.Client
	base string
	node string
}

func newSession(o options) (*session, error) {
	client, err := newClient(o.pki)
	if err != nil {
		return nil, err
	}
	return &session{http: client, base: "https://" + o.target, node: o.node}, nil
}

// get sends one request and returns the answer if it is 200, JSON and HTTP/2.
func (s *session) get(ctx context.Context, path string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+path, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", kubeletAccept)
	request.Header.Set("User-Agent", "kubelet/v1.35.4 (linux/amd64) yardstick")
	response, err := s.http.Do(request)
	if err != nil {
		return nil, err
	}
	kind := response.Header.Get("Content-Type")
	if response.StatusCode == http.StatusOK && response.ProtoMajor == 2 &&
		strings.HasPrefix(kind, "application/json") {
		return response, nil
	}
	defer response.Body.Close()
	const shown = 500
	text, _ := io.ReadAll(io.LimitReader(response.Body, shown))
	return nil, fmt.Errorf("GET %s: %s %s %q: %s", path, response.Proto, response.Status, kind, text)
}

// fetch reads a whole answer into body, which it reuses.
func (s *session) fetch(ctx context.Context, path string, body *bytes.Buffer) error {
	response, err := s.get(ctx, path)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body.Reset()
	_, err = body.ReadFrom(response.Body)
	return err
}

// listPods is the list that a kubelet's reflector starts with.
func (s *session) listPods() string {
	return listPath + "?fieldSelector=" + url.QueryEscape("spec.nodeName="+s.node) +
		"&limit=500&resourceVersion=0"
}

// podList is as much of a list as the verification reads.
type podList struct {
	Kind     string   `json:"kind"`
	Metadata metadata `json:"metadata"`
	Items    []object `json:"items"`
}

type object struct {
	Metadata metadata `json:"metadata"`
	Spec     struct {
		Containers []struct {
			SecurityContext struct {
				Privileged bool `json:"privileged"`
			} `json:"securityContext"`
		} `json:"containers"`
	} `json:"spec"`
}

type metadata struct {
	UID             string `json:"uid"`
	ResourceVersion string `json:"resourceVersion"`
}

func (p object) privileged() bool {
	for _, container := range p.Spec.Containers {
		if container.SecurityContext.Privileged {
			return true
		}
	}
	return false
}

// verifyList decodes a list in full: the expected pods, each once, none that should be kept back.
func verifyList(body []byte, o options) (podList, error) {
	var list podList
	if err := json.Unmarshal(body, &list); err != nil {
		return list, fmt.Errorf("list is not well-formed: %w", err)
	}
	if list.Kind != "PodList" || len(list.Items) != o.expected() {
		return list, fmt.Errorf("got a %s of %d pods, expected %d", list.Kind, len(list.Items), o.expected())
	}
	seen := make(map[string]bool, len(list.Items))
	for _, item := range list.Items {
		if seen[item.Metadata.UID] || item.Metadata.UID == "" {
			return list, fmt.Errorf("uid %q twice", item.Metadata.UID)
		}
		seen[item.Metadata.UID] = true
		if o.denied && item.privileged() {
			return list, fmt.Errorf("pod %s is privileged and was passed", item.Metadata.UID)
		}
	}
	return list, nil
}

// quantile is the nearest-rank quantile in microseconds; it sorts what it is given.
func quantile(samples []time.Duration, q float64) float64 {
	if len(samples) == 0 {
		return 0
	}
	slices.Sort(samples)
	rank := min(int(q*float64(len(samples))), len(samples)-1)
	return float64(samples[rank]) / float64(time.Microsecond)
}
