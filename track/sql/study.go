package sql

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/xtrepro/xt/track"
)

const selectStudies = "SELECT s.id, s.name, s.directions, s.created, s.run_id FROM studies s"

func scanStudy(scan func(...any) error) (s track.Study, err error) {
	var directions string
	err = scan(&s.ID, &s.Name, &directions, &s.Created, &s.RunID)
	for _, d := range strings.Fields(directions) {
		s.Directions = append(s.Directions, track.Direction(d))
	}
	return s, err
}

// CreateStudy implements [track.Studies].
func (s *Store) CreateStudy(ctx context.Context, name string, directions []track.Direction) (study track.Study, err error) {
	text, err := directionsText(directions)
	if err != nil {
		return study, err
	}
	err = s.change(ctx, func(t *tx) error {
		if taken, err := t.exists("SELECT id FROM studies WHERE name = ?", name); err != nil || taken {
			return errors.Join(err, studyExists(taken, name))
		}
		study = track.Study{Name: name, Directions: directions, Created: t.now}
		return t.row("INSERT INTO studies (name, directions, created) VALUES (?, ?, ?) RETURNING id", []any{name, text, t.now}, &study.ID)
	})
	return study, err
}

func directionsText(directions []track.Direction) (string, error) {
	if len(directions) == 0 {
		return "", track.Errorf(track.InvalidParameter, "a study needs a direction: %s or %s", track.Minimize, track.Maximize)
	}
	var words []string
	for _, d := range directions {
		if d != track.Minimize && d != track.Maximize {
			return "", track.Errorf(track.InvalidParameter, "%q is no direction: use %s or %s", string(d), track.Minimize, track.Maximize)
		}
		words = append(words, string(d))
	}
	return strings.Join(words, " "), nil
}

func studyExists(taken bool, name string) error {
	if !taken {
		return nil
	}
	return track.Errorf(track.AlreadyExists, "there is a study with the name %q", name)
}

func noStudy(id int64) error {
	return track.Errorf(track.NotFound, "there is no study with the number %d", id)
}

// DeleteStudy implements [track.Studies].
func (s *Store) DeleteStudy(ctx context.Context, id int64) error {
	return s.change(ctx, func(t *tx) error {
		n, err := t.exec("DELETE FROM studies WHERE id = ?", id)
		if err == nil && n == 0 {
			err = noStudy(id)
		}
		return err
	})
}

// Study implements [track.Studies].
func (s *Store) Study(ctx context.Context, id int64) (track.Study, error) {
	return s.oneStudy(ctx, " WHERE s.id = ?", id, noStudy(id))
}

// StudyByName implements [track.Studies].
func (s *Store) StudyByName(ctx context.Context, name string) (track.Study, error) {
	return s.oneStudy(ctx, " WHERE s.name = ?", name, track.Errorf(track.NotFound, "there is no study with the name %q", name))
}

func (s *Store) oneStudy(ctx context.Context, where string, arg any, missing error) (study track.Study, err error) {
	err = s.view(ctx, func(c *conn) error {
		study, err = scanStudy(func(dest ...any) error { return c.row(selectStudies+where, []any{arg}, dest...) })
		if errors.Is(err, sql.ErrNoRows) {
			return missing
		}
		if err != nil {
			return err
		}
		list := []track.Study{study}
		err = c.addStudyAttrs(list)
		study = list[0]
		return err
	})
	return study, err
}

// Studies implements [track.Studies].
func (s *Store) Studies(ctx context.Context) (studies []track.Study, err error) {
	err = s.view(ctx, func(c *conn) error {
		err := c.each(selectStudies+" ORDER BY s.id", nil, func(scan func(...any) error) error {
			study, err := scanStudy(scan)
			studies = append(studies, study)
			return err
		})
		if err == nil {
			err = c.addStudyAttrs(studies)
		}
		return err
	})
	return studies, err
}

// addStudyAttrs reads the attributes of studies.
func (c *conn) addStudyAttrs(studies []track.Study) error {
	ids, at := make([]int64, len(studies)), map[int64]*track.Study{}
	for i := range studies {
		ids[i], at[studies[i].ID] = studies[i].ID, &studies[i]
	}
	return c.attrs("study_attrs", "study", ids, func(id int64, owner track.AttrOwner, a track.Attr) {
		if s := at[id]; owner == track.SystemAttr {
			s.System = append(s.System, a)
		} else {
			s.User = append(s.User, a)
		}
	})
}

// attrs reads attributes of studies or trials by key.
func (c *conn) attrs(table, of string, ids []int64, add func(int64, track.AttrOwner, track.Attr)) error {
	query := "SELECT " + of + ", system, key, value FROM " + table + " WHERE " + c.inInts(of) + " ORDER BY " + of + ", system, key"
	return c.each(query, []any{c.ints(ids)}, func(scan func(...any) error) error {
		var id, system int64
		var a track.Attr
		err := scan(&id, &system, &a.Key, &a.Value)
		add(id, track.AttrOwner(system), a)
		return err
	})
}

// SetStudyAttr implements [track.Studies].
func (s *Store) SetStudyAttr(ctx context.Context, id int64, owner track.AttrOwner, a track.Attr) error {
	if err := track.CheckAttr(a); err != nil {
		return err
	}
	return s.onStudy(ctx, id, func(t *tx) error {
		_, err := t.exec("INSERT INTO study_attrs (study, system, key, value) VALUES (?, ?, ?, ?) ON CONFLICT (study, system, key) DO UPDATE SET value = excluded.value",
			id, int64(owner), a.Key, a.Value)
		return err
	})
}

// SetStudyRun implements [track.Studies].
func (s *Store) SetStudyRun(ctx context.Context, id int64, runID string) error {
	return s.onStudy(ctx, id, func(t *tx) error {
		_, err := t.exec("UPDATE studies SET run_id = ? WHERE id = ?", runID, id)
		return err
	})
}

// onStudy has f, which may be repeated, write to a study.
func (s *Store) onStudy(ctx context.Context, id int64, f func(*tx) error) error {
	return s.repeat(ctx, func(t *tx) error {
		if err := t.hasStudy(id); err != nil {
			return err
		}
		return f(t)
	})
}

func (c *conn) hasStudy(id int64) error {
	found, err := c.exists("SELECT id FROM studies WHERE id = ?", id)
	if err == nil && !found {
		err = noStudy(id)
	}
	return err
}
