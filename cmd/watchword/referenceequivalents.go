package main

// An equivalent is an assertion as other tools write it, and as it is written
// here. The reference shows these; tests run each against a server.
type equivalent struct {
	what      string // in words
	checkly   string // each empty where the tool has no such assertion
	gatus     string
	hurl      string
	blackbox  string
	condition string // in expect
	check     string // instead, or besides: an attribute of the check
	request   string // besides: an attribute of the request
	path      string // what the tests' server is asked for; JSON if empty
}

// written is the row's own way to say it.
func (e *equivalent) written() []string {
	var lines []string
	for _, line := range []string{e.condition, e.check} {
		if line != "" {
			lines = append(lines, line)
		}
	}
	if e.request != "" {
		lines = append(lines, "request { "+e.request+" }")
	}
	return lines
}

// equivalents is the table of them.
func equivalents() []equivalent {
	var all []equivalent
	for _, group := range [][]equivalent{answerRows(), bodyRows(), jsonRows(), typeRows(), markupRows(), connectionRows()} {
		all = append(all, group...)
	}
	return all
}

func answerRows() []equivalent {
	return []equivalent{
		{what: "status", checkly: "statusCode equals 200", gatus: "[STATUS] == 200", hurl: "HTTP 200", blackbox: "valid_status_codes", condition: `status == 200`},
		{what: "one of several statuses", gatus: "[STATUS] == any(200, 429)", hurl: "status toString matches …", blackbox: "valid_status_codes", condition: `contains([200, 429], status)`},
		{what: "range of statuses", checkly: "statusCode less than 300", gatus: "[STATUS] < 300", hurl: "status < 300", blackbox: "valid_status_codes (2xx)", condition: `status >= 200 && status < 300`},
		{what: "header", checkly: "headers equals", hurl: `header "X-Node" == "a1"`, condition: `header["x-node"] == "a1"`},
		{what: "header contains", checkly: "headers contains", hurl: `header "Content-Type" contains "json"`, condition: `strcontains(header["content-type"], "json")`},
		{what: "header matches", checkly: "headers with regex", hurl: `header "X-Node" matches /^a\d$/`, blackbox: "fail_if_header_not_matches", condition: `matches(header["x-node"], "^a\\d$")`},
		{what: "header does not match", blackbox: "fail_if_header_matches", hurl: `header "Server" not matches /apache/`, condition: `!matches(coalesce(header["server"], "-"), "apache")`},
		{what: "header is there", checkly: "headers not empty", hurl: `header "X-Node" exists`, condition: `header["x-node"] != null`},
		{what: "header is not there", checkly: "headers is empty", hurl: `header "X-Powered-By" not exists`, condition: `header["x-powered-by"] == null`},
		{what: "cookie", hurl: `cookie "theme" == "dark"`, condition: `cookie["theme"].value == "dark"`},
		{what: "cookie is there, with an attribute", hurl: `cookie "theme[Secure]" exists`, condition: `cookie["theme"].secure`},
		{what: "redirects were followed", hurl: "redirects count == 1", condition: `redirects == 1`},
		{what: "final URL", hurl: `url endsWith "/there"`, condition: `endswith(url, "/there")`},
		{what: "the redirect itself", hurl: `header "Location" == …`, blackbox: "follow_redirects: false", condition: `status == 302 && endswith(header["location"], "/there")`, request: `follow_redirects = false`},
		{what: "response time", checkly: "responseTime less than 2000", gatus: "[RESPONSE_TIME] < 2000", hurl: "duration < 2000", blackbox: "probe_duration_seconds", condition: `timing.total < 2`, path: "slow"},
		{what: "time of one phase", blackbox: "probe_http_duration_seconds", condition: `timing.wait < 2`, path: "slow"},
		{what: "slow, but not failed", checkly: "degraded response time", check: `degraded_if = [timing.total > 2]`, path: "slow"},
		{what: "gives up after", gatus: "client.timeout", hurl: "--max-time", blackbox: "timeout", check: `timeout = "2s"`, path: "slow"},
	}
}

