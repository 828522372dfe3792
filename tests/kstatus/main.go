// Command kstatus tells what kstatus, the library by which Flux and Helm wait for objects, computes of objects in YAML
// files: a line of JSON for each file.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

type line struct {
	Path    string `json:"path"`
	Status  string `json:"status"`
	Message string `json:"message"`
}

func main() {
	out := json.NewEncoder(os.Stdout)
	for _, path := range os.Args[1:] {
		result, err := compute(path)
		if err == nil {
			err = out.Encode(line{path, result.Status.String(), result.Message})
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", path, err)
			os.Exit(1)
		}
	}
}

func compute(path string) (*status.Result, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	text, err = yaml.YAMLToJSON(text)
	if err != nil {
		return nil, err
	}
	// Whole numbers stay whole, as they are when the object comes from the API server.
	object := &unstructured.Unstructured{}
	if err := object.UnmarshalJSON(text); err != nil {
		return nil, err
	}
	return status.Compute(object)
}
