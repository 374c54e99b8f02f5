package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// The reference names every field of the API, and no other.
func TestReferenceOfTheAPI(t *testing.T) {
	read := func(name string, to any) {
		t.Helper()
		text, err := os.ReadFile(filepath.Join("..", "internal", "web", "testdata", "api", name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, to); err != nil {
			t.Fatal(err)
		}
	}
	type object = map[string]any
	var checks, incidents []object
	var certificates struct{ Client, Server []object }
	read("checks", &checks)
	read("incidents", &incidents)
	read("certificates", &certificates)
	for i, answer := range []object{checks[0], incidents[0], certificates.Client[0], certificates.Server[0]} {
		var told []string
		for _, f := range apiLists()[i].fields {
			told = append(told, f[0])
		}
		slices.Sort(told)
		if want := slices.Sorted(maps.Keys(answer)); !slices.Equal(told, want) {
			t.Errorf("the reference names %q, want %q", told, want)
		}
	}
}
