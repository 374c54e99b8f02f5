package web_test

import (
	"context"
	"fmt"
	"net/http"

	"watchword/cmd/internal/web"
)

func Example() {
	s := &web.Server{Listen: "127.0.0.1:0", Metrics: metrics("watchword_checks 2\n")}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if err := s.Bind(ctx); err != nil {
		fmt.Println(err)
		return
	}
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()

	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.Addr().String()+"/-/ready", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	res, err := client().Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	res.Body.Close()
	fmt.Println(res.Status)

	cancel()
	fmt.Println(<-done)
	// Output:
	// 200 OK
	// <nil>
}

func ExampleServer_Bind() {
	s := &web.Server{Listen: "0.0.0.0:0"}
	fmt.Println(s.Bind(context.Background()))
	// Output:
	// refusing to listen on 0.0.0.0:0 without authentication: listen on 127.0.0.1, name a file with basic_auth_users in --web.config.file, or say --web.allow-unauthenticated
}
