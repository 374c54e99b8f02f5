package config

// checkBlock is a check: what it can inherit, and what it cannot.
func checkBlock(request, retry, alert *blockType) *blockType {
	b := checkLike("check", []string{"NAME"}, "One thing to watch: a request and what is expected of its answer, or several steps.", request, stepBlock(request), retry, alert)
	b.attrs = append(b.attrs,
		attrType{name: "for_each", is: instances, doc: "Makes a check of each element, NAME[KEY]; each.key and each.value are known in it."})
	return b
}

// groupBlock is a group. It holds groups, and so itself.
func groupBlock(check *blockType, nested ...*blockType) *blockType {
	b := checkLike("group", []string{"NAME"}, "Checks that belong together, as GROUP/NAME, and what they have unless they say otherwise.", nested...)
	b.blocks = append(b.blocks, check, b)
	return b
}

func stepBlock(request *blockType) *blockType {
	return &blockType{
		name: "step", labels: []string{"NAME"}, doc: "One request of several, made in their order; later ones can name its answer as step.NAME.",
		blocks: []*blockType{request},
		attrs: append(answerAttrs(),
			attrType{name: "always", is: truth, fallback: "false", doc: "Runs even when an earlier step failed, if the values that its request needs are known."}),
	}
}

// answerAttrs say what must become of one request.
func answerAttrs() []attrType {
	return []attrType{
		{name: "expect", is: conditions, fallback: "[status >= 200 && status < 400]", doc: "What must hold of the answer."},
		{name: "degraded_if", is: conditions, doc: "What makes a good answer a degraded one."},
		{name: "expect_failure", is: reasons, doc: "The run passes only if it fails with one of these."},
		{name: "show_body", is: truth, fallback: "false", doc: "Messages show the beginning of the answer's body."},
	}
}

// checkLike is what check, group and defaults have in common.
func checkLike(name string, labels []string, doc string, nested ...*blockType) *blockType {
	return &blockType{
		name: name, labels: labels, single: labels == nil, doc: doc, blocks: nested,
		attrs: append([]attrType{
			{name: "description", is: text, doc: "What it stands for, in messages."},
			{name: "schedule", is: schedule, required: true, doc: "When it runs: five-field cron, six with seconds, @hourly and its kin, @every 30s."},
			{name: "timezone", is: zone, doc: "Time zone of a cron schedule; settings.timezone unless given."},
			{name: "splay", is: duration, doc: "Spreads the start of a cron schedule over this time."},
			{name: "timeout", is: duration, fallback: `"10s"`, doc: "Bounds one attempt with all its steps."},
			{name: "labels", is: labelMap, doc: "For routes, metrics and messages."},
			{name: "enabled", is: truth, fallback: "true", doc: "Whether it runs."},
			{name: "runbook", is: webURL, doc: "Where whoever is alerted reads what to do."},
			{name: "depends_on", is: checkRefs, doc: "Checks without which this one cannot pass; a check with for_each or a group stands for all of its own."},
		}, answerAttrs()...),
	}
}

func requestBlock() *blockType {
	return &blockType{
		name: "request", single: true, doc: "What is sent, over which connection.",
		attrs: []attrType{
			{name: "url", is: computed, required: true, secret: true, doc: "http or https."},
			{name: "method", is: computed, fallback: `"GET"`, doc: "The HTTP method."},
			{name: "headers", is: computedMap, secret: true, doc: "Header fields."},
			{name: "query", is: computedMap, secret: true, doc: "Query parameters added to the URL."},
			{name: "body", is: computed, secret: true, doc: "The body as it is."},
			{name: "json", is: computedAny, secret: true, doc: "The body as a value, sent as JSON."},
			{name: "form", is: computedMap, secret: true, doc: "The body as fields of a form, each a string or a list of them."},
			{name: "body_file", is: path, doc: "File with the body as it is, read with the configuration."},
			{name: "basic_auth", is: computedMap, secret: true, doc: "{ username, password }."},
			{name: "bearer_token", is: computed, secret: true, doc: "Sent as Authorization: Bearer."},
			{name: "follow_redirects", is: hops, fallback: "5", doc: "How many redirects are followed; false judges the first answer."},
			{name: "connect_to", is: hostPort, doc: "Dial this instead of the URL's host and port; with a proxy, what it is asked to connect to."},
			{name: "mtls", is: truth, doc: "true demands that a client certificate goes along, false sends none."},
			{name: "certificate", is: certificateRef, doc: "The client certificate, instead of choosing it by host."},
			{name: "server_name", is: hostName, doc: "The name to ask for and to verify, instead of the URL's host."},
			{name: "ca", is: path, doc: "PEM file with the CAs that the server's certificate must come from."},
			{name: "insecure_skip_verify", is: truth, fallback: "false", doc: "Accepts any server certificate."},
			{name: "ip_version", is: ipFamily, doc: "Uses only addresses of this version of IP; with a proxy, the proxy's."},
			{name: "proxy", is: proxyURL, secret: true, doc: "Asks this proxy (http, https or socks5) on every hop, which resolves the names of targets and never sees a client certificate; credentials in it come from a secret."},
			{name: "http_version", is: httpFamily, doc: "The only version of HTTP to offer, instead of both."},
			{name: "max_body", is: byteSize, fallback: `"1MiB"`, doc: "Bounds the body after decompression."},
		},
	}
}

