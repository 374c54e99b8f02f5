// Package lang is the expression language of watchword: HCL expressions over
// the answer of an API.
//
//	expect = [
//	  status == 200,
//	  json.database == "up",
//	  tls.days_left > 14,
//	]
//
// It knows everything about an expression and nothing about blocks: a caller
// reads files, hands over their expressions, and gets back values, compiled
// conditions ([checks.Condition]) and compiled requests ([checks.Template]).
// Both syntaxes of HCL are taken, native and JSON, and mistakes are returned
// as diagnostics, each at its place in the file, all at once.
//
// # From a file to a verdict
//
// [Guard] looks at the text first: nothing that it lets pass can overflow the
// parser's stack or keep it busy. After parsing, a [Scope] says what names
// mean: [Scope.Value] evaluates what is known at load, such as locals;
// [CompileCondition] and [CompileRequest] prepare what is evaluated with each
// run. Compiling checks every name and every function in the tree, and
// evaluates it with unknown values to find wrong types, so that a mistake is
// found before anything runs, in the branch that is never taken as well.
//
// A compiled condition takes from an exchange only what its expression names:
// `json.database` decodes the body, once for all conditions of an answer, and
// makes a value of that one string. When an expectation does not hold it says
// so in one line, with the values that the expression names:
//
//	json.database is "down", want "up"
//
// In a check with steps, a request or a condition may name the answers to
// earlier steps ([Steps]); what a step takes from them to authenticate with
// ([Proof]) is sensitive wherever it is met in that check.
//
// # Secrets
//
// A secret is a value with a mark ([Sensitive]). Marks go along through
// templates, objects, functions and comparisons; explanations and diagnostics
// show a marked value as ***, and a rendered request lists the marked values
// that went into it. A secret that cannot be read is an unknown value with
// the reason ([Unavailable]): types are checked as with any other, and what
// needs it fails with an [UnavailableError], while the rest goes on.
//
// # Adding a function or a value
//
// [Functions] and [Values] document the language from the tables that define
// it. A new function is one line in one of the tables in functions.go and its
// siblings, with a sentence of documentation; a new value of an exchange is
// one line in the table in values.go.
package lang
