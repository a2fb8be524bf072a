// Command podsecurity asks Kubernetes' own pod security admission about pods.
//
// Each line of its input is a pod in JSON. Each line of its answer is an object: for every level and
// version, such as "restricted:v1.35", the sorted ids of the checks that forbid the pod. It ends when
// its input does.
package main

import (
	"bufio"
	"encoding/json"
	"log"
	"os"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	kjson "sigs.k8s.io/json"
)

var (
	levels   = []api.Level{api.LevelPrivileged, api.LevelBaseline, api.LevelRestricted}
	versions = []string{"v1.33", "v1.34", "v1.35", "v1.36", "latest"}
)

// longestLine is far above any pod that a test makes up.
const longestLine = 16 << 20

func main() {
	var forbidding []string
	evaluator, err := policy.NewEvaluator(recording(&forbidding), nil)
	if err != nil {
		log.Fatal(err)
	}
	lines, answers := bufio.NewScanner(os.Stdin), json.NewEncoder(os.Stdout)
	lines.Buffer(nil, longestLine)
	for lines.Scan() {
		var pod corev1.Pod
		if err := kjson.UnmarshalCaseSensitivePreserveInts(lines.Bytes(), &pod); err != nil {
			log.Fatal(err)
		}
		answer := map[string][]string{}
		for _, level := range levels {
			for _, name := range versions {
				version, err := api.ParseVersion(name)
				if err != nil {
					log.Fatal(err)
				}
				forbidding = []string{}
				standard := api.LevelVersion{Level: level, Version: version}
				results := policy.AggregateCheckResults(evaluator.EvaluatePod(standard, &pod.ObjectMeta, &pod.Spec))
				if results.Allowed != (len(forbidding) == 0) {
					log.Fatalf("%s: the recorded checks are not those that decided", standard.String())
				}
				slices.Sort(forbidding)
				answer[string(level)+":"+name] = forbidding
			}
		}
		if err := answers.Encode(answer); err != nil {
			log.Fatal(err)
		}
	}
	if err := lines.Err(); err != nil {
		log.Fatal(err)
	}
}

// recording is the module's own list of checks; the id of one that forbids goes into the list.
func recording(forbidding *[]string) []policy.Check {
	checks := policy.DefaultChecks()
	for i := range checks {
		id := string(checks[i].ID)
		for j := range checks[i].Versions {
			decide := checks[i].Versions[j].CheckPod
			checks[i].Versions[j].CheckPod = func(metadata *metav1.ObjectMeta, spec *corev1.PodSpec) policy.CheckResult {
				result := decide(metadata, spec)
				if !result.Allowed {
					*forbidding = append(*forbidding, id)
				}
				return result
			}
		}
	}
	return checks
}
