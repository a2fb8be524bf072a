package main

// The fake API server: net/http as kube-apiserver uses it, bodies marshalled beforehand, one Write
// and one Flush per watch event. It answers what a proxy that rejects pods asks for as well
// (status patch, Event) and refuses everything else loudly.

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// listPath and leasePath are the two routes that are timed.
	listPath  = "/api/v1/pods"
	leasePath = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/"
	// controlPath orders events on every open watch; only the client's own direct connection uses it.
	controlPath = "/yardstick/events"
)

// order asks a watch for count events, rate of them a second; rate 0 is as fast as it goes.
type order struct {
	count int
	rate  int
}

// apiServer serves one node's pods.
type apiServer struct {
	list    []byte
	lease   []byte
	frames  []frame
	byPath  map[string]pod
	mu      sync.Mutex
	watches map[chan order]struct{}
}

func newAPIServer(o options) (*apiServer, error) {
	template, err := compactTemplate()
	if err != nil {
		return nil, err
	}
	pods := makePods(o.pods, o.padding, o.node, template)
	s := &apiServer{
		list:    listBody(pods),
		lease:   leaseBody(o.node),
		frames:  makeFrames(pods),
		byPath:  make(map[string]pod, len(pods)),
		watches: make(map[chan order]struct{}),
	}
	for _, p := range pods {
		s.byPath[p.path()] = p
	}
	return s, nil
}

// serve prints `address body-bytes` once it listens, and serves until it is killed.
func serve(o options) error {
	s, err := newAPIServer(o)
	if err != nil {
		return err
	}
	config, err := serverTLS(o.pki)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:           s,
		TLSConfig:         config,
		ReadHeaderTimeout: 10 * time.Second,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxConcurrentStreams},
	}
	fmt.Println(listener.Addr(), len(s.list))
	return server.ServeTLS(listener, "", "")
}

// ServeHTTP answers the routes of the measurement.
func (s *apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	rejected, isStatus := s.byPath[strings.TrimSuffix(path, "/status")]
	switch {
	case r.Method == http.MethodGet && path == listPath && isWatch(r):
		s.watch(w, r)
	case r.Method == http.MethodGet && path == listPath:
		answer(w, http.StatusOK, s.list)
	case r.Method == http.MethodGet && strings.HasPrefix(path, leasePath):
		answer(w, http.StatusOK, s.lease)
	case r.Method == http.MethodPost && path == controlPath:
		s.order(w, r)
	case isStatus && (r.Method == http.MethodPatch || r.Method == http.MethodGet):
		answer(w, http.StatusOK, standalone(rejected))
	case r.Method == http.MethodPost && strings.HasSuffix(path, "/events"):
		s.accept(w, r)
	case path == "/readyz" || path == "/livez" || path == "/version":
		answer(w, http.StatusOK, []byte("{}"))
	default:
		fmt.Fprintf(os.Stderr, "yardstick: nobody should ask for %s %s\n", r.Method, r.URL)
		answer(w, http.StatusNotFound,
			[]byte(`{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","reason":"NotFound","code":404}`))
	}
}

// isWatch reads the parameter as the API server does: any value but 0 and false.
func isWatch(r *http.Request) bool {
	switch r.URL.Query().Get("watch") {
	case "", "0", "false":
		return false
	default:
		return true
	}
}

func answer(w http.ResponseWriter, code int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	// An error here is a client that went away; the client's end reports it.
	_, _ = w.Write(body)
}

// accept returns a created object as it came, bounded as the API server bounds one.
func (s *apiServer) accept(w http.ResponseWriter, r *http.Request) {
	const maxObject = 3 << 20
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxObject))
	if err != nil {
		return
	}
	answer(w, http.StatusCreated, body)
}

// order hands `?count=N&rate=R` to the open watch and answers how many are open. It orders nothing
// unless that is one: a watch that a proxy has yet to give up would share the processor.
func (s *apiServer) order(w http.ResponseWriter, r *http.Request) {
	count, countErr := strconv.Atoi(r.URL.Query().Get("count"))
	rate, rateErr := strconv.Atoi(r.URL.Query().Get("rate"))
	if countErr != nil || rateErr != nil {
		answer(w, http.StatusBadRequest, nil)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.watches) == 1 {
		for orders := range s.watches {
			orders <- order{count: count, rate: rate}
		}
	}
	fmt.Fprint(w, len(s.watches))
}

// watch sends a bookmark at once, so that the client knows the stream stands, then what is ordered.
func (s *apiServer) watch(w http.ResponseWriter, r *http.Request) {
	// Room for the orders of one measurement, so that ordering never waits for writing.
	orders := make(chan order, 8)
	s.mu.Lock()
	s.watches[orders] = struct{}{}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.watches, orders)
		s.mu.Unlock()
	}()
	w.Header().Set("Content-Type", "application/json")
	out := &eventWriter{to: w, flush: http.NewResponseController(w), frames: s.frames}
	if out.write(bookmark(time.Now().UnixNano())) != nil {
		return
	}
	for {
		select {
		case <-r.Context().Done():
			return
		case o := <-orders:
			if out.deliver(r, o) != nil {
				return
			}
		}
	}
}

// eventWriter writes events one by one, as the API server's watch does.
type eventWriter struct {
	to     io.Writer
	flush  *http.ResponseController
	frames []frame
	buffer []byte
}

func (e *eventWriter) write(event []byte) error {
	if _, err := e.to.Write(event); err != nil {
		return err
	}
	return e.flush.Flush()
}

// deliver writes o.count events, pod after pod; each carries the time of its writing as its
// resource version, which is where the client reads it from.
func (e *eventWriter) deliver(r *http.Request, o order) error {
	start := time.Now()
	for i := range o.count {
		if o.rate > 0 {
			due := start.Add(time.Duration(i) * time.Second / time.Duration(o.rate))
			time.Sleep(time.Until(due))
		}
		next := e.frames[i%len(e.frames)]
		e.buffer = append(e.buffer[:0], next.json...)
		copy(e.buffer[next.versionAt:], fixedVersion(time.Now().UnixNano()))
		if err := e.write(e.buffer); err != nil {
			return err
		}
		if err := r.Context().Err(); err != nil {
			return err
		}
	}
	return nil
}

// leaseBody is a node's lease: the small object that is read most.
func leaseBody(node string) []byte {
	return fmt.Appendf(nil, `{"kind":"Lease","apiVersion":"coordination.k8s.io/v1","metadata":{"name":"%[1]s",`+
		`"namespace":"kube-node-lease","uid":"0f6d4f4e-51a5-4b58-8d0a-6b0f6f4f9f3c","resourceVersion":"%[2]s",`+
		`"creationTimestamp":"2026-11-20T07:00:00Z","ownerReferences":[{"apiVersion":"v1","kind":"Node",`+
		`"name":"%[1]s","uid":"2b8a7a4e-9a0c-4a6e-8f5d-1d2c3b4a5f60"}]},"spec":{"holderIdentity":"%[1]s",`+
		`"leaseDurationSeconds":40,"renewTime":"2026-11-21T08:00:00.000000Z"}}`+"\n", node, fixedVersion(listVersion))
}
