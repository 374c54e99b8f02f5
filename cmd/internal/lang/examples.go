package lang

// example returns an expression that shows a function at work: it is true.
// Those of functions that look into an answer hold for the answer
//
//	{"id": "ord_1", "items": [{"id": 1, "price": 9.5}, {"id": 2, "price": 12}]}
//
// and those with file() where such a file is. Tests evaluate all of them.
func example(name string) string {
	for _, group := range [][][2]string{textExamples(), numberExamples(), listExamples(), encodingExamples(), otherExamples()} {
		for _, e := range group {
			if e[0] == name {
				return e[1]
			}
		}
	}
	return ""
}

func textExamples() [][2]string {
	return [][2]string{
		{"chomp", `chomp("up\n") == "up"`},
		{"endswith", `endswith("orders.csv", ".csv")`},
		{"format", `format("%s-%03d", "ord", 7) == "ord-007"`},
		{"formatlist", `formatlist("%s.example", ["a", "b"]) == tolist(["a.example", "b.example"])`},
		{"indent", `indent(2, "a\nb") == "a\n  b"`},
		{"join", `join(", ", ["a", "b"]) == "a, b"`},
		{"lower", `lower("GET") == "get"`},
		{"split", `split(",", "a,b") == tolist(["a", "b"])`},
		{"startswith", `startswith("ord_1", "ord_")`},
		{"strcontains", `strcontains("no error", "error")`},
		{"strlen", `strlen("añb") == 3`},
		{"strrev", `strrev("abc") == "cba"`},
		{"substr", `substr("ord_1", 0, 3) == "ord"`},
		{"title", `title("hello world") == "Hello World"`},
		{"trim", `trim("?!up!?", "!?") == "up"`},
		{"trimprefix", `trimprefix("ord_1", "ord_") == "1"`},
		{"trimspace", `trimspace("  up\n") == "up"`},
		{"trimsuffix", `trimsuffix("orders.csv", ".csv") == "orders"`},
		{"upper", `upper("get") == "GET"`},
		{"matches", `matches(json.id, "^ord_[0-9]+$")`},
		{"regex", `regex("[0-9]+", "ord_42") == "42"`},
		{"regexall", `regexall("[0-9]+", "1 and 22") == tolist(["1", "22"])`},
		{"replace", `replace("2026-03-01", "/-/", "/") == "2026/03/01"`},
	}
}

func numberExamples() [][2]string {
	return [][2]string{
		{"abs", `abs(-3) == 3`},
		{"ceil", `ceil(1.2) == 2`},
		{"floor", `floor(1.8) == 1`},
		{"log", `log(8, 2) == 3`},
		{"max", `max(1, 5, 3) == 5`},
		{"min", `min([1, 5, 3]...) == 1`},
		{"parseint", `parseint("ff", 16) == 255`},
		{"pow", `pow(2, 10) == 1024`},
		{"signum", `signum(-7) == -1`},
		{"sum", `sum(json.items[*].price) == 21.5`},
	}
}

func listExamples() [][2]string {
	return [][2]string{
		{"alltrue", `alltrue([for i in json.items : i.price > 0])`},
		{"anytrue", `anytrue([for i in json.items : i.price > 10])`},
		{"chunklist", `length(chunklist([1, 2, 3], 2)) == 2`},
		{"coalesce", `coalesce(null, "a") == "a"`},
		{"coalescelist", `coalescelist([], ["a"]) == ["a"]`},
		{"compact", `compact(["a", "", "b"]) == tolist(["a", "b"])`},
		{"concat", `concat([1], [2, 3]) == [1, 2, 3]`},
		{"contains", `contains([200, 201], status)`},
		{"distinct", `distinct([1, 1, 2]) == tolist([1, 2])`},
		{"element", `element(["a", "b"], 2) == "a"`},
		{"flatten", `flatten([[1], [2, [3]]]) == [1, 2, 3]`},
		{"index", `index(["a", "b"], "b") == 1`},
		{"keys", `keys({ b = 1, a = 2 }) == ["a", "b"]`},
		{"length", `length(json.items) == 2`},
		{"lookup", `lookup({ a = 1 }, "b", 0) == 0`},
		{"matchkeys", `matchkeys(["i-1", "i-2"], ["fra", "ams"], ["ams"]) == tolist(["i-2"])`},
		{"merge", `merge({ a = 1 }, { b = 2 }) == { a = 1, b = 2 }`},
		{"one", `one([for i in json.items : i.price if i.id == 2]) == 12`},
		{"range", `range(3) == tolist([0, 1, 2])`},
		{"reverse", `reverse([1, 2]) == [2, 1]`},
		{"slice", `slice(["a", "b", "c"], 0, 2) == ["a", "b"]`},
		{"sort", `sort(["b", "a"]) == tolist(["a", "b"])`},
		{"transpose", `transpose({ a = ["x"], b = ["x"] }) == tomap({ x = tolist(["a", "b"]) })`},
		{"values", `values({ b = 1, a = 2 }) == [2, 1]`},
		{"zipmap", `zipmap(["a", "b"], [1, 2]) == { a = 1, b = 2 }`},
		{"setintersection", `setintersection(["a", "b"], ["b", "c"]) == toset(["b"])`},
		{"setproduct", `length(setproduct(["a", "b"], ["x", "y"])) == 4`},
		{"setsubtract", `setsubtract(["a", "b"], ["b"]) == toset(["a"])`},
		{"setunion", `setunion(["a"], ["b"]) == toset(["a", "b"])`},
	}
}

