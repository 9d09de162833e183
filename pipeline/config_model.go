package pipeline

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/xtrepro/xt/internal/tomldoc"
	"github.com/xtrepro/xt/registry"
)

// Model is what xt.toml says of a model in the registry.
type Model struct {
	Promote map[string][]registry.Rule // by stage, in small letters: what must hold
}

var modelPattern = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9/_-]*[A-Za-z0-9])?$`)

const modelWant = "letters, digits, -, _ and /, a letter or digit at both ends"

var modelShape = table("A model of the registry.",
	key{name: "promote", also: []string{"promotion", "stage", "stages"}, shape: tables("What must hold before a version may be promoted, by stage.", &naming{"stage", modelPattern, modelWant}, table("A stage that models are promoted to.",
		key{name: "require", required: true, also: []string{"requires", "rules"}, shape: texts("a rule, or a list of rules", "Rules, all of which must hold: a comparison of a metric, verified, clean, signed, or stage = NAME.", `["metrics.val_loss < 0.1", "verified"]`)},
	))},
)

func (l *loader) readModels() {
	l.cfg.Models = map[string]Model{}
	models := l.doc.Root.Get("model")
	if !l.ok(models) {
		return
	}
	for _, n := range models.Keys {
		m := Model{Promote: map[string][]registry.Rule{}}
		if promote := n.Get("promote"); l.ok(n) && l.ok(promote) {
			for _, stage := range promote.Keys {
				l.readGate(n, stage, m)
			}
		}
		l.cfg.Models[n.Key] = m
	}
}

// readGate reads the rules for one stage.
func (l *loader) readGate(model, stage *tomldoc.Node, m Model) {
	p := place{where: fmt.Sprintf("model %q", model.Key)}
	name := strings.ToLower(stage.Key)
	if _, twice := m.Promote[name]; twice {
		l.tell(stage.KeyAt, p, "upper and lower case are the same here", "promote: stage %s is there twice", name)
	}
	if err := registry.CheckStage(stage.Key); err != nil && l.ok(stage) {
		l.tell(stage.KeyAt, p, "", "promote: %v", err)
	}
	rules := []registry.Rule{}
	for _, item := range l.each(stage.Get("require")) {
		rule, err := registry.ParseRule(l.str(item))
		var bad *registry.ParseError
		if errors.As(err, &bad) {
			l.tell(item.At, p, bad.Hint, "promote.%s: rule %s: %s", stage.Key, l.quoted(item), bad.Msg)
			continue
		}
		rules = append(rules, rule)
	}
	m.Promote[name] = rules
}
