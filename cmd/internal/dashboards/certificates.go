package dashboards

// certificates shows what expires when, and what is at stake.
func certificates() Dashboard {
	const third = 8
	end := located("watchword_client_certificate_not_after_timestamp_seconds")
	return Dashboard{
		UID: "watchword-certificates", Title: "watchword / Certificates",
		Description: "Client certificates and those of servers: time left, checks at stake, handshakes, files that cannot be used.",
		variables:   []variable{locationVariable()},
		annotations: []annotation{reloads()},
		rows: []row{
			{height: 4, panels: []panel{
				stat("Expired", "Client certificates whose time is over.", "none", third, orZero("count("+end+" < time())")).
					mapped([]word{{0, "No client certificate has expired", "green"}}).colored("green", step{1, "red"}),
				stat("Cannot be used", "Certificate blocks whose files cannot be loaded now. The last good files go on where there are any.", "none", third,
					"sum("+located("watchword_client_certificate_load_failed")+")").
					mapped([]word{{0, "All files can be used", "green"}}).colored("green", step{1, "red"}),
				stat("Next to expire", "Time until the first of the client certificates expires.", "dtdurations", third, "min("+end+") - time()").
					colored("red", step{7 * 86400, "orange"}, step{30 * 86400, "green"}),
			}},
			{height: 9, panels: []panel{clientTable()}},
			{height: 9, panels: []panel{serverTable(), lines(
				"Handshakes", "Handshakes a second in which a client certificate was presented, by the server's verdict.", "ops", 12,
				query{expr: "sum by (certificate, result) (rate(" + located("watchword_client_certificate_handshakes_total") + "[$__rate_interval]))", legend: "{{certificate}} {{result}}"},
			)}},
			{height: 8, panels: []panel{
				lines("Time left", "Of client certificates: a step up is a rotation.", "dtdurations", 12,
					query{expr: "min by (certificate) (" + end + " - time())", legend: "{{certificate}}"}),
				lines("Files that could not be loaded", "1 while the files of a block cannot be used.", "none", 12,
					query{expr: "max by (certificate) (" + located("watchword_client_certificate_load_failed") + ")", legend: "{{certificate}}"}),
			}},
		},
	}
}

func clientTable() panel {
	p := table("Client certificates", "Each client certificate with its subject and issuer, the time left, and how many checks stop working when it expires.", columns,
		query{expr: "sort(min by (certificate, subject, issuer, primary) (\n  (" + located("watchword_client_certificate_not_after_timestamp_seconds") + " - time())\n  * " +
			sameCertificate + " group_left (subject, issuer, primary) " + located("watchword_client_certificate_info") + "\n))"},
		query{expr: "max by (certificate) (" + located("watchword_client_certificate_checks") + ")"})
	return timeLeft(p.columns("certificate", "certificate", "subject", "subject", "issuer", "issuer", "primary", "primary",
		"Value #A", expiresIn, "Value #B", "checks that use it"))
}

func serverTable() panel {
	server := located("watchword_server_certificate_not_after_timestamp_seconds")
	p := table("Server certificates", "Each server that checks met, with the time left and how many checks ask it.", 12,
		query{expr: "sort(min by (host) (" + server + ") - time())"}, query{expr: "count by (host) (" + server + ")"})
	return timeLeft(p.columns("host", "host", "Value #A", expiresIn, "Value #B", "checks that ask it"))
}
