package config

import (
	"net/url"

	"watchword/alerts"
)

// slack evaluates a receiver "slack" block. The error is of a secret that
// cannot be read.
func (l *loader) slack(b *block) (*SlackReceiver, error) {
	token, tokenErr := l.secretText(b, "token")
	channel, channelErr := l.secretText(b, "channel")
	webhook, webhookErr := l.secretText(b, "webhook_url")
	s := &SlackReceiver{
		Token:      token.value,
		Channel:    channel.value,
		WebhookURL: webhook.value,
		APIURL:     parsed(l, b, "api_url", parseWebURL).otherwise(""),
		Mention:    parsed(l, b, "mention", alerts.ParseMention).otherwise(""),
	}
	switch {
	case webhook.set && (token.set || channel.set):
		other := "token"
		if !token.set {
			other = "channel"
		}
		l.errorf(b.attrAt(other), "webhook_url together with "+other, "A webhook has its channel already; write either webhook_url, or token and channel.")
	case b.broken:
	case !webhook.set && !token.set && !channel.set:
		l.errorf(b.at, "Receiver without address", "Write token and channel, or webhook_url.")
	case !webhook.set && !channel.set:
		l.errorf(b.at, "Receiver without channel", "Add channel, such as channel = \"#oncall\".")
	case !webhook.set && !token.set:
		l.errorf(b.at, "Receiver without token", "Add token, such as token = secret.slack_token.")
	}
	if webhook.ok() && webhookErr == nil && !validWebhook(webhook.value) {
		l.errorf(b.attrs["webhook_url"].Expr.Range(), "Invalid webhook_url", "webhook_url must be a URL that begins with \"https://\" or \"http://\".")
	}
	for _, err := range []error{tokenErr, channelErr, webhookErr} {
		if err != nil {
			return s, err
		}
	}
	return s, nil
}

func validWebhook(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != ""
}
