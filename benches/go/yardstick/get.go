package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"time"
)

// getResult is what `yardstick get` prints.
type getResult struct {
	Rate float64 `json:"per_second"`
	Gets int64   `json:"gets"`
}

// measureGet reads the node's lease from several clients at once, each with a connection of its
// own and the next request as soon as the last is answered.
func measureGet(ctx context.Context, o options) (getResult, error) {
	sessions := make([]*session, o.clients)
	for i := range sessions {
		s, err := newSession(o)
		if err != nil {
			return getResult{}, err
		}
		if err := warmUp(ctx, s); err != nil {
			return getResult{}, err
		}
		sessions[i] = s
	}
	var gets atomic.Int64
	failures := make(chan error, len(sessions))
	start := time.Now()
	until := start.Add(time.Duration(o.seconds * float64(time.Second)))
	for _, s := range sessions {
		go func() { failures <- getUntil(ctx, s, until, &gets) }()
	}
	for range sessions {
		if err := <-failures; err != nil {
			return getResult{}, err
		}
	}
	elapsed := time.Since(start)
	return getResult{Rate: float64(gets.Load()) / elapsed.Seconds(), Gets: gets.Load()}, nil
}

func (s *session) lease() string { return leasePath + s.node }

// warmUp opens the connection and verifies once that the answer is the lease.
func warmUp(ctx context.Context, s *session) error {
	const rounds = 50
	var body bytes.Buffer
	for range rounds {
		if err := s.fetch(ctx, s.lease(), &body); err != nil {
			return err
		}
	}
	var lease struct {
		Kind string `json:"kind"`
		Spec struct {
			Holder string `json:"holderIdentity"`
		} `json:"spec"`
	}
	if err := json.Unmarshal(body.Bytes(), &lease); err != nil {
		return fmt.Errorf("lease is not well-formed: %w", err)
	}
	if lease.Kind != "Lease" || lease.Spec.Holder != s.node {
		return fmt.Errorf("got a %s held by %q, expected the lease of %q", lease.Kind, lease.Spec.Holder, s.node)
	}
	return nil
}

func getUntil(ctx context.Context, s *session, until time.Time, gets *atomic.Int64) error {
	var body bytes.Buffer
	for time.Now().Before(until) {
		if err := s.fetch(ctx, s.lease(), &body); err != nil {
			return err
		}
		if body.Len() == 0 {
			return fmt.Errorf("an empty lease")
		}
		gets.Add(1)
	}
	return nil
}
