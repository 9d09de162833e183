package importer

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // the driver

	"github.com/xtrepro/xt/track"
)

// oldSchema is what a database of MLflow had long ago.
const oldSchema = `
	CREATE TABLE experiments (experiment_id INTEGER PRIMARY KEY, name TEXT, artifact_location TEXT, lifecycle_stage TEXT);
	CREATE TABLE runs (run_uuid TEXT PRIMARY KEY, name TEXT, status TEXT, start_time INTEGER, end_time INTEGER, lifecycle_stage TEXT, artifact_uri TEXT, experiment_id INTEGER);
	CREATE TABLE metrics (key TEXT, value FLOAT, timestamp INTEGER, run_uuid TEXT, step INTEGER, is_nan BOOLEAN);
	CREATE TABLE params (key TEXT, value TEXT, run_uuid TEXT);
	CREATE TABLE tags (key TEXT, value TEXT, run_uuid TEXT);
	INSERT INTO experiments VALUES (1, 'e', '', 'active');
	INSERT INTO runs VALUES ('` + runA + `', 'r', 'FINISHED', 5, 9, 'active', '', 1);`

// database makes a file of SQLite.
func database(t *testing.T, script string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "a b?#%.db")
	db, err := sql.Open("sqlite", "file:"+strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(filepath.ToSlash(file)))
	if err == nil {
		_, err = db.ExecContext(t.Context(), script)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return file
}

func importDatabase(t *testing.T, s track.Store, file string) (Report, string, error) {
	t.Helper()
	var w warnings
	src, err := OpenDatabase(t.Context(), file, nil, w.warn)
	if err != nil {
		return Report{}, "", err
	}
	defer src.Close()
	r, err := Import(t.Context(), s, src, Options{Warn: w.warn})
	return r, strings.Join(w.list, "\n"), err
}

func TestOldDatabase(t *testing.T) {
	file := database(t, oldSchema+`INSERT INTO metrics VALUES ('loss', 0.1, 7, '`+runA+`', 0, 0)`)
	s := newStore(t)
	if r, said, err := importDatabase(t, s, file); err != nil || said != "" || r.Runs != 1 || r.Points != 1 {
		t.Errorf("%+v, %q, %v", r, said, err)
	}
}

// TestWrongTypes has values in columns that are for others, as SQLite allows.
func TestWrongTypes(t *testing.T) {
	file := database(t, oldSchema+fmt.Sprintf(`
		UPDATE runs SET start_time = 'yesterday', end_time = 1.7e12, name = x'ff00fe';
		INSERT INTO runs VALUES (x'00', 3, 4, NULL, NULL, NULL, NULL, 1), (NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1);
		INSERT INTO experiments VALUES (2, NULL, NULL, NULL), (3, zeroblob(600), 1, 2);
		INSERT INTO metrics VALUES ('a', 'much', 7, %[1]q, 0, 0), ('b', NULL, 7, %[1]q, 0, 1), ('c', 1, 'x', %[1]q, 'y', 0), (NULL, 1, 7, %[1]q, 0, 0), ('d', x'31', 7, %[1]q, 0, 0);
		INSERT INTO params VALUES ('p', zeroblob(100), %[1]q), (NULL, 'v', %[1]q), ('q', 3.5, %[1]q);
		INSERT INTO tags VALUES ('t', NULL, %[1]q);`, runA))
	s := newStore(t)
	r, said, err := importDatabase(t, s, file)
	if err != nil || r.Runs != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	for _, want := range []string{"table runs: \"yesterday\" is no number", "Invalid experiment name", "its ID is not"} {
		if !strings.Contains(said, want) {
			t.Errorf("nothing says %q:\n%s", want, said)
		}
	}
	run, err := s.Run(t.Context(), runA)
	if err != nil || run.End != 1_700_000_000_000 || len(run.Params) != 2 || hasTag(run.Tags, UnfinishedTag) {
		t.Errorf("%+v, %v", run, err)
	}
}

// TestNotDatabases has files that are no databases of MLflow: nothing of them comes.
func TestNotDatabases(t *testing.T) {
	fill := oldSchema
	for i := range 500 {
		fill += fmt.Sprintf("INSERT INTO params VALUES ('p%d', '%s', '%s');", i, strings.Repeat("v", 500), runA)
	}
	whole, err := os.ReadFile(database(t, fill))
	if err != nil {
		t.Fatal(err)
	}
	broken := append([]byte(nil), whole...)
	copy(broken[len(broken)/2:], strings.Repeat("garbage!", 1000))
	for what, c := range map[string]struct {
		text []byte
		want string
	}{
		"empty":         {nil, "no database of MLflow"},
		"text":          {[]byte(strings.Repeat("this is a text\n", 100)), "not a database"},
		"truncated":     {whole[:len(whole)/2], "malformed"},
		"first page":    {whole[:100], ""},
		"garbage in it": {broken, "broken"},
	} {
		file := filepath.Join(t.TempDir(), "x.db")
		if err := os.WriteFile(file, c.text, 0o666); err != nil {
			t.Fatal(err)
		}
		if _, _, err := importDatabase(t, newStore(t), file); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v", what, err)
		}
		if after, err := os.ReadFile(file); err != nil || len(after) != len(c.text) {
			t.Errorf("%s: the file has changed, %v", what, err)
		}
	}
	if _, err := os.Stat("nowhere.db"); err == nil {
		t.Fatal("there is a nowhere.db")
	}
	if _, _, err := importDatabase(t, newStore(t), "nowhere.db"); err == nil {
		t.Error("a file that is not there is no error")
	}
	if _, err := os.Stat("nowhere.db"); err == nil {
		t.Error("it was made")
	}
}

// TestViews has views where tables should be, and triggers, which reading does not
// set off.
func TestViews(t *testing.T) {
	views := database(t, `CREATE TABLE x (y); CREATE VIEW experiments AS SELECT 1 AS experiment_id, 'e' AS name, 'active' AS lifecycle_stage;
		CREATE VIEW runs AS SELECT '`+runA+`' AS run_uuid, 1 AS experiment_id`)
	if _, _, err := importDatabase(t, newStore(t), views); err == nil || !strings.Contains(err.Error(), "lacks the table of runs") {
		t.Error(err)
	}
	file := database(t, oldSchema+`
		CREATE VIEW inputs AS SELECT load_extension('x') AS input_uuid;
		CREATE TRIGGER a AFTER INSERT ON params BEGIN DELETE FROM runs; END;
		CREATE TABLE "od d""; DROP TABLE runs; --" ("c"" ; --" TEXT);`)
	if r, said, err := importDatabase(t, newStore(t), file); err != nil || r.Runs != 1 || said != "" {
		t.Errorf("%+v, %q, %v", r, said, err)
	}
}
