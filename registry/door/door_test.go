package door

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/internal/git"
	"github.com/xtrepro/xt/registry"
	"github.com/xtrepro/xt/track"
	"github.com/xtrepro/xt/track/sql"
)

type project struct {
	*Registry
	t     *testing.T
	dir   string
	store *sql.Store
}

func (p *project) git(args ...string) string {
	p.t.Helper()
	cmd := exec.Command("git", append([]string{"-C", p.dir, "-c", "user.name=Ada", "-c", "user.email=ada@example.org"}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		p.t.Fatalf("git %q: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func open(t *testing.T) *project {
	t.Helper()
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	t.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	for _, who := range []string{"AUTHOR", "COMMITTER"} {
		t.Setenv("GIT_"+who+"_NAME", "Ada")
		t.Setenv("GIT_"+who+"_EMAIL", "ada@example.org")
	}
	p := &project{t: t, dir: t.TempDir()}
	p.git("init", "-q")
	p.write("train.py", "1\n")
	p.git("add", "-A")
	p.git("commit", "-qm", "one")
	repo, err := git.Open(p.dir)
	if err != nil {
		t.Fatal(err)
	}
	if p.store, err = sql.Open(t.Context(), filepath.Join(t.TempDir(), "runs.db"), sql.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.store.Close() })
	p.Registry = &Registry{Registry: p.store, Tags: registry.Open(repo), Repo: repo, Runs: p.store,
		Object: func(context.Context, hash.Sum) []byte { return nil }}
	return p
}

func (p *project) write(name, text string) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o666); err != nil {
		p.t.Fatal(err)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// What a client of MLflow does to a model is in the tags, and the other way round.
func TestVersions(t *testing.T) {
	p, ctx := open(t), t.Context()
	if _, err := p.CreateModelVersion(ctx, track.NewModelVersion{Name: "net"}); track.CodeOf(err) != track.NotFound {
		t.Errorf("a version of a model that is not there: %v", err)
	}
	must(p.CreateRegisteredModel(ctx, "net", "a net", []track.Tag{{Key: "team", Value: "a"}}))
	run := must(p.store.CreateRun(ctx, track.NewRun{}))
	if err := p.store.LogMetric(ctx, run.ID, track.Metric{Key: "loss", Value: 0.5}); err != nil {
		t.Fatal(err)
	}
	one := must(p.CreateModelVersion(ctx, track.NewModelVersion{Name: "net", Source: "models:/m-1", RunID: run.ID, ModelID: "m-1", Description: "first", Tags: []track.Tag{{Key: "k", Value: "v"}}}))
	if one.Version != 1 || one.Stage != "None" || one.Source != "models:/m-1" || one.RunID != run.ID || one.ModelID != "m-1" || one.Description != "first" || len(one.Tags) != 1 || one.Status != "READY" {
		t.Errorf("version 1: %+v", one)
	}
	if got := p.git("tag", "-l"); got != "net@v0.0.1" {
		t.Errorf("tags: %s", got)
	}
	if got, head := p.git("rev-parse", "net@v0.0.1^{commit}"), p.git("rev-parse", "HEAD"); got != head {
		t.Errorf("the first version is on %s, not on HEAD %s", got, head)
	}

	// The next one is of files that are not committed: its commit has them.
	p.write("train.py", "2\n")
	if _, err := p.CreateModelVersion(ctx, track.NewModelVersion{Name: "net", Version: 9}); track.CodeOf(err) != track.InvalidParameter {
		t.Errorf("a number out of order: %v", err)
	}
	two := must(p.CreateModelVersion(ctx, track.NewModelVersion{Name: "net", Source: "models:/m-2"}))
	if got := p.git("show", "net@v0.0.2:train.py"); got != "2" || two.Version != 2 {
		t.Errorf("version %d has %q", two.Version, got)
	}
	if got := p.git("status", "--porcelain"); got != "M train.py" {
		t.Errorf("the working tree was changed: %q", got)
	}
	// And one more of the same files is a version of its own.
	must(p.CreateModelVersion(ctx, track.NewModelVersion{Name: "net", Source: "models:/m-3"}))

	must(p.StageModelVersion(ctx, "net", 1, "production", true))
	got := must(p.StageModelVersion(ctx, "net", 2, "Production", true))
	if got.Stage != "Production" || must(p.ModelVersion(ctx, "net", 1)).Stage != "Archived" {
		t.Errorf("stages: %s, %s", got.Stage, must(p.ModelVersion(ctx, "net", 1)).Stage)
	}
	if got := must(p.DescribeModelVersion(ctx, "net", 2, "Promoted")); got.Description != "Promoted" {
		t.Errorf("description %q", got.Description)
	}
	if err := p.SetAlias(ctx, "net", "best", 3); err != nil {
		t.Fatal(err)
	}
	if v := must(p.ModelVersionByAlias(ctx, "net", "best")); v.Version != 3 {
		t.Errorf("alias: %d", v.Version)
	}
	if err := p.DeleteAlias(ctx, "net", "best"); err != nil {
		t.Fatal(err)
	}
	if _, err := p.ModelVersionByAlias(ctx, "net", "best"); track.CodeOf(err) != track.InvalidParameter {
		t.Errorf("an alias that is gone: %v", err)
	}
	m := must(p.RegisteredModel(ctx, "net"))
	if m.Description != "a net" || len(m.Latest) != 3 || len(m.Tags) != 1 {
		t.Errorf("model: %+v", m)
	}

	// xt model sees the same.
	model := must(must(p.Tags.Load()).Model("net"))
	if v := model.Holder("production"); v == nil || v.Number != 2 || v.Description != "Promoted" {
		t.Errorf("the tags say %+v", v)
	}
	if n := must(model.Find("1")).Note(); n.Metrics["loss"] != 0.5 || n.Run != run.ID {
		t.Errorf("the note says %+v", n)
	}
}

func TestSearch(t *testing.T) {
	p, ctx := open(t), t.Context()
	for _, name := range []string{"net", "tree", "prompt"} {
		var tags []track.Tag
		if name == "prompt" {
			tags = []track.Tag{{Key: track.PromptTag, Value: "true"}}
		}
		must(p.CreateRegisteredModel(ctx, name, "", tags))
	}
	for i, name := range []string{"net", "tree", "net", "prompt"} {
		v := track.NewModelVersion{Name: name, Source: "s", RunID: strings.Repeat("a", 31) + string(rune('0'+i))}
		if name == "prompt" {
			v.Tags = []track.Tag{{Key: track.PromptTag, Value: "true"}}
		}
		must(p.CreateModelVersion(ctx, v))
	}
	if got := p.git("tag", "-l"); got != "net@v0.0.1\nnet@v0.0.2\ntree@v0.0.1" {
		t.Errorf("tags: %q", got)
	}
	for filter, want := range map[string]int{
		"": 3, "name = 'net'": 2, "name LIKE 'n%' AND version_number = '2'": 1, "run_id = '" + strings.Repeat("a", 31) + "1'": 1,
		"name = 'prompt'": 1, "tags.x = 'y'": 0, "name IN ('tree')": 1,
	} {
		page, err := p.SearchModelVersions(ctx, track.Search{Filter: filter, Max: 10})
		if err != nil || len(page.Items) != want {
			if filter != "name = 'prompt'" || err != nil { // prompts are searched for with their tag
				t.Errorf("%q: %d versions, %v, want %d", filter, len(page.Items), err, want)
			}
		}
	}
	page := must(p.SearchRegisteredModels(ctx, track.Search{Max: 1, OrderBy: []string{"name DESC"}}))
	if len(page.Items) != 1 || page.Items[0].Name != "tree" || page.Next == "" {
		t.Errorf("first page: %+v", page)
	}
	page = must(p.SearchRegisteredModels(ctx, track.Search{Max: 1, OrderBy: []string{"name DESC"}, PageToken: page.Next}))
	if len(page.Items) != 1 || page.Items[0].Name != "net" || page.Next != "" {
		t.Errorf("second page: %+v", page)
	}
	page = must(p.SearchRegisteredModels(ctx, track.Search{Max: 10, Filter: "tag.`" + track.PromptTag + "` = 'true'"}))
	if len(page.Items) != 1 || page.Items[0].Name != "prompt" {
		t.Errorf("prompts: %+v", page)
	}
	if _, err := p.SearchModelVersions(ctx, track.Search{Max: 10, PageToken: "x"}); track.CodeOf(err) != track.InvalidParameter {
		t.Errorf("a bad token: %v", err)
	}

	if err := p.DeleteModelVersion(ctx, "net", 2); err != nil {
		t.Fatal(err)
	}
	if _, err := p.ModelVersion(ctx, "net", 2); track.CodeOf(err) != track.NotFound {
		t.Errorf("a version that was deleted: %v", err)
	}
	if _, err := p.RenameRegisteredModel(ctx, "net", "other"); track.CodeOf(err) != track.InvalidParameter {
		t.Errorf("a rename of what has tags: %v", err)
	}
	if err := p.DeleteRegisteredModel(ctx, "net"); err != nil {
		t.Fatal(err)
	}
	if _, err := p.RegisteredModel(ctx, "net"); track.CodeOf(err) != track.NotFound {
		t.Errorf("a model that was deleted: %v", err)
	}
}

// TestStored has a model that was imported into the store: it stays there, until git
// has versions of that name.
func TestStored(t *testing.T) {
	p, ctx := open(t), t.Context()
	must(p.store.CreateRegisteredModel(ctx, "old", "imported", nil))
	must(p.store.CreateModelVersion(ctx, track.NewModelVersion{Name: "old", Version: 3, Created: 1234, Source: "s3://x"}))
	must(p.CreateRegisteredModel(ctx, "net", "", nil))
	must(p.CreateModelVersion(ctx, track.NewModelVersion{Name: "net", Source: "y"}))
	if err := p.SetAlias(ctx, "old", "champion", 3); err != nil {
		t.Error(err)
	}
	must(p.StageModelVersion(ctx, "old", 3, "Production", true))
	if v := must(p.ModelVersionByAlias(ctx, "old", "champion")); v.Version != 3 || v.Stage != "Production" || v.Created != 1234 {
		t.Errorf("%+v", v)
	}
	if v := must(p.CreateModelVersion(ctx, track.NewModelVersion{Name: "old", Source: "z"})); v.Version != 4 {
		t.Errorf("%+v", v)
	}
	for filter, want := range map[string]int{"": 3, "name = 'old'": 2, "name = 'net'": 1, "source_path = 's3://x'": 1} {
		if page := must(p.SearchModelVersions(ctx, track.Search{Max: 10, Filter: filter})); len(page.Items) != want {
			t.Errorf("%q: %+v", filter, page.Items)
		}
	}
	if tags := p.git("tag", "-l", "old*"); tags != "" {
		t.Errorf("git has %s", tags)
	}
	must(p.Tags.Register(ctx, registry.Registration{Model: "old", Commit: must(p.Repo.Head())}))
	if page := must(p.SearchModelVersions(ctx, track.Search{Max: 10, Filter: "name = 'old'"})); len(page.Items) != 1 || page.Items[0].Version != 1 {
		t.Errorf("%+v", page.Items)
	}
}
