package wandb

import (
	"net/http"
	"strings"
	"testing"

	"github.com/xtrepro/xt/track"
)

// TestShared has two clients write lines of their own numbers, some of them twice.
func TestShared(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.begin("p", "r", "{}")
	send := func(client, chunk string) {
		t.Helper()
		if status, body := s.send("POST", "/files/local/p/r/file_stream", chunk, "X-WANDB-USE-ASYNC-FILESTREAM: true", "X-WANDB-ASYNC-CLIENT-ID: "+client); status != http.StatusOK {
			t.Fatalf("%d: %s", status, body)
		}
	}
	first := `{"files":{"wandb-history.jsonl":{"offset":0,"content":["{\"_step\":0,\"a\":1}","{\"_step\":1,\"a\":NaN}"]},"output.log":{"offset":0,"content":["a 0"]},"wandb-summary.json":{"offset":0,"content":["{\"a\":2,\"t\":{\"x\":1}}"]}}}`
	send("a", first)
	send("b", `{"files":{"wandb-history.jsonl":{"offset":0,"content":["{\"_step\":0,\"b\":1}"]},"output.log":{"offset":0,"content":["b 0"]},"wandb-summary.json":{"offset":0,"content":["{\"b\":3}"]}}}`)
	send("a", first)
	send("a", `{"files":{"wandb-history.jsonl":{"offset":2,"content":["{\"a\":3}"]},"output.log":{"offset":0,"content":["a 0 again","a 1"]}}}`)
	want := `{"data":{"project":{"run":{"history":["{\"_step\":0,\"a\":1}","{\"_step\":1,\"a\":NaN}","{\"_step\":2,\"b\":1}","{\"_step\":3,\"a\":3}"],"summaryMetrics":"{\"_step\":2,\"a\":2,\"b\":3,\"t\":{\"x\":1}}"}}}}`
	if got := s.ask(`{ project(name: "p") { run(name: "r") { history summaryMetrics } } }`, nil); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	kept, err := s.store.Lines(t.Context(), track.LineQuery{RunID: s.run("p", "r").ID, Stream: outputStream})
	if err != nil {
		t.Fatal(err)
	}
	var text []string
	for _, l := range kept {
		text = append(text, l.Text)
	}
	if got := strings.Join(text, ","); got != "a 0 again,b 0,a 1" {
		t.Error(got)
	}
	page, err := s.store.MetricHistory(t.Context(), track.HistoryQuery{RunID: s.run("p", "r").ID, Key: "a"})
	if err != nil || len(page.Items) != 3 || page.Items[2].Step != 3 {
		t.Errorf("%+v, %v", page.Items, err)
	}
}
