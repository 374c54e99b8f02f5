package alerts

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// sign sets the headers of the Standard Webhooks specification
// (standardwebhooks.com, version 1): the id of the message, when this attempt
// was made, and for each key the HMAC-SHA256 of both and the body.
func (w *Webhook) sign(h http.Header, id string, now time.Time, body []byte) {
	stamp := strconv.FormatInt(now.Unix(), 10)
	h.Set("Webhook-Id", id)
	h.Set("Webhook-Timestamp", stamp)
	signatures := make([]string, 0, len(w.Keys))
	for _, key := range w.Keys {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + stamp + "."))
		mac.Write(body)
		signatures = append(signatures, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	if len(signatures) > 0 {
		h.Set("Webhook-Signature", strings.Join(signatures, " "))
	}
}

// signingPrefix begins a key of the Standard Webhooks specification.
const signingPrefix = "whsec_"

// ParseSigningSecret returns the key that a signing secret stands for: what
// follows `whsec_` in base64, as the Standard Webhooks specification writes
// keys, else the text itself. An error never shows the secret.
func ParseSigningSecret(text string) ([]byte, error) {
	if strings.HasPrefix(text, "whsk_") || strings.HasPrefix(text, "whpk_") {
		return nil, errors.New("it is a key of an asymmetric signature; signatures are HMAC-SHA256, with a key that begins with whsec_ or any other text")
	}
	encoded, ok := strings.CutPrefix(text, signingPrefix)
	if !ok {
		return []byte(text), nil
	}
	key, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(encoded, "="))
	if err != nil || len(key) == 0 {
		return nil, errors.New("it begins with whsec_, but what follows is not base64")
	}
	return key, nil
}
