// Command yardstick is both ends of the measurement: a fake API server that serves pre-marshalled
// pods, and a client that takes them as a kubelet does and times it. What stands between the two
// (nothing, haproxy, kubelet-proxy) is the caller's business; neither end knows it.
//
//	yardstick serve  -pki DIR [-pods N]          prints the address, serves until killed
//	yardstick METRIC -pki DIR -target HOST:PORT  prints one line of JSON; METRIC is
//	                                             list, get, burst or lag
//	yardstick sample -pki DIR                    prints one pod
//
// It verifies what it times: a proxy that loses, adds or damages a pod fails the run.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"time"
)

// options are the flags of every verb; each verb reads those it has a use for.
type options struct {
	pki     string
	target  string
	control string
	node    string
	pods    int
	padding int
	denied  bool
	seconds float64
	events  int
	rate    int
	clients int
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "yardstick: %v\n", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("name a verb: serve, list, get, burst, lag or sample")
	}
	o, err := parse(args[0], args[1:])
	if err != nil {
		return err
	}
	// Every run is bounded: a proxy that stalls is a finding, not a hanging benchmark.
	const grace = 60 * time.Second
	limit := grace + time.Duration(o.seconds*float64(time.Second))
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	var result any
	switch args[0] {
	case "serve":
		return serve(o)
	case "sample":
		return printSample(o)
	case "list":
		result, err = measureList(ctx, o)
	case "get":
		result, err = measureGet(ctx, o)
	case "burst":
		result, err = measureBurst(ctx, o)
	case "lag":
		result, err = measureLag(ctx, o)
	default:
		return fmt.Errorf("%s is no verb: serve, list, get, burst, lag or sample", args[0])
	}
	if err != nil {
		return fmt.Errorf("%s through %s: %w", args[0], o.target, err)
	}
	return json.NewEncoder(os.Stdout).Encode(result)
}

func parse(verb string, args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet(verb, flag.ContinueOnError)
	flags.StringVar(&o.pki, "pki", "", "directory with ca.crt, server.{crt,key} and client.{crt,key}")
	flags.StringVar(&o.target, "target", "", "address that is measured")
	flags.StringVar(&o.control, "control", "", "address of the fake API server itself, to order events from")
	flags.StringVar(&o.node, "node", "bench", "name of the node that all pods are bound to")
	flags.IntVar(&o.pods, "pods", 500, "pods on the node")
	flags.IntVar(&o.padding, "padding", 0, "bytes by which each pod is larger than usual (serve)")
	flags.BoolVar(&o.denied, "denied", false, "expect one pod in ten to be kept back")
	flags.Float64Var(&o.seconds, "seconds", 1, "how long to measure; 0 takes one sample")
	flags.IntVar(&o.events, "events", 20_000, "events in a burst")
	flags.IntVar(&o.rate, "rate", 200, "events per second (lag)")
	flags.IntVar(&o.clients, "clients", 8, "clients, each with a connection of its own (get)")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("%s: unexpected argument", flags.Arg(0))
	}
	if o.pki == "" {
		return o, fmt.Errorf("-pki is required")
	}
	if verb != "serve" && verb != "sample" && o.target == "" {
		return o, fmt.Errorf("-target is required")
	}
	return o, nil
}

// expected is how many pods should reach the client.
func (o options) expected() int {
	if !o.denied {
		return o.pods
	}
	return o.pods - (o.pods+deniedEvery-1)/deniedEvery
}