func encodingExamples() [][2]string {
	return [][2]string{
		{"base64decode", `base64decode("dXA=") == "up"`},
		{"base64encode", `base64encode("up") == "dXA="`},
		{"base64sha256", `base64sha256("") == "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="`},
		{"base64sha512", `length(base64sha512("")) == 88`},
		{"csvdecode", `csvdecode("id,name\n1,a")[0].name == "a"`},
		{"hex", `hex("up") == "7570"`},
		{"hmac_sha256", `startswith(hmac_sha256("key", "text"), "6afa9046")`},
		{"jsondecode", `jsondecode("{\"a\": 1}").a == 1`},
		{"jsonencode", `jsonencode({ a = [1, true] }) == "{\"a\":[1,true]}"`},
		{"jwt", `jwt("eyJhbGciOiJub25lIn0.eyJleHAiOjQxMDI0NDQ4MDB9.").claims.exp - now() > 3600`},
		{"md5", `md5("") == "d41d8cd98f00b204e9800998ecf8427e"`},
		{"sha1", `sha1("") == "da39a3ee5e6b4b0d3255bfef95601890afd80709"`},
		{"sha256", `startswith(sha256(""), "e3b0c442")`},
		{"sha512", `startswith(sha512(""), "cf83e135")`},
		{"urldecode", `urldecode("a+b%2Fc") == "a b/c"`},
		{"urlencode", `urlencode("a b/c") == "a+b%2Fc"`},
		{"jsonpath", `jsonpath(json, "$.items[?@.price > 10].id") == [2]`},
		{"jq", `jq(json, ".items | map(.price) | add") == 21.5`},
		{"xpath", `xpath("<a><status>up</status></a>", "string(//status)") == "up"`},
		{"valid_schema", `valid_schema(json, { required = ["id", "items"] })`},
	}
}

func otherExamples() [][2]string {
	return [][2]string{
		{"can", `can(json.items[1]) && !can(json.items[2])`},
		{"issensitive", `issensitive(sensitive("a"))`},
		{"sensitive", `json.id != sensitive("unknown")`},
		{"tobool", `tobool("true")`},
		{"tolist", `tolist(["a", "b"])[0] == "a"`},
		{"tomap", `tomap({ a = "x" })["a"] == "x"`},
		{"tonumber", `tonumber("12") == 12`},
		{"toset", `length(toset(["a", "a"])) == 1`},
		{"tostring", `tostring(12) == "12"`},
		{"try", `try(json.total, 0) == 0`},
		{"formatdate", `formatdate("DD.MM.YYYY", "2026-03-01T09:00:00Z") == "01.03.2026"`},
		{"now", `now() > 1700000000`},
		{"random_string", `length(random_string(12)) == 12`},
		{"timeadd", `timeadd("2026-03-01T09:00:00Z", "1h") == "2026-03-01T10:00:00Z"`},
		{"timecmp", `timecmp("2026-03-01T09:00:00Z", timestamp()) == -1`},
		{"timestamp", `endswith(timestamp(), "Z")`},
		{"unixtime", `now() - unixtime(header["date"]) < 300`},
		{"uuid", `length(uuid()) == 36`},
		{"cidrcontains", `cidrcontains("127.0.0.0/8", remote_ip)`},
		{"cidrhost", `cidrhost("10.0.0.0/8", 1) == "10.0.0.1"`},
		{"cidrnetmask", `cidrnetmask("10.0.0.0/8") == "255.0.0.0"`},
		{"env", `env("HOME") != ""`},
		{"file", `valid_schema(json, file("order.schema.json"))`},
	}
}
