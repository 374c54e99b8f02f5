package config

import (
	"time"

	"watchword/certs"
)

// Options are what the command line and the environment say. The zero value
// reads no environment.
type Options struct {
	Vars     map[string]string           // --var NAME=VALUE
	VarFiles []string                    // --var-file, in order; a later one wins
	Environ  func(string) (string, bool) // os.LookupEnv; nil finds nothing
	WorkDir  string                      // base of settings.state and of relative paths on the command line; empty is the process's own

	// AgeIdentities are the files that open what `age_file` names.
	AgeIdentities []string

	// Commands keeps what the commands of secrets said from one load to the
	// next; may be nil. With Recall, only those run that never have.
	Commands *Commands
	Recall   bool
	// Certificates keeps what one load read of certificates for the next;
	// may be nil. With it, files that cannot be used do not replace those
	// that could.
	Certificates *certs.Memory

	// Offline reads no secret and no key: for pull requests.
	Offline bool

	// Validate makes mistakes of what [Load] otherwise tolerates: a secret
	// or certificate that cannot be read, a key that does not match.
	Validate bool

	// Now is when certificates must be valid; zero is the present.
	Now time.Time
}
