package wandb

import (
	"context"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/xtrepro/xt/track"
	"github.com/xtrepro/xt/track/wandb/offline"
)

// setConfig keeps the config, whose values are parameters. It takes the place of the
// one before, or adds to it.
func (s *Server) setConfig(ctx context.Context, r *run, text string, merge bool) error {
	if merge {
		all, err := mergeObjects(string(r.Config), text)
		if err != nil {
			return track.Errorf(track.InvalidParameter, "the config is no JSON object: %v", err)
		}
		text = all
	}
	var config map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &config) != nil {
		text = string(offline.QuoteWords([]byte(text)))
		if err := json.Unmarshal([]byte(text), &config); err != nil {
			return track.Errorf(track.InvalidParameter, "the config is no JSON object: %v", err)
		}
	}
	r.Config = json.RawMessage(text)
	var params []track.Param
	for key, raw := range config {
		var item struct {
			Value any `json:"value"`
		}
		if key == "_wandb" || json.Unmarshal(raw, &item) != nil {
			continue
		}
		flatten(key, item.Value, func(key string, value any) {
			params = append(params, track.Param{Key: track.CleanKey(key), Value: paramText(value)})
		})
	}
	slices.SortFunc(params, func(a, b track.Param) int { return strings.Compare(a.Key, b.Key) })
	params = slices.CompactFunc(params, func(a, b track.Param) bool { return a.Key == b.Key })
	params = slices.DeleteFunc(params, func(p track.Param) bool { return p.Key == "" })
	if len(params) == 0 {
		return nil
	}
	return s.store.ReplaceParams(ctx, r.ID, params)
}

// flatten calls f for each value that is no table.
func flatten(key string, v any, f func(key string, value any)) {
	table, ok := v.(map[string]any)
	if !ok || len(table) == 0 {
		f(key, v)
		return
	}
	for name, sub := range table {
		flatten(key+"."+name, sub, f)
	}
}

func paramText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case nil:
		return "None" // as MLflow's clients write it
	}
	b, _ := json.Marshal(v) // it came from JSON
	return string(b)
}

// setSummary keeps the summary. Numbers in it that are in no history become metrics
// if the run is complete.
func (s *Server) setSummary(ctx context.Context, r *run, text string, complete bool) error {
	summary, err := parseObject(text)
	if err != nil {
		return track.Errorf(track.InvalidParameter, "the summary is no JSON object: %v", err)
	}
	if err := s.store.PutRecords(ctx, summaryKind, track.Record{Key: r.key(), Value: text}); err != nil || !complete {
		return err
	}
	return s.logSummary(ctx, r, summary)
}

func (s *Server) logSummary(ctx context.Context, r *run, summary map[string]any) error {
	there, err := s.store.Run(ctx, r.ID)
	if err != nil {
		return err
	}
	latest := map[string]float64{}
	for _, m := range there.Metrics {
		latest[m.Key] = m.Value
	}
	at := point{time: now()}
	if step, ok := number(summary["_step"]); ok {
		at.step = int64(step)
	}
	var points []track.Metric
	at.metrics(summary, func(m track.Metric) {
		if v, ok := latest[m.Key]; !ok || v != m.Value && !(math.IsNaN(v) && math.IsNaN(m.Value)) && !at.logged(there.Metrics, m.Key) {
			points = append(points, m)
		}
	})
	return track.LogAll(ctx, s.store, r.ID, track.Batch{Metrics: points})
}

// summary returns the summary as it was written.
func (s *Server) summary(ctx context.Context, r *run) (string, error) {
	text, err := s.store.Record(ctx, summaryKind, r.key())
	if track.CodeOf(err) == track.NotFound {
		return "{}", nil
	}
	return text, err
}