func bodyRows() []equivalent {
	return []equivalent{
		{what: "body is", checkly: "textBody equals", gatus: "[BODY] == up", hurl: "`up`", condition: `body == "up"`, path: "text"},
		{what: "body contains", checkly: "textBody contains", gatus: "[BODY] == pat(*up*)", hurl: `body contains "up"`, condition: `strcontains(body, "up")`, path: "text"},
		{what: "body does not contain", checkly: "textBody not contains", hurl: `body not contains "error"`, blackbox: "fail_if_body_matches_regexp", condition: `!strcontains(body, "error")`, path: "text"},
		{what: "body matches", gatus: "[BODY] == pat(u*)", hurl: `body matches /^u/`, blackbox: "fail_if_body_not_matches_regexp", condition: `matches(body, "^u")`, path: "text"},
		{what: "part of the body by regular expression", checkly: "textBody with regex", hurl: `regex /"build":(\d+)/ == "7"`, condition: `regex("\"build\":(\\d+)", body)[0] == "7"`},
		{what: "body is not empty", checkly: "textBody not empty", gatus: "len([BODY]) > 0", hurl: "bytes count > 0", condition: `body_size > 0`, path: "text"},
		{what: "size of the body", gatus: "len([BODY]) == 2", hurl: "bytes count == 2", blackbox: "body_size_limit", condition: `body_size == 2`, path: "text"},
		{what: "no more than so many bytes are read", blackbox: "body_size_limit", condition: `status == 200`, request: `max_body = "1KiB"`, path: "large"},
		{what: "SHA-256 of the body", hurl: "sha256 == hex,…;", condition: `body_sha256 == "75a288c0d6898c5f7b054590845978a82a3ad79fcce3d43ff68a7501e5a91ee9"`, path: "text"},
		{what: "MD5 of the body", hurl: "md5 == hex,…;", condition: `md5(body) == "46c48bec0d282018b9d167eef7711b2c"`, path: "text"},
		{what: "first bytes", hurl: "bytes startsWith hex,7570;", condition: `startswith(hex(body), "7570")`, path: "text"},
		{what: "base64", hurl: "base64Decode", condition: `base64decode(json.token) == "up"`},
		{what: "URL escapes", hurl: "urlDecode", condition: `urldecode(json.next) == "/a b"`},
	}
}

func jsonRows() []equivalent {
	return []equivalent{
		{what: "JSON value", checkly: "jsonBody $.database equals", gatus: "[BODY].database == up", hurl: `jsonpath "$.database" == "up"`, blackbox: "fail_if_body_json_not_matches_cel", condition: `json.database == "up"`},
		{what: "JSON value by JSONPath", checkly: "jsonBody $.items[0].id equals", hurl: `jsonpath "$.items[0].id" == 1`, condition: `jsonpath(json, "$.items[0].id") == 1`},
		{what: "several values by JSONPath", hurl: `jsonpath "$.items[*].id" == …`, condition: `jsonpath(json, "$.items[*].id") == [1, 2]`},
		{what: "filter in a JSONPath", checkly: "jsonBody $.items[?(@.id==2)].price", hurl: `jsonpath "$.items[?(@.id==2)].price" nth 0 == 12`, condition: `jsonpath(json, "$.items[?@.id == 2].price") == [12]`},
		{what: "JSON value by jq", blackbox: "fail_if_body_json_not_matches_cel", condition: `jq(json, "[.items[].price] | add") == 21.5`},
		{what: "number greater than", checkly: "jsonBody greater than", gatus: "[BODY].build > 5", hurl: `jsonpath "$.build" > 5`, condition: `json.build > 5`},
		{what: "length of an array", gatus: "len([BODY].items) == 2", hurl: `jsonpath "$.items" count == 2`, condition: `length(json.items) == 2`},
		{what: "array contains a value", checkly: "jsonBody has value", hurl: `jsonpath "$.tags" contains "a"`, condition: `contains(json.tags, "a")`},
		{what: "all elements", hurl: `jsonpath "$.items[?(@.price<=0)]" isEmpty`, condition: `alltrue([for i in json.items : i.price > 0])`},
		{what: "array is empty", checkly: "jsonBody is empty", gatus: "len([BODY].errors) == 0", hurl: `jsonpath "$.errors" isEmpty`, condition: `length(json.errors) == 0`},
		{what: "array is not empty", checkly: "jsonBody not empty", gatus: "len([BODY].items) > 0", hurl: `jsonpath "$.items" not isEmpty`, condition: `length(json.items) > 0`},
		{what: "first, last element", hurl: "first, last", condition: `json.items[0].id == 1 && reverse(json.items)[0].id == 2`},
		{what: "key exists", checkly: "jsonBody has key", gatus: "has([BODY].build) == true", hurl: `jsonpath "$.build" exists`, condition: `can(json.build)`},
		{what: "key does not exist", checkly: "jsonBody not has key", gatus: "has([BODY].trace) == false", hurl: `jsonpath "$.trace" not exists`, condition: `!can(json.trace)`},
		{what: "value is null", checkly: "jsonBody is null", gatus: "[BODY].parent == null", hurl: `jsonpath "$.parent" == null`, condition: `json.parent == null`},
		{what: "value is not null", checkly: "jsonBody not null", hurl: `jsonpath "$.build" != null`, condition: `json.build != null`},
		{what: "value contains, starts, ends", checkly: "jsonBody contains", gatus: "[BODY].id == pat(ord_*)", hurl: `jsonpath "$.id" startsWith "ord_"`, condition: `startswith(json.id, "ord_")`},
		{what: "value matches", gatus: "[BODY].id == pat(ord_*)", hurl: `jsonpath "$.id" matches /^ord_\d+$/`, condition: `matches(json.id, "^ord_\\d+$")`},
		{what: "value is one of", gatus: "[BODY].database == any(up, warm)", hurl: `jsonpath "$.database" matches /^(up|warm)$/`, condition: `contains(["up", "warm"], json.database)`},
		{what: "JSON Schema", checkly: "JSON schema validation", condition: `valid_schema(json, { required = ["items"], properties = { build = { type = "integer" } } })`},
		{what: "part of an object", hurl: `jsonpath "$.owner" == …`, condition: `json.owner == { name = "ada", id = 7 }`},
		{what: "JSON inside a text", hurl: `jsonpath "$.nested" jsonpath "$.a"`, condition: `jsondecode(json.nested).a == 1`},
		{what: "claims of a token", condition: `jwt(json.jwt).claims.sub == "probe"`},
	}
}

