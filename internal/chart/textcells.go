package chart

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/clipperhouse/displaywidth"
)

// textCells writes counts as a table, or, where that is wider than there is room, the
// largest beside the diagonal.
func (c *Chart) textCells(b *strings.Builder, room int) {
	m := c.Cells
	if m == nil || len(m.Rows) == 0 {
		b.WriteString("  no cells to draw\n")
		return
	}
	const widest = 12 // of a name
	names, width, each := 0, 4, 0
	for _, name := range m.Rows {
		names = max(names, min(displaywidth.String(name), widest))
	}
	for _, name := range m.Columns {
		each = max(each, min(displaywidth.String(name), widest)+1)
	}
	for _, row := range m.Values {
		for _, v := range row {
			width = max(width, len(m.number(v))+1)
		}
	}
	const short = 5 // to which names of columns are cut where there is little room
	if fits := (room - 2 - names) / len(m.Columns); fits < max(width, min(each, short+1)) {
		c.textMistakes(b, room)
		return
	} else {
		width = max(width, min(each, fits))
	}
	fmt.Fprintf(b, "  %*s", names, "")
	for _, name := range m.Columns {
		b.WriteString(" " + fit(name, width-1))
	}
	fmt.Fprintf(b, "   %s →\n", c.XLabel)
	for i, row := range m.Values {
		b.WriteString("  " + fit(m.Rows[i], names))
		for _, v := range row {
			text := "·"
			if v != 0 {
				text = m.number(v)
			}
			fmt.Fprintf(b, "%*s", width, text)
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(b, "  ↓ %s\n", c.YLabel)
}

// number writes a count, or a share of 1.
func (m *Cells) number(v float64) string {
	if m.Share {
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
	if v == math.Trunc(v) && math.Abs(v) < 1e9 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return Number(v)
}

// textMistakes says how much lies on the diagonal, and where the most does that does not.
func (c *Chart) textMistakes(b *strings.Builder, room int) {
	type cell struct {
		from, to string
		n        float64
	}
	m, right, all := c.Cells, 0.0, 0.0
	var list []cell
	for i, row := range m.Values {
		for j, v := range row {
			if all += v; m.Rows[i] == m.Columns[j] {
				right += v
			} else if v > 0 {
				list = append(list, cell{m.Rows[i], m.Columns[j], v})
			}
		}
	}
	slices.SortStableFunc(list, func(x, y cell) int { return cmp.Compare(y.n, x.n) })
	part := m.number(right) + " of " + m.number(all)
	if m.Share {
		part = m.number(right/all) + " on average"
	}
	fmt.Fprintf(b, "  %d classes; %s = %s in %s\n", len(m.Rows), c.XLabel, c.YLabel, part)
	const most = 10
	for _, x := range list[:min(len(list), most)] {
		half := max(8, (room-20)/2)
		fmt.Fprintf(b, "  %8s  %s → %s\n", m.number(x.n), strings.TrimLeft(fit(x.from, half), " "), strings.TrimLeft(fit(x.to, half), " "))
	}
	if len(list) > most {
		fmt.Fprintf(b, "  %8s  and %d other pairs\n", "", len(list)-most)
	}
}
