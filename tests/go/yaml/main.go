// Command yaml reads YAML documents as kubectl reads them and answers with the JSON that it makes of each.
//
// A request is a line: the document as a JSON string. An answer is a line: '+' and the JSON, or '-' and the
// error. It ends when its input does.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strings"

	"sigs.k8s.io/yaml"
)

func main() {
	requests := bufio.NewScanner(os.Stdin)
	requests.Buffer(nil, 1<<20)
	answers := bufio.NewWriter(os.Stdout)
	for requests.Scan() {
		var document string
		if err := json.Unmarshal(requests.Bytes(), &document); err != nil {
			log.Fatal(err)
		}
		answer, err := yaml.YAMLToJSON([]byte(document))
		if err != nil {
			fmt.Fprintf(answers, "-%s\n", strings.ReplaceAll(err.Error(), "\n", " "))
		} else {
			fmt.Fprintf(answers, "+%s\n", answer)
		}
	}
	if err := answers.Flush(); err != nil {
		log.Fatal(err)
	}
}
