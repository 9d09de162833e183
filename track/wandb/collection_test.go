package wandb

import (
	"fmt"
	"strings"
	"testing"

	"github.com/xtrepro/xt/track"
)

// TestRename renames a collection that was made before collections had IDs, after it
// was interrupted once.
func TestRename(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	c := &call{Server: s.handler, ctx: t.Context()}
	d := &artifact{ID: "a1", Entity: "local", Project: "p", Collection: "old", Type: "model", State: committed}
	col := &collection{Entity: "local", Project: "p", Name: "old", Type: "model", Versions: []string{"a1"}, Aliases: map[string]string{"latest": "a1"}}
	if err := s.handler.saveArtifact(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if err := s.handler.saveCollection(t.Context(), col); err != nil {
		t.Fatal(err)
	}
	id := collectionID(col)
	half := *col
	half.ID, half.Name, half.kept = col.id(), "new", kept{}
	if err := s.handler.saveCollection(t.Context(), &half); err != nil {
		t.Fatal(err)
	}
	rename := func(name string) string {
		return s.ask(fmt.Sprintf(`mutation { updateArtifactSequence(input: {artifactSequenceID: %q, name: %q}) { artifactCollection { id name } } }`, id, name), nil)
	}
	want := fmt.Sprintf(`{"data":{"updateArtifactSequence":{"artifactCollection":{"id":%q,"name":"new"}}}}`, id)
	for range 2 {
		if got := rename("new"); got != want {
			t.Fatalf("got %s\nwant %s", got, want)
		}
	}
	found, _, err := c.byName(t.Context(), "", "p", "new:latest")
	if err != nil || found.Collection != "new" {
		t.Errorf("%+v, %v", found, err)
	}
	if _, _, err := c.byName(t.Context(), "", "p", "old"); track.CodeOf(err) != track.NotFound {
		t.Errorf("%v", err)
	}
	// Another of the old name is another.
	other, err := c.ensureCollection("local", "p", "old", "model", false)
	if err != nil || collectionID(other) == id {
		t.Errorf("%v, %v", other, err)
	}
	if got := rename("old"); !strings.Contains(got, "there is a collection old already") {
		t.Error(got)
	}
}
