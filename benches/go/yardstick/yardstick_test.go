package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func samplePods(t *testing.T, count int) []pod {
	t.Helper()
	template, err := compactTemplate()
	if err != nil {
		t.Fatal(err)
	}
	return makePods(count, 0, "bench", template)
}

func TestPodsAreCompactAndOfAboutFourKilobytes(t *testing.T) {
	for _, p := range samplePods(t, 25) {
		var compact bytes.Buffer
		if err := json.Compact(&compact, p.json); err != nil {
			t.Fatalf("%s: %v", p.name, err)
		}
		if !bytes.Equal(compact.Bytes(), p.json) || bytes.Contains(p.json, []byte(`"@`)) {
			t.Fatalf("%s is not compact, or a placeholder is left: %s", p.name, p.json)
		}
		if len(p.json) < 3900 || len(p.json) > 4500 {
			t.Fatalf("%s has %d bytes", p.name, len(p.json))
		}
	}
}

func TestAListPassesItsVerificationOnlyWithTheExpectedPods(t *testing.T) {
	pods := samplePods(t, 40)
	var kept []pod
	for i, p := range pods {
		if i%deniedEvery != 0 {
			kept = append(kept, p)
		}
	}
	tests := []struct {
		name   string
		body   []byte
		denied bool
		passes bool
	}{
		{"all pods, none denied", listBody(pods), false, true},
		{"all pods, some denied", listBody(pods), true, false},
		{"kept pods, some denied", listBody(kept), true, true},
		{"kept pods, none denied", listBody(kept), false, false},
		{"a pod twice", listBody(append(kept[:35:35], kept[0])), true, false},
		{"a privileged pod among the right number", listBody(append(kept[:35:35], pods[0])), true, false},
		{"cut short", listBody(pods)[:50_000], false, false},
	}
	for _, test := range tests {
		_, err := verifyList(test.body, options{pods: len(pods), denied: test.denied})
		if (err == nil) != test.passes {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

func TestAnEventCarriesTheTimeOfItsWriting(t *testing.T) {
	next := makeFrames(samplePods(t, 3))[1]
	before := time.Now().UnixNano()
	copy(next.json[next.versionAt:], fixedVersion(time.Now().UnixNano()))
	written, err := version(next.json)
	if err != nil || written < before || written > time.Now().UnixNano() {
		t.Fatalf("%d, %v", written, err)
	}
	if !json.Valid(next.json) || !strings.HasSuffix(string(next.json), "}\n") {
		t.Fatalf("not an event: %s", next.json)
	}
}

func TestDeletionsAreCountedOverWholeAndPartialPasses(t *testing.T) {
	tests := []struct{ pods, events, want int }{
		{500, 500, 50}, {500, 10_000, 1000}, {500, 1, 1}, {500, 11, 2}, {500, 510, 51}, {25, 30, 4},
	}
	for _, test := range tests {
		if got := deletions(options{pods: test.pods, denied: true}, test.events); got != test.want {
			t.Errorf("%d events over %d pods: %d deletions, want %d", test.events, test.pods, got, test.want)
		}
	}
	if got := deletions(options{pods: 500}, 500); got != 0 {
		t.Errorf("%d deletions without a policy", got)
	}
}

func TestAQuantileIsASampleOfTheRun(t *testing.T) {
	samples := []time.Duration{5, 1, 4, 2, 3}
	for i := range samples {
		samples[i] *= time.Microsecond
	}
	if p50, p99 := quantile(samples, 0.5), quantile(samples, 0.99); p50 != 3 || p99 != 5 {
		t.Fatalf("p50 %v, p99 %v", p50, p99)
	}
}
