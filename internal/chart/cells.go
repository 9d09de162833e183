package chart

import (
	"fmt"
	"math"
)

// maxCells is how many rows or columns of counts can be drawn.
const maxCells = 100

// drawCells draws counts as squares that are the darker the more there are.
func (c *Chart) drawCells(to canvas, w, h, top float64) {
	m := c.Cells
	if m == nil || len(m.Rows) == 0 || len(m.Columns) == 0 || len(m.Rows) > maxCells || len(m.Columns) > maxCells {
		note := "no cells to draw"
		if m != nil && (len(m.Rows) > maxCells || len(m.Columns) > maxCells) {
			note = fmt.Sprintf("%d × %d cells are too many to draw", len(m.Rows), len(m.Columns))
		}
		to.text(point{w / 2, h / 2}, note, textSize, middle, plainInk(inkFaint), false)
		return
	}
	left := c.cellsLeft()
	// The names of columns take room that depends on the cells, which they leave less.
	fit := func(below float64) float64 {
		return math.Min((w-left-marginRight)/float64(len(m.Columns)), (h-top-36-below)/float64(len(m.Rows)))
	}
	below := c.cellsBelow(fit(0))
	cell := fit(below)
	left += (w - left - marginRight - cell*float64(len(m.Columns))) / 2
	largest := 0.0
	for _, row := range m.Values {
		for _, v := range row {
			if finite(v) {
				largest = math.Max(largest, v)
			}
		}
	}
	every := max(1, int(math.Ceil(textSize/cell)))
	for i, row := range m.Values {
		y := top + float64(i)*cell
		if i%every == 0 {
			to.text(point{left - 6, y + cell/2 + 4}, clip(m.Rows[i], maxName, textSize), textSize, end, plainInk(inkFaint), false)
		}
		for j, v := range row {
			c.drawCell(to, left+float64(j)*cell, y, cell, v, largest)
		}
	}
	bottom := top + cell*float64(len(m.Rows))
	for j := 0; j < len(m.Columns); j += every {
		x, name := left+(float64(j)+0.5)*cell, clip(m.Columns[j], maxName, textSize)
		if below > flatNames {
			to.text(point{x + 4, bottom + 6}, name, textSize, end, plainInk(inkFaint), true)
		} else {
			to.text(point{x, bottom + 14}, name, textSize, middle, plainInk(inkFaint), false)
		}
	}
	to.text(point{left + cell*float64(len(m.Columns))/2, bottom + below + 18}, c.XLabel, textSize, middle, plainInk(inkText), false)
	to.text(point{left - c.cellsLeft() + 12, (top + bottom) / 2}, c.YLabel, textSize, middle, plainInk(inkText), true)
}

// flatNames is how much room names take below cells of which each is as wide as its name.
const flatNames = 14.0

// cellsBelow is how much room the names of columns take: more if they have to be turned.
func (c *Chart) cellsBelow(cell float64) float64 {
	widest := 0.0
	for _, name := range c.Cells.Columns {
		widest = math.Max(widest, textWidth(clip(name, maxName, textSize), textSize))
	}
	if widest+4 <= cell {
		return flatNames
	}
	return math.Max(flatNames+1, widest+8)
}

// cellsLeft is how much room the names of rows take.
func (c *Chart) cellsLeft() float64 {
	left := 30.0
	for _, name := range c.Cells.Rows {
		left = math.Max(left, textWidth(clip(name, maxName, textSize), textSize)+34)
	}
	return left
}

func (c *Chart) drawCell(to canvas, x, y, cell, v, largest float64) {
	if !finite(v) {
		return
	}
	shade := 0.0
	if largest > 0 {
		shade = math.Max(0, v/largest)
	}
	gap := math.Min(1, cell/20)
	to.rect(x+gap/2, y+gap/2, cell-gap, cell-gap, ink{colour: inkCell, shade: shade})
	label := c.Cells.number(v)
	size := math.Min(textSize, cell/2)
	if size >= 6 && textWidth(label, size) < cell {
		to.text(point{x + cell/2, y + cell/2 + size/3}, label, size, middle, ink{colour: inkOnCell, shade: shade}, false)
	}
}