func alertBlock() *blockType {
	return &blockType{
		name: "alert", single: true, doc: "When a failing check is told, and when it has recovered.",
		attrs: []attrType{
			{name: "after", is: count, fallback: "1", doc: "Consecutive failed runs before it is told."},
			{name: "for", is: duration, doc: "And failing for at least this long."},
			{name: "recover_after", is: count, fallback: "1", doc: "Consecutive passed runs before it has recovered."},
			{name: "remind_every", is: duration, doc: "Tells it again this often while it fails."},
			{name: "max_reminders", is: count, doc: "Ends the reminders after this many."},
			{name: "severity", is: text, fallback: `"warning"`, doc: "How bad it is; routes match it."},
			{name: "receivers", is: receiverRefs, doc: "Who is told, instead of those that the routes name."},
		},
	}
}

func retryBlock() *blockType {
	return &blockType{
		name: "retry", single: true, doc: "How often a run that fails is tried again before it counts as failed.",
		attrs: []attrType{
			{name: "attempts", is: count, fallback: "1", doc: "How often it is tried in all."},
			{name: "delay", is: duration, fallback: `"1s"`, doc: "How long to wait before the second attempt."},
			{name: "backoff", is: backoff, fallback: `"constant"`, doc: "How the delay grows from one attempt to the next: constant, linear or exponential."},
			{name: "only_on", is: reasonPrefixes, doc: "Only these failures are tried again: reasons, or what several of them begin with."},
		},
	}
}

func receiverBlock() *blockType {
	kinds := []*blockType{slackBlock(), webhookBlock(), alertmanagerBlock()}
	return &blockType{name: "receiver", labels: []string{"TYPE", "NAME"}, kinds: kinds}
}

func slackBlock() *blockType {
	return &blockType{
		name: "receiver", labels: []string{"slack", "NAME"},
		doc: "A Slack channel: with a bot's token one message an incident, which changes with it; by a webhook one a transition.",
		attrs: []attrType{
			{name: "token", is: text, secret: true, doc: "Bot token; needs channel."},
			{name: "channel", is: text, secret: true, doc: "Name with # or id of the channel."},
			{name: "webhook_url", is: text, secret: true, doc: "Incoming webhook, instead of token and channel."},
			{name: "mention", is: mention, doc: "Who is mentioned when something begins or gets worse: @here, @channel or the id of a user or user group."},
			{name: "api_url", is: webURL, doc: "A proxy or compatible server instead of Slack's own API."},
		},
	}
}

func routeBlock() *blockType {
	return &blockType{
		name: "route", doc: "Which receivers are told of which checks; the first that matches is taken. Without any, every receiver is told of everything.",
		attrs: []attrType{
			{name: "match", is: globMap, doc: "Labels that a check must have; values are globs; without it every check matches."},
			{name: "receivers", is: receiverRefs, required: true, doc: "Who is told."},
			{name: "group_by", is: texts, doc: "Labels: what fails at the same time is told in one message if it has the same values of them."},
			{name: "group_wait", is: duration, fallback: `"15s"`, doc: "How long to wait for more after the first; \"0s\" tells every check by itself."},
			{name: "continue", is: truth, fallback: "false", doc: "Later routes are looked at too."},
		},
	}
}

func maintenanceBlock() *blockType {
	return &blockType{
		name: "maintenance", labels: []string{"NAME"}, doc: "A time in which nothing is told of certain checks; what still fails at its end is told then.",
		attrs: []attrType{
			{name: "schedule", is: schedule, doc: "When it begins, again and again; needs duration."},
			{name: "duration", is: duration, doc: "How long it lasts."},
			{name: "from", is: localMoment, doc: "When it begins, once; needs to."},
			{name: "to", is: localMoment, doc: "When it ends."},
			{name: "timezone", is: zone, doc: "Time zone of schedule, from and to; settings.timezone unless given."},
			{name: "match", is: globMap, doc: "Labels that a check must have; values are globs; without it every check matches."},
		},
	}
}
