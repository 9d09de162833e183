package sql

import (
	"strings"
	"testing"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/track"
)

func TestObjects(t *testing.T) {
	s := open(t, sqliteStores(t))
	log := hash.Bytes([]byte("log"))
	newRun(t, s, track.NewRun{Origin: &track.Origin{Log: log.String(), Diff: ""}})
	newRun(t, s, track.NewRun{Origin: &track.Origin{Log: "logs/1.txt"}})
	a, err := s.PutArtifact(t.Context(), must[track.Path](t)(track.ParsePath("a")), strings.NewReader("a"))
	check(t, err)
	got := map[hash.Sum]bool{}
	check(t, s.Objects(t.Context(), func(n hash.Node) error { got[n.Sum] = true; return nil }))
	if len(got) != 2 || !got[log] || !got[a.Node.Sum] {
		t.Errorf("%v", got)
	}
}
