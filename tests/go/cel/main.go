// Evaluates CEL expressions over a pod by cel-go, without types.
//
// Reads one JSON object a line, {"expression": …, "object": …}, and answers each with one line:
// "true", "false", "error", or "refused" if the expression does not parse.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"github.com/google/cel-go/cel"
)

type question struct {
	Expression string          `json:"expression"`
	Object     json.RawMessage `json:"object"`
}

func main() {
	environment, err := cel.NewEnv(cel.Variable("object", cel.DynType))
	if err != nil {
		panic(err)
	}
	answers := bufio.NewWriter(os.Stdout)
	questions := bufio.NewScanner(os.Stdin)
	questions.Buffer(nil, 1<<24)
	for questions.Scan() {
		var asked question
		if err := json.Unmarshal(questions.Bytes(), &asked); err != nil {
			panic(err)
		}
		fmt.Fprintln(answers, answer(environment, asked))
		answers.Flush()
	}
}

func answer(environment *cel.Env, asked question) string {
	// Without its type checker, which takes the sum of two fields for bytes.
	ast, issues := environment.Parse(asked.Expression)
	if issues != nil && issues.Err() != nil {
		return "refused"
	}
	program, err := environment.Program(ast)
	if err != nil {
		return "refused"
	}
	object, err := integers(asked.Object)
	if err != nil {
		panic(err)
	}
	value, _, err := program.Eval(map[string]any{"object": object})
	if err != nil {
		return "error"
	}
	if truth, ok := value.Value().(bool); ok {
		return fmt.Sprint(truth)
	}
	return "error"
}

// Decodes whole numbers as int64, as the API server does for unstructured objects.
func integers(text []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	return convert(value), nil
}

func convert(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for key, member := range value {
			if member == nil {
				delete(value, key)
				continue
			}
			value[key] = convert(member)
		}
	case []any:
		for index := range value {
			value[index] = convert(value[index])
		}
	case json.Number:
		if number, err := value.Int64(); err == nil {
			return number
		}
		number, _ := value.Float64()
		return number
	}
	return value
}
