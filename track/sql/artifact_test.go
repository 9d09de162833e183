package sql

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/track"
)

func testInputs(t *testing.T, s track.Store) {
	ctx := t.Context()
	id := newRun(t, s, track.NewRun{}).ID
	d := track.Dataset{Name: "d", Digest: "1", SourceType: "local", Source: "{}", Schema: "{}", Profile: ""}
	in := track.DatasetInput{Dataset: d, Tags: []track.Tag{{Key: contextTag, Value: "train"}}}
	for range 2 {
		check(t, s.LogInputs(ctx, id, []track.DatasetInput{in, in}, []track.ModelInput{{ModelID: "m-1"}}))
		check(t, s.LogOutputs(ctx, id, []track.ModelOutput{{ModelID: "m-2", Step: 3}}))
	}
	r := must[track.Run](t)(s.Run(ctx, id))
	if d := cmp.Diff([]track.DatasetInput{in}, r.Inputs); d != "" || len(r.ModelInputs) != 1 || len(r.ModelOutputs) != 1 || r.ModelOutputs[0].Step != 3 {
		t.Errorf("%+v, %s", r, d)
	}
	for filter, want := range map[string]int{
		"dataset.name = 'd'": 1, "datasets.digest IN ('0', '1')": 1, "dataset.context = 'train'": 1, "dataset.context LIKE 'ev%'": 0, "dataset.name != 'd'": 0,
	} {
		page := must[track.Page[track.Run]](t)(s.SearchRuns(ctx, track.RunSearch{Search: track.Search{Max: 5, Filter: filter}, Experiments: []int64{0}}))
		if len(page.Items) != want {
			t.Errorf("%s finds %d", filter, len(page.Items))
		}
	}
}

func testArtifacts(t *testing.T, s track.Store) {
	ctx := t.Context()
	path := func(p string) track.Path { return must[track.Path](t)(track.ParsePath(p)) }
	for _, p := range []string{"0/r/artifacts/a/b.txt", "0/r/artifacts/a.txt", "0/r/artifacts/a/c/d", "0/r/artifacts/a0", "0/s/x y/é", "0/r/artifacts/a/b.txt"} {
		a, err := s.PutArtifact(ctx, path(p), strings.NewReader("hello "+p))
		if err != nil || a.Node.Sum != hash.Bytes([]byte("hello "+p)) || a.Time == 0 {
			t.Fatalf("%s: %+v, %v", p, a, err)
		}
	}
	list := func(p string) (names string) {
		for _, a := range must[[]track.Artifact](t)(s.ListArtifacts(ctx, path(p))) {
			names += a.Path.Base() + map[bool]string{true: "/ "}[a.IsDir]
			if !a.IsDir {
				names += " "
			}
		}
		return names
	}
	for p, want := range map[string]string{
		"": "0/ ", "0": "r/ s/ ", "0/r/artifacts": "a/ a.txt a0 ", "0/r/artifacts/a": "b.txt c/ ", "0/r/artifacts/a.txt": "", "none": "",
	} {
		if got := list(p); got != want {
			t.Errorf("%s has %q", p, got)
		}
	}
	f, a, err := s.OpenArtifact(ctx, path("0/r/artifacts/a/b.txt"))
	check(t, err)
	defer f.Close()
	if b, err := io.ReadAll(f); string(b) != "hello 0/r/artifacts/a/b.txt" || err != nil || a.Node.Size != int64(len(b)) {
		t.Errorf("%q, %v", b, err)
	}
	_, _, err = s.OpenArtifact(ctx, path("0/r/artifacts/none"))
	wantError(t, err, track.NotFound, "No such artifact: '0/r/artifacts/none'")
	_, _, err = s.OpenArtifact(ctx, path("0/r/artifacts/a"))
	wantError(t, err, track.InvalidParameter, "Artifact path refers to a directory, not a file: '0/r/artifacts/a'")
	_, err = s.PutArtifact(ctx, path("0/r/artifacts/a"), strings.NewReader(""))
	wantError(t, err, track.InvalidParameter, "is a folder")
	_, err = s.PutArtifact(ctx, path("0/r/artifacts/a0/x"), strings.NewReader(""))
	wantError(t, err, track.InvalidParameter, "is below a file")
	_, err = s.LinkArtifact(ctx, path("x"), hash.Node{Kind: hash.File, Size: 5})
	wantError(t, err, track.InvalidParameter, "the cache lacks")
	linked := must[track.Artifact](t)(s.LinkArtifact(ctx, path("1/x"), hash.Node{Kind: hash.Executable, Sum: a.Node.Sum, Size: a.Node.Size}))
	if again := must[track.Artifact](t)(s.Artifact(ctx, path("1/x"))); cmp.Diff(linked, again, cmp.AllowUnexported(track.Path{})) != "" {
		t.Errorf("%+v", again)
	}
	n, stop := 0, errors.New("stop")
	if err := s.WalkArtifacts(ctx, track.Path{}, func(track.Artifact) error { n++; return nil }); n != 6 || err != nil {
		t.Errorf("walked %d, %v", n, err)
	}
	if err := s.WalkArtifacts(ctx, path("0/r"), func(track.Artifact) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("%v", err)
	}
	for range 2 {
		check(t, s.DeleteArtifacts(ctx, path("0/r/artifacts/a")))
	}
	if got := list("0/r/artifacts"); got != "a.txt a0 " {
		t.Errorf("after deletion: %q", got)
	}
	r := newRun(t, s, track.NewRun{})
	p, ok := track.ArtifactPathOf(r.ArtifactURI)
	if !ok {
		t.Fatal(r.ArtifactURI)
	}
	_, err = s.PutArtifact(ctx, must[track.Path](t)(p.Join("f")), strings.NewReader("x"))
	check(t, err)
	check(t, s.DeleteRun(ctx, r.ID))
	check(t, s.PurgeRun(ctx, r.ID))
	if got := list(p.String()); got != "" {
		t.Errorf("after purge: %q", got)
	}
}
