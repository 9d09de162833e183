package wandb

import (
	"fmt"
	"strings"

	"github.com/xtrepro/xt/track"
)

// alertTag is the tag of a run that holds its first alert; those after it have a
// number, too.
const alertTag = "wandb.alert"

// alert keeps an alert of a run as a tag.
func (c *call) alert(a args) (any, error) {
	in := a.input()
	n := newRunName(in.text("entityName"), in.text("projectName"), in.text("runName"))
	defer c.locks.Lock(n.key())()
	r, err := c.loadRun(c.ctx, n)
	if err != nil {
		return nil, err
	}
	there, err := c.store.Run(c.ctx, r.ID)
	if err != nil {
		return nil, err
	}
	key, count := alertTag, 1
	for _, tag := range there.Tags {
		if tag.Key == alertTag || strings.HasPrefix(tag.Key, alertTag+".") {
			count++
			key = fmt.Sprintf("%s.%d", alertTag, count)
		}
	}
	text := in.text("title") + ": " + in.text("text")
	if level := in.text("severity"); level != "" && level != "INFO" {
		text = level + ": " + text
	}
	return object{"success": true}, c.store.SetTag(c.ctx, r.ID, track.Tag{Key: key, Value: track.Clip(strings.TrimSpace(text), track.MaxTagValue)})
}
