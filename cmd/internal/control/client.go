package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"
)

const (
	patience  = 15 * time.Second // with a daemon
	maxAnswer = 256 << 20        // of 100,000 checks that all fail
)

// Client asks the daemon that listens on a socket.
type Client struct {
	Path string // of the socket
}

// NoDaemonError says that no daemon answers.
type NoDaemonError struct {
	Path string // of the socket
	Err  error  // why
}

func (e *NoDaemonError) Error() string {
	text := "no daemon answers at " + e.Path + ": "
	switch {
	case errors.Is(e.Err, fs.ErrNotExist):
		return text + "there is no such socket"
	case errors.Is(e.Err, syscall.ECONNREFUSED):
		return text + "the socket was left by a daemon that no longer runs"
	case errors.Is(e.Err, fs.ErrPermission):
		return text + "it belongs to another user"
	case errors.Is(e.Err, syscall.ENOTSOCK):
		return text + "it is not a socket"
	default:
		return text + bare(e.Err).Error()
	}
}

// Unwrap returns why no daemon answers.
func (e *NoDaemonError) Unwrap() error { return e.Err }

// RefusedError is the answer of a daemon that has not done what was asked.
type RefusedError struct {
	Text string
}

func (e *RefusedError) Error() string { return e.Text }

// Status asks how the daemon is.
func (c *Client) Status(ctx context.Context) (Status, error) {
	return ask[Status](ctx, c.Path, http.MethodGet, statusPath, nil)
}

// Mute asks to silence checks.
func (c *Client) Mute(ctx context.Context, m MuteRequest) (MuteAnswer, error) {
	return ask[MuteAnswer](ctx, c.Path, http.MethodPost, mutePath, m)
}

// Unmute asks to end a mute.
func (c *Client) Unmute(ctx context.Context, m UnmuteRequest) (UnmuteAnswer, error) {
	return ask[UnmuteAnswer](ctx, c.Path, http.MethodPost, unmutePath, m)
}

// ask makes one request. An error is a [*NoDaemonError], a [*RefusedError] or
// ctx's.
func ask[T any](ctx context.Context, socket, method, path string, what any) (T, error) {
	var answer T
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errors.New("it did not answer within 15 seconds"))
	defer cancel()
	body, err := json.Marshal(what)
	if err != nil {
		return answer, err
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://watchword"+path, bytes.NewReader(body))
	if err != nil {
		return answer, err
	}
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (conn net.Conn, err error) {
			err = reach(socket, func(path string) error {
				conn, err = new(net.Dialer).DialContext(ctx, "unix", path)
				return err
			})
			return conn, err
		},
	}}
	resp, err := client.Do(req)
	if err != nil {
		return answer, failed(ctx, socket, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return answer, failed(ctx, socket, err)
	}
	if resp.StatusCode != http.StatusOK {
		return answer, refused(resp.StatusCode, text)
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return answer, &NoDaemonError{socket, fmt.Errorf("it does not answer as a daemon of watchword would: %w", err)}
	}
	return answer, nil
}

// failed tells why there was no answer.
func failed(ctx context.Context, socket string, err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if info, statErr := os.Lstat(socket); errors.Is(err, syscall.ECONNREFUSED) && statErr == nil && info.Mode().Type() != fs.ModeSocket {
		err = syscall.ENOTSOCK
	}
	return &NoDaemonError{socket, err}
}

// refused reads why the daemon has not done what was asked.
func refused(status int, text []byte) error {
	var r refusal
	if json.Unmarshal(text, &r) == nil && r.Error != "" {
		return &RefusedError{r.Error}
	}
	if status == http.StatusNotFound {
		return &RefusedError{"the daemon is of another version, which does not know this command: restart it"}
	}
	return &RefusedError{fmt.Sprintf("the daemon answers %d: %.200s", status, strings.TrimSpace(string(text)))}
}
