package web

import (
	"compress/gzip"
	"net/http"
	"strconv"
	"strings"
)

// worthwhile is from how many bytes on an answer is compressed: less fits into
// one packet.
const worthwhile = 1400

// send answers with a text that no cache may keep, compressed for whoever
// takes that.
func send(w http.ResponseWriter, r *http.Request, contentType string, text []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "no-store")
	h.Add("Vary", "Accept-Encoding")
	if len(text) < worthwhile || !takesGzip(r.Header.Get("Accept-Encoding")) {
		h.Set("Content-Length", strconv.Itoa(len(text)))
		_, _ = w.Write(text) // whoever asked is gone
		return
	}
	h.Set("Content-Encoding", "gzip")
	z, _ := gzip.NewWriterLevel(w, gzip.BestSpeed) // the level is one
	_, _ = z.Write(text)
	_ = z.Close()
}

// takesGzip says whether an Accept-Encoding names gzip, and not as refused.
func takesGzip(accepted string) bool {
	for part := range strings.SplitSeq(accepted, ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.TrimSpace(name) != "gzip" {
			continue
		}
		_, value, found := strings.Cut(weight, "=")
		q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		return !found || err != nil || q > 0
	}
	return false
}
