// Package registry keeps the versions of models, and which stage each is in, as
// annotated git tags, under the names that GTO reads and writes.
//
// # Tags
//
// A tag is an [Event]: m@v1.2.0 registers a version, m#production#3 puts the
// version at its commit into a stage, m#production!#4 takes it out again. What
// the registry is follows from all tags together, in the order of their times;
// nothing else is stored. A tag is never changed, and never removed by xt.
//
// The message of a tag has a line for people, and below it a [Note]: what the
// model is, to the digest, how it was made, and why it was promoted.
//
// # Trust
//
// Whoever may push tags can write anything into them. Names are checked against
// the grammar, the name inside a tag must be its own, sizes are bounded, and a note
// is only a claim: what git and xt.lock say at the commit is the truth.
//
// # Time
//
// The newest assignment wins, so the order of times decides, and among tags of one
// second the counter, which GTO does not look at. A new tag is therefore dated
// after the last one of its stage: where that is of this very second, xt waits for
// the next, and where it comes from a clock that is ahead, it is dated ahead too.
package registry

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/xtrepro/xt/internal/git"
)

// Registry is the models of one git repository. It may be used by several
// goroutines.
type Registry struct {
	repo *git.Repo

	mu   sync.Mutex
	read map[string]*tag // by the name of the object, which never changes

	// Replaced by tests.
	created func()              // called between a look at the tags and making new ones
	sleep   func(time.Duration) // waits for the next second
}

// Open returns the registry of a repository. It reads nothing yet.
func Open(repo *git.Repo) *Registry {
	return &Registry{repo: repo, read: map[string]*tag{}, created: func() {}, sleep: time.Sleep}
}

// tag is what was read of an object.
type tag struct {
	*git.Tag
	bad string // why it does not count; "" if it does

	subject string
	note    *Note
	problem string // with the note
}

// maxTag is how large a tag may be that is read.
const maxTag = 256 << 10

// Skipped is a tag that has the name of an event, and is none.
type Skipped struct {
	Tag string
	Why string
}

// Load reads the tags, and returns what follows from them. Tags that were read
// before are not read again.
func (r *Registry) Load() (*State, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	refs, err := r.repo.TagRefs()
	if err != nil {
		return nil, err
	}
	names := make(map[string]TagName, len(refs))
	refs = slices.DeleteFunc(refs, func(t git.TagRef) bool {
		n, ok := ParseTagName(t.Name)
		if ok {
			names[t.Name] = n
		}
		return !ok
	})
	if err := r.readTags(refs); err != nil {
		return nil, err
	}
	s := newState()
	for _, ref := range refs {
		name := names[ref.Name]
		s.counted(name)
		switch t := r.read[ref.Object]; {
		case t.bad != "":
			s.Skipped = append(s.Skipped, Skipped{ref.Name, t.bad})
		case t.Name != ref.Name:
			// A signed tag under another name would pass for another decision.
			s.Skipped = append(s.Skipped, Skipped{ref.Name, "it was made as " + t.Name})
		default:
			s.add(newEvent(name, t))
		}
	}
	s.fold()
	return s, nil
}

// readTags reads the tags that were not read yet.
func (r *Registry) readTags(refs []git.TagRef) error {
	var missing []string
	for _, ref := range refs {
		if r.read[ref.Object] == nil {
			missing = append(missing, ref.Object)
		}
	}
	objects, err := r.repo.TagObjects(missing, maxTag)
	if err != nil {
		return err
	}
	for _, name := range missing {
		r.read[name] = newTag(name, objects[name])
	}
	return nil
}

// newTag takes an object apart; no bytes stand for one that is no tag.
func newTag(object string, b []byte) *tag {
	if b == nil {
		return &tag{bad: "it is not annotated, or too large"}
	}
	parsed, err := git.ParseTag(object, b)
	switch {
	case err != nil:
		return &tag{bad: err.Error()}
	case parsed.Type != "commit":
		return &tag{bad: "it names no commit"}
	}
	t := &tag{Tag: parsed}
	if t.subject, t.note, err = parseMessage(parsed.Message); err != nil {
		t.problem = err.Error()
	}
	return t
}

// Signature asks git whether the tag of an event was signed, and by whom.
func (r *Registry) Signature(ctx context.Context, e *Event) git.Signature {
	return r.repo.VerifyTag(ctx, e.tag)
}

// Event is something that happened to a model: one tag.
type Event struct {
	TagName
	Tag     string // its name
	Object  string // of the tag
	Commit  string
	By      git.Ident // who made it; the time decides about the order
	Subject string    // the first line of its message
	Note    *Note     // nil if it has none, as with GTO
	Problem string    // why its note could not be read; "" if it could
	Signed  bool      // whether there is a signature; [Registry.Signature] says what it is worth

	of    string // the version concerned, once that is known
	order int    // among the events of its model
	tag   *git.Tag
}

// Of returns the version that the event is about; for an assignment, which names
// only a commit, the one that is there. It is "" for the model as a whole.
func (e *Event) Of() string { return e.of }

func newEvent(name TagName, t *tag) *Event {
	return &Event{TagName: name, Tag: t.Name, Object: t.Object, Commit: t.Target, By: t.Tagger, Signed: t.Signed,
		Subject: t.subject, Note: t.note, Problem: t.problem, of: name.Version, tag: t.Tag}
}
