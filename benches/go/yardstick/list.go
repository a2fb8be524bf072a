package main

import (
	"bytes"
	"context"
	"fmt"
	"time"
)

// listResult is what `yardstick list` prints.
type listResult struct {
	P50   float64 `json:"p50_us"`
	P99   float64 `json:"p99_us"`
	Lists int     `json:"lists"`
	Pods  int     `json:"pods"`
	Bytes int     `json:"bytes"`
}

// phaseKey occurs once in every pod: counting it is the cheap scan of each timed list.
var phaseKey = []byte(`"phase":"`)

// measureList times whole lists, one after another on one connection: the request, the last byte,
// and one pass over the body. The last body is decoded in full afterwards.
func measureList(ctx context.Context, o options) (listResult, error) {
	s, err := newSession(o)
	if err != nil {
		return listResult{}, err
	}
	// The connection, its windows and the buffers grow during the first lists, which do not count.
	const warmUp = 10
	var body bytes.Buffer
	var samples []time.Duration
	until := time.Now().Add(time.Duration(o.seconds * float64(time.Second)))
	for i := 0; len(samples) == 0 || time.Now().Before(until); i++ {
		start := time.Now()
		if err := s.fetch(ctx, s.listPods(), &body); err != nil {
			return listResult{}, err
		}
		if pods := bytes.Count(body.Bytes(), phaseKey); pods != o.expected() {
			return listResult{}, fmt.Errorf("list %d holds %d pods, expected %d", i, pods, o.expected())
		}
		if i >= warmUp || o.seconds == 0 {
			samples = append(samples, time.Since(start))
		}
	}
	list, err := verifyList(body.Bytes(), o)
	if err != nil {
		return listResult{}, err
	}
	return listResult{
		P50:   quantile(samples, 0.50),
		P99:   quantile(samples, 0.99),
		Lists: len(samples),
		Pods:  len(list.Items),
		Bytes: body.Len(),
	}, nil
}
