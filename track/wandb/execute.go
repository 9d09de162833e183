package wandb

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/xtrepro/xt/track"
)

// execution is the answering of one query.
type execution struct {
	doc    *ast.QueryDocument
	vars   map[string]any
	fields int
	path   []any         // of the field that failed
	kind   ast.Operation // for messages

	unknown func(o object, field string) // is told of a field that an object lacks; may be nil
}

// selected is a field of an answer, which several fragments may ask for, each for a
// part of it.
type selected struct {
	name string // in the answer
	*ast.Field
	set ast.SelectionSet
}

// object answers a selection of an object's fields. What it does not have is null.
func (x *execution) object(o object, set ast.SelectionSet, depth int) (map[string]any, error) {
	var fields []*selected
	if err := x.collect(&fields, o, set, depth); err != nil {
		return nil, err
	}
	out := make(map[string]any, len(fields))
	for _, f := range fields {
		if err := x.field(out, o, f, depth); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// collect gathers the fields that a selection asks an object for.
func (x *execution) collect(fields *[]*selected, o object, set ast.SelectionSet, depth int) error {
	if depth > maxDepth {
		return track.Errorf(track.InvalidParameter, "the query goes deeper than %d levels", maxDepth)
	}
	for _, sel := range set {
		if x.fields++; x.fields > maxFields {
			return track.Errorf(track.InvalidParameter, "the answer would have more than %d fields", maxFields)
		}
		var err error
		switch sel := sel.(type) {
		case *ast.Field:
			if x.wanted(sel.Directives) {
				addField(fields, sel)
			}
		case *ast.InlineFragment:
			if x.wanted(sel.Directives) && o.is(sel.TypeCondition) {
				err = x.collect(fields, o, sel.SelectionSet, depth+1)
			}
		case *ast.FragmentSpread:
			f := x.doc.Fragments.ForName(sel.Name)
			if f == nil {
				return track.Errorf(track.InvalidParameter, "there is no fragment %s", sel.Name)
			}
			if x.wanted(sel.Directives) && o.is(f.TypeCondition) {
				err = x.collect(fields, o, f.SelectionSet, depth+1)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func addField(fields *[]*selected, f *ast.Field) {
	name := f.Alias
	if name == "" {
		name = f.Name
	}
	for _, old := range *fields {
		if old.name == name {
			old.set = append(slices.Clip(old.set), f.SelectionSet...)
			return
		}
	}
	*fields = append(*fields, &selected{name, f, f.SelectionSet})
}

// wanted obeys @include and @skip, where null is false.
func (x *execution) wanted(ds ast.DirectiveList) bool {
	for _, d := range ds {
		if d.Name != "include" && d.Name != "skip" {
			continue
		}
		if a := d.Arguments.ForName("if"); a != nil {
			v, err := a.Value.Value(x.vars)
			if is, _ := v.(bool); err == nil && is != (d.Name == "include") {
				return false
			}
		}
	}
	return true
}

// interfaces are the types that stand for others.
var interfaces = map[string][]string{
	"ArtifactCollection": {"ArtifactSequence", "ArtifactPortfolio"},
	"ArtifactCreator":    {"Run", "User"},
	"RunInfo":            {"Run"},
}

// is reports whether the object is of a type, as far as it says what it is.
func (o object) is(name string) bool {
	own, ok := o["__typename"].(string)
	if !ok || name == "" || own == name {
		return true
	}
	for _, sub := range interfaces[name] {
		if sub == own {
			return true
		}
	}
	return false
}

func (x *execution) field(out map[string]any, o object, f *selected, depth int) (err error) {
	value, known := o[f.Name]
	if !known && depth == 0 && f.Name != "__typename" {
		x.path = []any{f.name}
		return track.Errorf(track.InvalidParameter, "xt does not know the %s %s: the client is newer than what xt was made for, or asks for a part of W&B that xt does not stand in for", x.kind, f.Name)
	}
	if !known && x.unknown != nil {
		x.unknown(o, f.Name)
	}
	if call, ok := value.(resolver); ok {
		a := args{}
		for _, arg := range f.Arguments {
			if a[arg.Name], err = arg.Value.Value(x.vars); err != nil {
				return track.Errorf(track.InvalidParameter, "argument %s of %s: %v", arg.Name, f.Name, err)
			}
		}
		if value, err = call(a); err != nil {
			x.path = append(x.path, f.name)
			return fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	if out[f.name], err = x.complete(value, f, depth); err != nil {
		x.path = append([]any{f.name}, x.path...)
	}
	return err
}

// complete answers with a value: of objects what is selected of them.
func (x *execution) complete(value any, f *selected, depth int) (any, error) {
	switch v := value.(type) {
	case nil:
		return nil, nil
	case object:
		if v == nil {
			return nil, nil
		}
		return x.object(v, f.set, depth+1)
	case []object:
		list := make([]any, len(v))
		for i, o := range v {
			var err error
			if list[i], err = x.complete(o, f, depth); err != nil {
				return nil, err
			}
		}
		return list, nil
	}
	if v := reflect.ValueOf(value); v.Kind() == reflect.Slice && v.IsNil() {
		return []any{}, nil
	}
	return value, nil
}
