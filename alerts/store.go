package alerts

import (
	"context"
	"time"
)

// Store keeps states and the queue of notifications. Implementations are
// safe for concurrent use and pass alertstest.TestStore.
type Store interface {
	// Load returns every state, the receivers that have notifications
	// queued, and the incidents that are over.
	Load(ctx context.Context) (Snapshot, error)

	// Update makes the change that fn returns of the state under key, all of
	// it or nothing. It gives each notification an ID. fn gets the zero State
	// for a key it does not know, must depend on nothing but its argument,
	// and may be called more than once. Once Update has returned nil, the
	// change survives a crash (or the store counts that it could not be
	// written and goes on from memory). After an error nothing has happened.
	Update(ctx context.Context, key string, fn func(State) Change) error

	// Pending returns up to limit notifications of a receiver, oldest
	// first, and how many there are.
	Pending(ctx context.Context, receiver string, limit int) (Queue, error)

	// Ack records how far the delivery of a notification has come. One that
	// was taken leaves the queue. An unknown ID is no error.
	Ack(ctx context.Context, r Receipt) error
}

// Change is what [Store.Update] makes of a state.
type Change struct {
	State  State           // replaces the one before; the zero State forgets the key
	Queue  []Notification  // is queued, in this order
	Closed *ClosedIncident // is kept, as far as [Past] has room; nil for what closes no incident of a check
}

// MaxQueue is how many undelivered notifications a [Store] holds. What comes
// beyond that is counted and dropped.
const MaxQueue = 100_000

// Snapshot is what a [Store] held when it was asked.
type Snapshot struct {
	States    map[string]State
	Receivers []string         // with notifications queued, sorted
	Closed    []ClosedIncident // the oldest first
}

// Notification is a message to one receiver that has not been taken yet.
type Notification struct {
	ID        uint64    `json:"id"`       // ascending; given by the store
	Receiver  string    `json:"receiver"` // such as "slack.oncall"
	Thread    string    `json:"thread"`   // the incident: notifications of one thread share a Reference
	Queued    time.Time `json:"queued"`
	Attempted bool      `json:"attempted,omitempty"` // an attempt had begun and its end is not known
	Message   Message   `json:"message"`

	Reference Reference      `json:"-"` // of the thread at this receiver, filled in by Store.Pending; zero before its first message
	Later     []Notification `json:"-"` // queued behind it for the same receiver and thread; filled in by Store.Pending for the first one
}

// Reference is where a receiver has put the first message of a thread.
type Reference struct {
	Channel string `json:"channel"`
	ID      string `json:"id"`
}

// Queue is the beginning of what is queued for one receiver.
type Queue struct {
	Notifications []Notification
	Total         int
	Oldest        time.Time // when the first of them was queued; zero if Total is 0
}

// Stage is how far a delivery has come.
type Stage int

// The stages of a delivery.
const (
	Begun   Stage = iota + 1 // an attempt begins: what follows a crash now may be a repeat
	Refused                  // the attempt has ended and the receiver has not taken it
	Taken                    // the receiver has it: it leaves the queue
)

// Receipt tells a [Store] how far the delivery of a notification has come.
type Receipt struct {
	ID        uint64
	Stage     Stage
	Reference Reference // with Taken: of the thread; kept until the thread closes. The zero value keeps the old one
	Folded    []uint64  // others of the thread that go with it: all or none come to this stage
}
