package alerts

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/slack-go/slack"
)

// ParseMention understands who is to be mentioned: `@here`, `@channel`,
// `@everyone`, the id of a user (U… or W…) or of a user group (S…), or any of
// these as Slack writes them (`<!here>`, `<@U0123>`, `<!subteam^S0123>`). It
// returns Slack's form. An error is a sentence for the user.
func ParseMention(text string) (string, error) {
	bare := strings.TrimSuffix(strings.TrimPrefix(text, "<"), ">")
	bare = strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(bare, "!"), "@"), "subteam^")
	switch {
	case bare == "here" || bare == "channel" || bare == "everyone":
		return "<!" + bare + ">", nil
	case regexp.MustCompile(`^[UW][A-Z0-9]{2,20}$`).MatchString(bare):
		return "<@" + bare + ">", nil
	case regexp.MustCompile(`^S[A-Z0-9]{2,20}$`).MatchString(bare):
		return "<!subteam^" + bare + ">", nil
	default:
		return "", fmt.Errorf("%q names nobody", shorten(text, maxHeader))
	}
}

// mentionBlock holds nothing but a mention, in the form that ParseMention
// returns.
func mentionBlock(mention string) slack.Block {
	return slack.NewSectionBlock(slack.NewTextBlockObject(slack.MarkdownType, mention, false, false), nil, nil)
}
