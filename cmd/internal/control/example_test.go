package control_test

import (
	"context"
	"fmt"

	"watchword/cmd/internal/control"
)

func ExampleClient() {
	client := &control.Client{Path: control.Path("/nowhere/watchword.db")}
	_, err := client.Status(context.Background())
	fmt.Println(err)
	// Output: no daemon answers at /nowhere/watchword.db.sock: there is no such socket
}
