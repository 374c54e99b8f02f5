package certs_test

import (
	"fmt"
	"log"
	"os"
	"time"

	"watchword/certs"
	"watchword/certs/certstest"
)

func Example() {
	dir, err := os.MkdirTemp("", "certs")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ca, err := certstest.New(certstest.Options{})
	if err != nil {
		log.Fatal(err)
	}
	pair, err := ca.Issue(certstest.Leaf{CommonName: "probe.acme.com"})
	if err != nil {
		log.Fatal(err)
	}
	file, _, _, err := pair.Save(dir, "acme")
	if err != nil {
		log.Fatal(err)
	}

	var loader certs.Loader
	set, err := certs.NewSet([]*certs.Identity{
		loader.Load(certs.Source{Name: "acme-2026", Hosts: []string{"*.acme.com"}, PEM: file, Added: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}),
		loader.Load(certs.Source{Name: "acme-2025", Hosts: []string{"*.acme.com"}, PEM: file, Added: time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC)}),
		loader.Load(certs.Source{Name: "company", Primary: true, PEM: file}),
	})
	if err != nil {
		log.Fatal(err)
	}

	choice := set.Select("orders.acme.com", certs.Want{})
	fmt.Println(choice.Identity.Name(), "by", choice.Rule, "for", choice.Identity.Leaf().Subject.CommonName)
	for _, c := range set.Explain("orders.acme.com", certs.Want{}).Candidates {
		fmt.Printf("not %s: %s\n", c.Identity.Name(), c.Lost)
	}
	choice = set.Select("partner.example", certs.Want{Mode: certs.ModeRequired})
	fmt.Println(choice.Identity.Name(), "by", choice.Rule)

	// Output:
	// acme-2026 by pattern for probe.acme.com
	// not acme-2025: certificate "acme-2026" is more recent: added on 2026-03-01, this one on 2025-03-01
	// company by primary
}

func ExampleParseHost() {
	for _, host := range []string{"{,*.}acme.com", "*acme.com", "https://acme.com/orders"} {
		pattern, err := certs.ParseHost(host)
		fmt.Println(pattern.Match("acme.com"), pattern.Match("a.b.acme.com"), pattern.Warnings(), err)
	}

	// Output:
	// true true [] <nil>
	// true true [host "*acme.com" also covers "evilacme.com", want "*.acme.com" or "{,*.}acme.com"] <nil>
	// false false [] host "https://acme.com/orders" has a scheme in it, want only the host: "acme.com"
}
