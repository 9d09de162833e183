package registry

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
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
	var skip uint64
	for try := 1; ; try++ {
		names, err := r.attempt(ctx, model, sign, decide, skip)
		var exists *git.TagsExistError
		var busy *git.BusyError
		switch {
		case err == nil || try == tries || ctx.Err() != nil:
			return names, err
		case errors.As(err, &busy):
			time.Sleep(time.Duration(10+rand.IntN(40)) * time.Millisecond)
			if try > 5 {
				skip++ // a git that was killed locks a name for ever; the next counter is free
			}
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

func (r *Registry) attempt(ctx context.Context, model string, sign Signing, decide plan, skip uint64) ([]string, error) {
	s, err := r.Load()
	if err != nil {
		return nil, err
	}
	m := s.Models[model]
	if m == nil {
		m = &Model{Name: model, byName: map[string]*Version{}}
	}
	s.counters[model] += skip
	drafts, err := decide(s, m)
	if err != nil || len(drafts) == 0 {
		return nil, err
	}
	by, err := r.committer(m, drafts)
	if err != nil {
		return nil, err
	}
	tags := make([]git.NewTag, len(drafts))
	names := make([]string, len(drafts))
	for i, d := range drafts {
		if err := d.note.check(); err != nil {
			return nil, err
		}
		names[i] = d.TagName.String()
		tags[i] = git.NewTag{Name: names[i], Commit: d.commit, Message: d.subject + "\n\n" + d.note.encode()}
	}
	r.created()
	return names, r.repo.CreateTags(ctx, tags, git.TagOptions{By: by, Sign: r.signs(sign)})
}

// committer returns who makes the tags, and the time that they are to have.
func (r *Registry) committer(m *Model, drafts []draft) (git.Ident, error) {
	by, err := r.repo.Committer()
	if err != nil || len(m.Events) == 0 {
		return by, err
	}
	floor, last := m.floor(drafts), m.Events[len(m.Events)-1].By.Time
	if wait := time.Until(floor.Add(time.Second)); !by.Time.After(floor) && wait > 0 && wait <= time.Second {
		r.sleep(wait)
		if by, err = r.repo.Committer(); err != nil {
			return by, err
		}
	}
	zone := by.Time.Location()
	if by.Time.Before(last) {
		by.Time = last.In(zone)
	}
	if !by.Time.After(floor) {
		by.Time = floor.Add(time.Second).In(zone)
	}
	return by, nil
}

// floor returns the time of the last event with which one of the drafts may not
// share a second.
func (m *Model) floor(drafts []draft) (last time.Time) {
	contested := map[string]bool{}
	for _, d := range drafts {
		contested[contest(d.TagName, d.note.Version)] = true
	}
	for _, e := range m.Events {
		if contested[contest(e.TagName, e.of)] && e.By.Time.After(last) {
			last = e.By.Time
		}
	}
	return last
}

// contest names what an event decides about: a stage, which has one holder, or
// whether a version is archived, as many are, or whether it is there.
func contest(n TagName, version string) string {
	switch stage := strings.ToLower(n.Stage); {
	case stage == "":
		return "@" + version
	case stage == Archived:
		return stage + "@" + version
	default:
		return stage
	}
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
	Replaced []string `json:"replaced,omitempty"` // versions that left Stage for it
	Archived []string `json:"archived,omitempty"` // those of them that are in no other stage
	Tags     []string `json:"tags"`               // that were made; none if all was so already
}
