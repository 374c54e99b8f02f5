package certstest_test

import (
	"crypto/tls"
	"fmt"
	"log"
	"net/http"

	"watchword/certs/certstest"
)

func Example() {
	ca, err := certstest.New(certstest.Options{})
	if err != nil {
		log.Fatal(err)
	}
	serverPair, err := ca.Issue(certstest.ServerLeaf("127.0.0.1"))
	if err != nil {
		log.Fatal(err)
	}
	clientPair, err := ca.Issue(certstest.Leaf{CommonName: "probe"})
	if err != nil {
		log.Fatal(err)
	}
	server := &certstest.Server{Pair: serverPair, ClientAuth: tls.RequireAndVerifyClientCert}
	if err := server.Start(); err != nil {
		log.Fatal(err)
	}
	defer server.Close()

	transport := &http.Transport{TLSClientConfig: &tls.Config{
		RootCAs:      ca.Pool(),
		Certificates: []tls.Certificate{clientPair.TLS()},
	}}
	defer transport.CloseIdleConnections()
	res, err := (&http.Client{Transport: transport}).Get(server.URL())
	if err != nil {
		log.Fatal(err)
	}
	defer res.Body.Close()
	fmt.Println(res.Status, "for", server.Peers()[0].Certificate.Subject.CommonName)

	// Output:
	// 200 OK for probe
}
