// Package config reads HCL files and makes of them what the rest of watchword
// works with: a [Config] of monitors, certificates, receivers and routes,
// every name in it resolved to a pointer.
//
//	c, err := config.Load(ctx, "/etc/watchword", config.Options{Environ: os.LookupEnv})
//	var mistakes *config.Error
//	if errors.As(err, &mistakes) {
//		mistakes.Diagnostics.WriteText(os.Stderr, 80, false)
//	}
//
// # Stages
//
// [Load] goes through stages, and looks at everything a stage has to look at
// before it gives up after it:
//
//  1. All files are found and parsed. If one does not parse, loading ends
//     here: what it defines would seem to be missing elsewhere.
//  2. All blocks are taken apart by the schema, the tables in schema.go. A
//     block of an unknown kind is read as the kind that it seems to be.
//  3. Variables, secrets, locals, certificates, receivers and routes are
//     evaluated in this order. What has a mistake gets an unknown value, and
//     whatever depends on it keeps silent.
//  4. The names of all checks are known: groups are walked and for_each is
//     evaluated. A name is unique among the checks and groups around it, in
//     all files: a second group of one name is a mistake, not a part of the
//     first.
//  5. Each check, one for each element of for_each, is merged with its groups
//     and defaults, and its expressions are compiled by package lang.
//
// So all mistakes of all files are reported at once, in an [*Error], and each
// of them once: an inherited mistake stands in the block it is inherited from.
//
// # What is no mistake
//
// A secret or certificate that cannot be read is no mistake of the files. It
// is in [Config.Unreadable], and fails the checks that need it when they run;
// only with Options.Validate is it a mistake at its line.
//
// # Where things stand
//
// An attribute, with its type, its default and a sentence on it, is one line
// of the schema; what the loader does with its value is one line in the
// function of its block: settings.go, variables.go, secrets.go (with
// secretcommand.go and agefile.go), certificates.go, layer.go and request.go
// (what a check has), foreach.go, steps.go, retry.go, depends.go, receivers.go,
// maintenance.go.
package config
