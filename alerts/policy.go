package alerts

import "time"

// Policy says when a failing check becomes an incident and when it ends.
type Policy struct {
	After        int           // consecutive failed runs before an incident; 0 counts as 1
	For          time.Duration // and failing for at least this long
	RecoverAfter int           // consecutive passed runs before it ends; 0 counts as 1
	RemindEvery  time.Duration // 0: no reminders
	MaxReminders int           // of one incident; 0: no limit
	Severity     string        // "warning" unless the user says otherwise
}
