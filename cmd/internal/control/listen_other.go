//go:build !unix

package control

import (
	"context"
	"errors"
	"net"
)

// listenPrivate is not possible here.
func listenPrivate(context.Context, string) (net.Listener, error) {
	return nil, errors.New("this system cannot keep others away from a socket")
}
