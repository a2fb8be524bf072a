package main

// The watch as a client sees it, cut into frames at newlines: neither the API server nor a proxy
// puts one inside an event, and a decoder by reflection would be slower than all that is measured.

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// burstResult is what `yardstick burst` prints.
type burstResult struct {
	Rate    float64 `json:"per_second"`
	Events  int     `json:"events"`
	Deleted int     `json:"deleted"`
}

// lagResult is what `yardstick lag` prints.
type lagResult struct {
	P50    float64 `json:"p50_us"`
	P99    float64 `json:"p99_us"`
	Events int     `json:"events"`
}

// stream is an open watch.
type stream struct {
	frames *bufio.Reader
	body   io.Closer
	order  func(count, rate int) error
}

var (
	deletedFrame  = []byte(`{"type":"DELETED"`)
	bookmarkFrame = []byte(`{"type":"BOOKMARK"`)
	errorFrame    = []byte(`{"type":"ERROR"`)
)

// measureBurst times bursts, each from its order to its last frame.
func measureBurst(ctx context.Context, o options) (burstResult, error) {
	w, err := openWatch(ctx, o)
	if err != nil {
		return burstResult{}, err
	}
	defer w.body.Close()
	// One pass over all pods: decoded in full, and a warm-up of the path.
	if err := w.verify(o); err != nil {
		return burstResult{}, err
	}
	var result burstResult
	var elapsed time.Duration
	until := time.Now().Add(time.Duration(o.seconds * float64(time.Second)))
	for result.Events == 0 || time.Now().Before(until) {
		took, deleted, err := w.burst(o)
		if err != nil {
			return burstResult{}, err
		}
		elapsed += took
		result.Events += o.events
		result.Deleted += deleted
	}
	result.Rate = float64(result.Events) / elapsed.Seconds()
	return result, nil
}

// burst orders o.events events and takes them in.
func (w *stream) burst(o options) (elapsed time.Duration, deleted int, err error) {
	start := time.Now()
	if err := w.order(o.events, 0); err != nil {
		return 0, 0, err
	}
	for range o.events {
		event, err := w.next()
		if err != nil {
			return 0, 0, err
		}
		if bytes.HasPrefix(event, deletedFrame) {
			deleted++
		}
	}
	elapsed = time.Since(start)
	if want := deletions(o, o.events); deleted != want {
		err = fmt.Errorf("%d of %d events are DELETED, expected %d", deleted, o.events, want)
	}
	return elapsed, deleted, err
}

// measureLag times each event of a steady trickle, from its writing to its arrival.
func measureLag(ctx context.Context, o options) (lagResult, error) {
	w, err := openWatch(ctx, o)
	if err != nil {
		return lagResult{}, err
	}
	defer w.body.Close()
	if err := w.verify(o); err != nil {
		return lagResult{}, err
	}
	count := max(int(o.seconds*float64(o.rate)), 1)
	samples := make([]time.Duration, 0, count)
	if err := w.order(count, o.rate); err != nil {
		return lagResult{}, err
	}
	for range count {
		event, err := w.next()
		arrived := time.Now().UnixNano()
		if err != nil {
			return lagResult{}, err
		}
		written, err := version(event)
		if err != nil {
			return lagResult{}, err
		}
		samples = append(samples, time.Duration(arrived-written))
	}
	return lagResult{P50: quantile(samples, 0.50), P99: quantile(samples, 0.99), Events: count}, nil
}

