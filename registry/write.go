package registry

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"github.com/xtrepro/xt/internal/git"
)

// Signing says whether new tags are signed.
type Signing string

// The values of [Signing].
const (
	AsConfigured Signing = ""    // if git is configured to
	Signed       Signing = "yes" // always
	NotSigned    Signing = "never"
)

// draft is an event to be made.
type draft struct {
	TagName
	commit  string
	subject string
	note    Note
}

// plan decides about a change, as the registry stands.
type plan func(s *State, m *Model) ([]draft, error)

// tries is how often a change is decided anew because another was quicker.
const tries = 50

// write makes the tags of a change, all of them or none. Where another makes a tag
// of the same name first, the change is decided anew, in view of that.
func (r *Registry) write(ctx context.Context, model string, sign Signing, decide plan) ([]string, error) {
	unlock, err := r.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	for try := 1; ; try++ {
		names, err := r.attempt(ctx, model, sign, decide)
		var exists *git.TagsExistError
		var busy *git.BusyError
		switch {
		case err == nil || try == tries || ctx.Err() != nil:
			return names, err
		case errors.As(err, &busy):
			time.Sleep(time.Duration(10+rand.IntN(40)) * time.Millisecond)
		case !errors.As(err, &exists):
			return nil, err
		}
	}
}

// lock keeps other xt of this machine from changing the registry. Others, such as
// git and GTO, are found out when a tag is there.
func (r *Registry) lock(ctx context.Context) (unlock func(), err error) {
	l := flock.New(filepath.Join(r.repo.Common, "xt-models.lock"))
	if _, err := l.TryLockContext(ctx, 20*time.Millisecond); err != nil {
		return nil, fmt.Errorf("wait for another xt that changes the models: %w", err)
	}
	return func() { l.Close() }, nil
}

func (r *Registry) attempt(ctx context.Context, model string, sign Signing, decide plan) ([]string, error) {
	s, err := r.Load()
	if err != nil {
		return nil, err
	}
	m := s.Models[model]
	if m == nil {
		m = &Model{Name: model, byName: map[string]*Version{}}
	}
	drafts, err := decide(s, m)
	if err != nil || len(drafts) == 0 {
		return nil, err
	}
	by, err := r.repo.Committer()
	if err != nil {
		return nil, err
	}
	by.Time = next(by.Time, m)
	tags := make([]git.NewTag, len(drafts))
	names := make([]string, len(drafts))
	for i, d := range drafts {
		if err := d.note.check(); err != nil {
			return nil, err
		}
		names[i] = d.TagName.String()
		tags[i] = git.NewTag{Name: names[i], Commit: d.commit, Message: d.subject + "\n\n" + d.note.encode()}
	}
	if r.created != nil {
		r.created()
	}
	return names, r.repo.CreateTags(ctx, tags, git.TagOptions{By: by, Sign: r.signs(sign)})
}

func (r *Registry) signs(sign Signing) bool {
	return sign == Signed || sign == AsConfigured && r.repo.SignsTags()
}

// counter hands out the counters of the tags of one change.
type counter uint64

func (s *State) counter(m *Model) counter { return counter(s.counters[m.Name]) }

func (c *counter) next() uint64 {
	*c++
	return uint64(*c)
}

// Change is what was done.
type Change struct {
	Model    string   `json:"model"`
	Version  string   `json:"version"`
	Number   int      `json:"number"`
	Commit   string   `json:"commit"`
	From     string   `json:"from,omitempty"`     // the stage that it left
	Stage    string   `json:"stage,omitempty"`    // that it is in now
	Archived []string `json:"archived,omitempty"` // versions that were in Stage before
	Tags     []string `json:"tags"`               // that were made; none if all was so already
}
