package offline

import (
	"encoding/json"
	"strconv"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// Record is one thing that a client has written down. One of the fields is set.
type Record struct {
	Run      *Run
	Config   *Changes
	Summary  *Changes
	History  Row // by key; with "_step"
	Stats    Row // system metrics, with "_timestamp"
	Output   *Output
	Artifact *Artifact
	Used     *Used
	Exit     *Exit
}

// Run is what a run was opened with, or what became of it later.
type Run struct {
	ID, Entity, Project, Group, JobType, DisplayName, Notes, Sweep, Host string

	Remote, Commit string // of git
	Tags           []string
	Config         *Changes
	Start          time.Time
}

// Value is a value of a table, at a path of keys.
type Value struct {
	Path []string
	JSON json.RawMessage // as Python writes it: it may be NaN
}

// Changes are values that are set, and paths that are removed.
type Changes struct {
	Set    []Value
	Remove [][]string
}

// Row is what was logged at once.
type Row []Value

// Output is what was written at once, which may be a part of a line.
type Output struct {
	IsError bool
	Text    string
}

// Artifact is a version of an artifact.
type Artifact struct {
	Type, Name, Digest, Description, Metadata, ClientID, SequenceClientID string

	Aliases  []string
	Files    []ArtifactFile
	Manifest string // a file, if there are too many files for the log
	Use      bool   // whether the run uses it
}

// ArtifactFile is a file of an artifact: its MD5 in base64 and where the client keeps
// it, or a reference to what is elsewhere.
type ArtifactFile struct {
	Path, Digest, Ref, Local string

	Size int64
}

// Used is an artifact that was used.
type Used struct{ ID, Type, Name string }

// Exit is how a run ended.
type Exit struct {
	Code    int
	Runtime time.Duration
}

// parse reads a record; it is nil if it says nothing of interest.
func parse(message []byte) (*Record, error) {
	r, known := &Record{}, 0
	err := fields(message, func(f *field) (err error) {
		known++
		switch f.number {
		case 2:
			r.History, err = parseHistory(f.bytes)
		case 3:
			r.Summary, err = parseChanges(f.bytes)
		case 4, 13:
			r.Output, err = parseOutput(f.bytes)
		case 5:
			r.Config, err = parseChanges(f.bytes)
		case 7:
			r.Stats, err = parseStats(f.bytes)
		case 8:
			r.Artifact, err = parseArtifact(f.bytes)
		case 17:
			r.Run, err = parseRun(f.bytes)
		case 18:
			r.Exit, err = parseExit(f.bytes)
		case 25:
			u := &Used{}
			r.Used, err = u, texts(f.bytes, map[protowire.Number]*string{1: &u.ID, 2: &u.Type, 3: &u.Name})
		default:
			known--
		}
		return err
	})
	if err != nil || known == 0 {
		return nil, err
	}
	return r, nil
}

func parseRun(message []byte) (*Run, error) {
	r := &Run{}
	to := map[protowire.Number]*string{1: &r.ID, 2: &r.Entity, 3: &r.Project, 6: &r.Group, 7: &r.JobType, 8: &r.DisplayName, 9: &r.Notes, 12: &r.Sweep, 13: &r.Host}
	return r, fields(message, func(f *field) (err error) {
		switch f.number {
		case 4:
			r.Config, err = parseChanges(f.bytes)
		case 10:
			r.Tags = append(r.Tags, f.text())
		case 17:
			r.Start, err = parseTime(f.bytes)
		case 21:
			err = texts(f.bytes, map[protowire.Number]*string{1: &r.Remote, 2: &r.Commit})
		default:
			if s := to[f.number]; s != nil {
				*s = f.text()
			}
		}
		return err
	})
}

func parseTime(message []byte) (time.Time, error) {
	var seconds, nanos int64
	err := fields(message, func(f *field) error {
		switch f.number {
		case 1:
			seconds = f.int()
		case 2:
			nanos = f.int()
		}
		return nil
	})
	if seconds == 0 && nanos == 0 {
		return time.Time{}, err
	}
	return time.Unix(seconds, nanos), err
}

// parseChanges reads a record of a config or of a summary.
func parseChanges(message []byte) (*Changes, error) {
	c := &Changes{}
	return c, fields(message, func(f *field) error {
		if f.number != 1 && f.number != 2 {
			return nil
		}
		v, err := parseItem(f.bytes)
		if f.number == 1 {
			c.Set = append(c.Set, v)
		} else {
			c.Remove = append(c.Remove, v.Path)
		}
		return err
	})
}

// parseItem reads a key with a value. Newer clients write some values of a history
// otherwise than in JSON.
func parseItem(message []byte) (v Value, err error) {
	var key string
	err = fields(message, func(f *field) error {
		switch f.number {
		case 1:
			key = f.text()
		case 2:
			v.Path = append(v.Path, f.text())
		case 3:
			v.JSON = json.RawMessage("null")
		case 4:
			v.JSON = strconv.AppendBool(nil, f.bits != 0)
		case 5:
			v.JSON = strconv.AppendInt(nil, f.sint(), 10)
		case 6:
			v.JSON = appendFloat(nil, f.float())
		case 7:
			v.JSON, _ = json.Marshal(f.text()) // a text can always be written
		case 8, 16:
			v.JSON = f.bytes
		}
		return nil
	})
	if key != "" || len(v.Path) == 0 {
		v.Path = append([]string{key}, v.Path...)
	}
	v.JSON = append(json.RawMessage(nil), v.JSON...) // the record goes
	return v, err
}

// appendFloat writes a number as Python does.
func appendFloat(b []byte, x float64) []byte {
	switch {
	case x != x:
		return append(b, "NaN"...)
	case x-x != 0 && x > 0:
		return append(b, "Infinity"...)
	case x-x != 0:
		return append(b, "-Infinity"...)
	}
	return strconv.AppendFloat(b, x, 'g', -1, 64)
}

func parseHistory(message []byte) (Row, error) {
	row, step, hasStep := Row{}, int64(0), false
	err := fields(message, func(f *field) error {
		switch f.number {
		case 1:
			v, err := parseItem(f.bytes)
			if hasStep = hasStep || v.Path[0] == "_step"; err != nil {
				return err
			}
			row = append(row, v)
		case 2:
			return fields(f.bytes, func(f *field) error {
				if f.number == 1 {
					step = f.int()
				}
				return nil
			})
		}
		return nil
	})
	if !hasStep {
		row = append(row, Value{[]string{"_step"}, strconv.AppendInt(nil, step, 10)})
	}
	return row, err
}

func parseStats(message []byte) (Row, error) {
	row := Row{}
	err := fields(message, func(f *field) error {
		switch f.number {
		case 2:
			t, err := parseTime(f.bytes)
			row = append(row, Value{[]string{"_timestamp"}, appendFloat(nil, float64(t.UnixNano())/1e9)})
			return err
		case 3:
			v, err := parseItem(f.bytes)
			v.Path = []string{"system." + v.Path[0]}
			row = append(row, v)
			return err
		}
		return nil
	})
	return row, err
}

func parseOutput(message []byte) (*Output, error) {
	o := &Output{}
	return o, fields(message, func(f *field) error {
		switch f.number {
		case 1:
			o.IsError = f.bits == 0
		case 3:
			o.Text = f.text()
		}
		return nil
	})
}

func parseExit(message []byte) (*Exit, error) {
	e := &Exit{}
	return e, fields(message, func(f *field) error {
		switch f.number {
		case 1:
			e.Code = int(int32(f.bits))
		case 2:
			e.Runtime = time.Duration(int32(f.bits)) * time.Second
		}
		return nil
	})
}
