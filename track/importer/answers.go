package importer

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/xtrepro/xt/track"
)

// text is a scalar of JSON as a text: servers write numbers both ways.
type text string

// UnmarshalJSON implements json.Unmarshaler. What is no scalar is "".
func (t *text) UnmarshalJSON(b []byte) error {
	*t = ""
	switch {
	case bytes.Equal(b, []byte("null")) || b[0] == '{' || b[0] == '[':
	case b[0] == '"':
		var s string
		_ = json.Unmarshal(b, &s) // it is a text already
		*t = text(s)
	default:
		*t = text(b)
	}
	return nil
}

func (t text) number() int64 {
	n, _ := parseNumber(string(t))
	return n
}

// pair is a tag or a parameter.
type pair struct{ Key, Value text }

func tagsOf(pairs []pair) []track.Tag {
	tags := make([]track.Tag, len(pairs))
	for i, p := range pairs {
		tags[i] = track.Tag{Key: string(p.Key), Value: string(p.Value)}
	}
	return tags
}

func paramsOf(pairs []pair) []track.Param {
	params := make([]track.Param, len(pairs))
	for i, p := range pairs {
		params[i] = track.Param{Key: string(p.Key), Value: string(p.Value)}
	}
	return params
}

type experimentAnswer struct {
	ID       text `json:"experiment_id"`
	Name     string
	Location string `json:"artifact_location"`
	Stage    string `json:"lifecycle_stage"`
	Created  text   `json:"creation_time"`
	Tags     []pair
}

type runAnswer struct {
	Info struct {
		ID       string `json:"run_id"`
		OldID    string `json:"run_uuid"`
		Name     string `json:"run_name"`
		User     string `json:"user_id"`
		Status   text
		Start    text   `json:"start_time"`
		End      text   `json:"end_time"`
		Artifact string `json:"artifact_uri"`
		Stage    string `json:"lifecycle_stage"`
	}
	Data struct {
		Metrics      []pointAnswer
		Params, Tags []pair
	}
	Inputs struct {
		Datasets []struct {
			Tags    []pair
			Dataset struct {
				Name, Digest string
				SourceType   string `json:"source_type"`
				Source       string
				Schema       string
				Profile      string
			}
		} `json:"dataset_inputs"`
		Models []struct {
			ID string `json:"model_id"`
		} `json:"model_inputs"`
	}
	Outputs struct {
		Models []struct {
			ID   string `json:"model_id"`
			Step text
		} `json:"model_outputs"`
	}
}

func (a *runAnswer) run() *Run {
	r := &Run{}
	r.RunInfo = track.RunInfo{
		ID: a.Info.ID, Name: a.Info.Name, User: a.Info.User, Status: statusOf(string(a.Info.Status)), Start: a.Info.Start.number(), End: a.Info.End.number(),
		Lifecycle: lifecycleOf(a.Info.Stage), ArtifactURI: a.Info.Artifact,
	}
	if r.ID == "" {
		r.ID = a.Info.OldID
	}
	r.Params, r.Tags = paramsOf(a.Data.Params), tagsOf(a.Data.Tags)
	for i := range a.Data.Metrics {
		r.Metrics = append(r.Metrics, track.Metric{Key: string(a.Data.Metrics[i].Key)})
	}
	for _, in := range a.Inputs.Datasets {
		d := in.Dataset
		r.Inputs = append(r.Inputs, track.DatasetInput{Tags: tagsOf(in.Tags), Dataset: track.Dataset{
			Name: d.Name, Digest: d.Digest, SourceType: d.SourceType, Source: d.Source, Schema: d.Schema, Profile: d.Profile,
		}})
	}
	for _, m := range a.Inputs.Models {
		r.ModelInputs = append(r.ModelInputs, track.ModelInput{ModelID: m.ID})
	}
	for _, m := range a.Outputs.Models {
		r.ModelOutputs = append(r.ModelOutputs, track.ModelOutput{ModelID: m.ID, Step: m.Step.number()})
	}
	return r
}

type pointAnswer struct {
	Key, Value      text
	Timestamp, Step text
	RunID           string `json:"run_id"`
	Dataset         string `json:"dataset_name"`
	Digest          string `json:"dataset_digest"`
}

func (a *pointAnswer) point() (track.Metric, error) {
	v, err := parseValue(string(a.Value))
	if a.Value == "" {
		v, err = 0, nil // as protobuf leaves out what is zero
	}
	return track.Metric{Key: string(a.Key), Value: v, Time: a.Timestamp.number(), Step: a.Step.number(), DatasetName: a.Dataset, DatasetDigest: a.Digest}, err
}

type modelAnswer struct {
	Info struct {
		ID       string `json:"model_id"`
		Name     string
		Type     string `json:"model_type"`
		Run      string `json:"source_run_id"`
		Status   text
		Artifact string `json:"artifact_uri"`
		Created  text   `json:"creation_timestamp_ms"`
		Tags     []pair
	}
	Data struct {
		Params  []pair
		Metrics []pointAnswer
	}
}

type versionAnswer struct {
	Version     text
	Stage       string `json:"current_stage"`
	Description string
	User        string `json:"user_id"`
	Source      string
	RunID       string `json:"run_id"`
	RunLink     string `json:"run_link"`
	ModelID     string `json:"model_id"`
	Created     text   `json:"creation_timestamp"`
	Tags        []pair
}

type registeredAnswer struct {
	Name, Description string
	Tags              []pair
	Aliases           []struct {
		Alias   string
		Version text
	}
}

type fileAnswer struct {
	Path  string
	IsDir bool `json:"is_dir"`
	Size  text `json:"file_size"`
}

// below returns where a file of a listing of the folder dir is. Some servers give
// its name, others its path; another place is none.
func (a *fileAnswer) below(dir string) (string, bool) {
	name := a.Path
	if dir != "" {
		name = strings.TrimPrefix(name, dir+"/")
	}
	if name == "" || strings.Contains(name, "/") || name == "." || name == ".." {
		return "", false
	}
	if dir == "" {
		return name, true
	}
	return dir + "/" + name, true
}

// quoteNumbers puts quotes around NaN and Infinity, which Python's JSON has bare.
func quoteNumbers(b []byte) []byte {
	if json.Valid(b) {
		return b
	}
	var out []byte
	inText := false
	for i := 0; i < len(b); i++ {
		word := ""
		switch {
		case inText && b[i] == '\\' && i+1 < len(b):
			out = append(out, b[i])
			i++
		case b[i] == '"':
			inText = !inText
		case !inText:
			for _, w := range []string{"NaN", "-Infinity", "Infinity"} {
				if bytes.HasPrefix(b[i:], []byte(w)) {
					word = w
					break
				}
			}
		}
		if word == "" {
			out = append(out, b[i])
			continue
		}
		out = append(append(append(out, '"'), word...), '"')
		i += len(word) - 1
	}
	return out
}