func typeRows() []equivalent {
	return []equivalent{
		{what: "is a string", hurl: "isString", condition: `jq(json, ".id | type") == "string"`},
		{what: "is a number", hurl: "isNumber", condition: `jq(json, ".build | type") == "number"`},
		{what: "is a whole number", hurl: "isInteger", condition: `floor(json.build) == json.build`},
		{what: "is true or false", hurl: "isBoolean", condition: `jq(json, ".ready | type") == "boolean"`},
		{what: "is a list, an object", hurl: "isList, isObject", condition: `jq(json, ".items | type") == "array" && jq(json, ".owner | type") == "object"`},
		{what: "is a date", hurl: "isIsoDate", condition: `can(unixtime(json.updated))`},
		{what: "age of a time", hurl: "toDate daysBeforeNow < 1", condition: `now() - unixtime(json.updated) < 86400`},
		{what: "is a UUID", hurl: "isUuid", condition: `matches(json.trace_id, "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")`},
		{what: "is an IP address", hurl: "isIpv4, isIpv6", condition: `can(cidrcontains("0.0.0.0/0", json.node))`},
		{what: "text as a number", hurl: "toInt, toFloat", condition: `tonumber(json.count) > 2`},
		{what: "split, replace", hurl: "split, replace", condition: `split("_", json.id)[1] == "42" && replace(json.id, "ord_", "") == "42"`},
	}
}

func markupRows() []equivalent {
	return []equivalent{
		{what: "XPath over XML", hurl: `xpath "string(//status)" == "up"`, condition: `xpath(body, "string(//status)") == "up"`, path: "xml"},
		{what: "nodes by XPath", hurl: `xpath "//item" count == 2`, condition: `length(xpath(body, "//item")) == 2`, path: "xml"},
		{what: "attribute by XPath", hurl: `xpath "string(//item/@id)" == "1"`, condition: `xpath(body, "//item/@id") == ["1", "2"]`, path: "xml"},
		{what: "node exists", hurl: `xpath "//status" exists`, condition: `xpath(body, "boolean(//status)")`, path: "xml"},
		{what: "XPath over HTML", hurl: `xpath "normalize-space(//head/title)" == "Shop"`, condition: `xpath(body, "normalize-space(//head/title)") == "Shop"`, path: "html"},
	}
}

func connectionRows() []equivalent {
	return []equivalent{
		{what: "days until the certificate expires", checkly: "SSL certificate alert", gatus: "[CERTIFICATE_EXPIRATION] > 336h", hurl: `certificate "Expire-Date" daysAfterNow > 14`, blackbox: "probe_ssl_earliest_cert_expiry", condition: `tls.days_left > 14`},
		{what: "issuer of the certificate", hurl: `certificate "Issuer" contains …`, condition: `strcontains(tls.issuer, "equivalents")`},
		{what: "names of the certificate", hurl: `certificate "Subject-Alt-Name" contains …`, condition: `contains(tls.names, "api.acme.test")`},
		{what: "version of TLS", blackbox: "probe_tls_version_info", condition: `tls.version == "1.3"`},
		{what: "HTTPS, not HTTP", blackbox: "fail_if_not_ssl", condition: `tls.cipher != ""`},
		{what: "our client certificate was presented", condition: `tls.client_certificate == "probe"`},
		{what: "the server demands a client certificate", condition: `tls.client_certificate_requested`},
		{what: "version of HTTP", hurl: "version == \"2\"", blackbox: "valid_http_versions", condition: `http_version == "2"`},
		{what: "address", gatus: "[IP] == 127.0.0.1", hurl: `ip == "127.0.0.1"`, blackbox: "probe_ip_protocol", condition: `remote_ip == "127.0.0.1"`},
		{what: "a failure that is wanted", checkly: "should fail", gatus: "[CONNECTED] == false", check: `expect_failure = ["body_too_large"]`, request: `max_body = "4KiB"`, path: "larger"},
	}
}