// openWatch lists, then watches from there, as a reflector does. It starts over when told that the
// version expired: a proxy may insist once that its clients list through it first.
func openWatch(ctx context.Context, o options) (*stream, error) {
	s, err := newSession(o)
	if err != nil {
		return nil, err
	}
	const attempts = 3
	for range attempts {
		var body bytes.Buffer
		if err := s.fetch(ctx, s.listPods(), &body); err != nil {
			return nil, err
		}
		list, err := verifyList(body.Bytes(), o)
		if err != nil {
			return nil, err
		}
		response, err := s.get(ctx, listPath+"?allowWatchBookmarks=true&fieldSelector="+
			url.QueryEscape("spec.nodeName="+o.node)+"&resourceVersion="+list.Metadata.ResourceVersion+
			"&timeoutSeconds=500&watch=true")
		if err != nil {
			return nil, err
		}
		// Larger than any frame: a frame is one pod.
		const frameRoom = 64 << 10
		w := &stream{frames: bufio.NewReaderSize(response.Body, frameRoom), body: response.Body}
		first, err := w.next()
		switch {
		case err != nil:
			return nil, err
		case bytes.HasPrefix(first, bookmarkFrame):
			w.order = orderer(ctx, o)
			return w, nil
		case !bytes.HasPrefix(first, errorFrame):
			return nil, fmt.Errorf("watch begins with %.200s", first)
		}
		response.Body.Close()
	}
	return nil, fmt.Errorf("watch expired %d times in a row", attempts)
}

// orderer asks the fake API server for events, past whatever is measured.
func orderer(ctx context.Context, o options) func(count, rate int) error {
	direct := o
	direct.target = o.control
	s, err := newSession(direct)
	return func(count, rate int) error {
		if err != nil {
			return err
		}
		return s.order(ctx, fmt.Sprintf("%s?count=%d&rate=%d", controlPath, count, rate))
	}
}

// order repeats the order until this watch is the only one left: a proxy may take a moment to give
// up the previous client's.
func (s *session) order(ctx context.Context, path string) error {
	const attempts, pause = 250, 20 * time.Millisecond
	var watches []byte
	for range attempts {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.base+path, nil)
		if err != nil {
			return err
		}
		response, err := s.http.Do(request)
		if err != nil {
			return err
		}
		watches, err = io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil {
			return err
		}
		if string(watches) == "1" {
			return nil
		}
		time.Sleep(pause)
	}
	return fmt.Errorf("%s watches are open at the API server, expected 1", watches)
}

// next is the next frame, valid until the call after it.
func (w *stream) next() ([]byte, error) {
	event, err := w.frames.ReadSlice('\n')
	if err != nil {
		return nil, fmt.Errorf("watch ended: %w", err)
	}
	return event, nil
}

// verify decodes the events of one pass over all pods.
func (w *stream) verify(o options) error {
	if err := w.order(o.pods, 0); err != nil {
		return err
	}
	deleted := 0
	for range o.pods {
		raw, err := w.next()
		if err != nil {
			return err
		}
		var event struct {
			Type   string `json:"type"`
			Object object `json:"object"`
		}
		if err := json.Unmarshal(raw, &event); err != nil {
			return fmt.Errorf("event is not well-formed: %w", err)
		}
		switch {
		case event.Object.Metadata.UID == "":
			return fmt.Errorf("%s event without a pod", event.Type)
		case event.Type == "DELETED":
			deleted++
		case event.Type != "MODIFIED":
			return fmt.Errorf("unexpected %s event", event.Type)
		case o.denied && event.Object.privileged():
			return fmt.Errorf("pod %s is privileged and was passed", event.Object.Metadata.UID)
		}
	}
	if want := deletions(o, o.pods); deleted != want {
		return fmt.Errorf("%d of %d events are DELETED, expected %d", deleted, o.pods, want)
	}
	return nil
}

// deletions is how many of the first events concern pods that are kept back.
func deletions(o options, events int) int {
	if !o.denied {
		return 0
	}
	whole := events / o.pods * (o.pods - o.expected())
	return whole + (events%o.pods+deniedEvery-1)/deniedEvery
}

// version reads an event's resource version: the time of its writing.
func version(event []byte) (int64, error) {
	_, rest, found := bytes.Cut(event, []byte(versionKey))
	if !found || len(rest) < versionDigits {
		return 0, fmt.Errorf("event without a resource version: %.200s", event)
	}
	return strconv.ParseInt(string(rest[:versionDigits]), 10, 64)
}
