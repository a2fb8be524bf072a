// What the program says: one JSON object per line, each written whole.

package main

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sort"
	"strings"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
)

// marker is the word that a test writes into everything a kubelet must never get.
const marker = "evil"

// wholePods is the size of a set up to which its pods are printed in full; larger ones are counted.
const wholePods = 64

// line is one thing that happened.
type line struct {
	Event   string    `json:"event"` // set, request, error, result, list, watch or end
	At      int64     `json:"at,omitempty"`
	Message string    `json:"message,omitempty"`
	Method  string    `json:"method,omitempty"`
	URL     string    `json:"url,omitempty"`
	Status  int       `json:"status,omitempty"`
	Proto   string    `json:"proto,omitempty"`
	Type    string    `json:"type,omitempty"`
	Count   int       `json:"count"`
	Evil    []string  `json:"evil"`
	Object  any       `json:"object,omitempty"`
	Pods    []*v1.Pod `json:"pods,omitempty"`
}

type journal struct {
	mutex   sync.Mutex
	encoder *json.Encoder
	judged  map[*v1.Pod]bool
}

func newJournal(to io.Writer) *journal {
	return &journal{encoder: json.NewEncoder(to), judged: map[*v1.Pod]bool{}}
}

func (j *journal) print(l line) {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	if l.Evil == nil {
		l.Evil = []string{}
	}
	l.At = time.Now().UnixMilli()
	_ = j.encoder.Encode(l)
}

// set prints the pods that a kubelet would now run.
func (j *journal) set(pods []*v1.Pod) {
	sort.Slice(pods, func(a, b int) bool { return key(pods[a]) < key(pods[b]) })
	l := line{Event: "set", Count: len(pods), Evil: []string{}}
	for _, pod := range pods {
		if j.isEvil(pod) {
			l.Evil = append(l.Evil, key(pod))
		}
	}
	if len(pods) <= wholePods {
		l.Pods = pods
	}
	j.print(l)
}

// list prints the outcome of one typed LIST.
func (j *journal) list(err error, list *v1.PodList) {
	if err != nil {
		j.result(err)
		return
	}
	l := line{Event: "list", Count: len(list.Items), Evil: []string{}}
	for index := range list.Items {
		if looksEvil(&list.Items[index]) {
			l.Evil = append(l.Evil, key(&list.Items[index]))
		}
		if len(list.Items) <= wholePods {
			l.Pods = append(l.Pods, &list.Items[index])
		}
	}
	j.print(l)
}

// result prints the outcome of one typed request.
func (j *journal) result(err error, objects ...runtime.Object) {
	l := line{Event: "result"}
	if err != nil {
		l.Message = err.Error()
		var refused apierrors.APIStatus
		if errors.As(err, &refused) {
			l.Object = refused.Status()
		}
	} else if len(objects) > 0 {
		l.Object = objects[0]
		l.Count = 1
		if looksEvil(objects[0]) {
			l.Evil = []string{"object"}
		}
	}
	j.print(l)
}

func (j *journal) watchEvent(kind string, object runtime.Object) {
	l := line{Event: "watch", Type: kind, Object: object}
	if looksEvil(object) {
		l.Evil = []string{kind}
	}
	j.print(l)
}

// isEvil looks at each decoded pod once: sets repeat their pods.
func (j *journal) isEvil(pod *v1.Pod) bool {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	verdict, known := j.judged[pod]
	if !known {
		verdict = looksEvil(pod)
		j.judged[pod] = verdict
	}
	return verdict
}

func key(pod *v1.Pod) string {
	return pod.Namespace + "/" + pod.Name
}

// looksEvil searches what the client decoded, not what was on the wire.
func looksEvil(object runtime.Object) bool {
	text, err := json.Marshal(object)
	return err != nil || strings.Contains(string(text), marker)
}

// observe reports each exchange with the server; it changes none.
func (j *journal) observe(inner http.RoundTripper) http.RoundTripper {
	return exchange{inner: inner, journal: j}
}

type exchange struct {
	inner   http.RoundTripper
	journal *journal
}

func (e exchange) RoundTrip(request *http.Request) (*http.Response, error) {
	l := line{Event: "request", Method: request.Method, URL: request.URL.String()}
	response, err := e.inner.RoundTrip(request)
	if err != nil {
		l.Message = err.Error()
	} else {
		l.Status = response.StatusCode
		l.Proto = response.Proto
	}
	e.journal.print(l)
	return response, err
}
