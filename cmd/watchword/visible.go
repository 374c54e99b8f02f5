package main

import "watchword/checks"

// visible is a text of any origin on one line of a terminal.
func visible(s string) string { return checks.Visible(s, "") }

// visibles is visible for each of a list.
func visibles(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = visible(s)
	}
	return out
}
