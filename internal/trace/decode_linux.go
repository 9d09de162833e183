//go:build amd64 || arm64

package trace

import "golang.org/x/sys/unix"

// mark is what was done with a path.
type mark uint8

const (
	read mark = 1 << iota
	write
	create // write where nothing was
	miss
	run
	dir
)

// sight is one access that a call is about to make.
type sight struct {
	path string
	mark mark
}

// decoder turns a notification into accesses.
type decoder struct {
	n     *notification
	c     call
	buf   [unix.PathMax]byte
	found []sight
}

// decode fills found. The thread must be held at the call.
func (d *decoder) decode(n *notification, c call) error {
	d.n, d.c, d.found = n, c, d.found[:0]
	flags, inRoot, err := d.flags()
	if err != nil {
		return err
	}
	p, err := d.place(c.at, c.path, inRoot)
	if err == errNoPath {
		return nil
	} else if err != nil {
		return err
	}
	switch c.op {
	case opOpen, opOpenHow, opCreat:
		d.open(p, int(flags))
	case opExec:
		d.exec(p, flags&unix.AT_SYMLINK_NOFOLLOW == 0, 4)
	case opStat:
		d.ask(p, flags&unix.AT_SYMLINK_NOFOLLOW == 0)
	case opLstat:
		d.ask(p, false)
	case opReadlink:
		if d.ask(p, false) == isLink {
			d.add(p, read)
		}
	case opMake:
		d.make(p, 0)
	case opMakeDir:
		d.make(p, dir)
	case opRemove:
		d.change(p, false, 0)
	case opTruncate:
		d.change(p, true, 0)
	case opRename, opLink:
		return d.pair(p, flags)
	}
	return nil
}

// flags returns the call's flags, and whether paths are confined to the directory
// that they are relative to.
func (d *decoder) flags() (flags uint64, inRoot bool, err error) {
	switch {
	case d.c.op == opCreat:
		return unix.O_CREAT | unix.O_WRONLY | unix.O_TRUNC, false, nil
	case d.c.flags == none:
		return 0, false, nil
	case d.c.op != opOpenHow:
		return d.n.args[d.c.flags] & 0xffffffff, false, nil
	}
	var how [unix.SizeofOpenHow]byte
	n, err := readMemory(int(d.n.tid), d.n.args[d.c.flags], how[:])
	if err == nil && n < len(how) {
		err = unix.EFAULT
	}
	resolve := little(how[16:])
	return little(how[:]), resolve&unix.RESOLVE_IN_ROOT != 0, err
}

func little(b []byte) (v uint64) {
	for i := range 8 {
		v |= uint64(b[i]) << (8 * i)
	}
	return v
}

// place reads a path of the call.
func (d *decoder) place(at, arg int8, inRoot bool) (place, error) {
	tid := int(d.n.tid)
	name, err := readString(tid, d.n.args[arg], d.buf[:])
	if err != nil {
		if err == unix.EFAULT || err == unix.ENAMETOOLONG {
			return place{}, errNoPath // the call is going to say so, too
		}
		return place{}, err
	}
	from := int32(unix.AT_FDCWD)
	if at != none {
		from = int32(d.n.args[at])
	}
	if name == "" && d.c.op != opExec && d.c.op != opLink {
		return place{}, errNoPath
	}
	p, err := resolve(tid, from, name, inRoot)
	if err == unix.ENOENT || err == unix.ENOTDIR { // a descriptor that is not open
		err = errNoPath
	}
	return p, err
}

func (d *decoder) add(p place, m mark) { d.found = append(d.found, sight{p.path, m}) }

// ask enters a miss if nothing is there.
func (d *decoder) ask(p place, follow bool) state {
	is := p.look(follow)
	if is == absent {
		d.add(p, miss)
	}
	return is
}

func (d *decoder) open(p place, flags int) {
	is := p.look(flags&unix.O_NOFOLLOW == 0 && flags&(unix.O_CREAT|unix.O_EXCL) != unix.O_CREAT|unix.O_EXCL)
	writes := flags&unix.O_ACCMODE != unix.O_RDONLY || flags&unix.O_TRUNC != 0
	switch {
	case flags&unix.O_PATH != 0:
		if is == absent {
			d.add(p, miss)
		}
	case is == absent && flags&unix.O_CREAT != 0:
		if p.look(false) == isLink { // the file it points to is made
			d.add(p, write|create)
			return
		}
		d.make(p, 0)
	case is == absent:
		d.add(p, miss)
	case flags&unix.O_TMPFILE == unix.O_TMPFILE: // a file without a name
	case flags&(unix.O_CREAT|unix.O_EXCL) == unix.O_CREAT|unix.O_EXCL: // is there, so not opened
	case is == isDir:
		if !writes {
			d.add(p, read|dir)
		}
	default:
		var m mark
		if writes {
			m |= write
		}
		if flags&unix.O_ACCMODE != unix.O_WRONLY && flags&unix.O_TRUNC == 0 {
			m |= read
		}
		d.add(p, m)
	}
}

// exec enters a program and the interpreters that its first line leads to.
func (d *decoder) exec(p place, follow bool, depth int) {
	switch p.look(follow) {
	case absent:
		d.add(p, miss)
		return
	case isDir:
		return
	}
	d.add(p, run)
	name := p.interpreter()
	if name == "" || depth == 0 {
		return
	}
	if q, err := resolve(int(d.n.tid), unix.AT_FDCWD, name, false); err == nil {
		d.exec(q, true, depth-1)
	}
}

// make enters something that the call makes, if it can: it must not be there, and
// its directory must.
func (d *decoder) make(p place, kind mark) {
	parent := p.parent()
	switch {
	case p.look(false) != absent:
	case parent.look(true) == absent:
		d.add(p, miss)
	default:
		d.add(p, write|create|kind)
	}
}

// change enters something that the call writes or removes, if it is there.
func (d *decoder) change(p place, follow bool, more mark) {
	switch p.look(follow) {
	case absent:
		d.add(p, miss)
	case isDir:
		d.add(p, write|dir|more)
	default:
		d.add(p, write|more)
	}
}

// pair enters what a rename or a hard link does with its two paths.
func (d *decoder) pair(p place, flags uint64) error {
	q, err := d.place(d.c.at2, d.c.path2, false)
	if err != nil {
		if err == errNoPath {
			return nil
		}
		return err
	}
	old := p.look(d.c.op == opLink && flags&unix.AT_SYMLINK_FOLLOW != 0)
	if old == absent {
		d.add(p, miss)
		return nil
	}
	var kind mark
	if old == isDir {
		kind = dir
	}
	if d.c.op == opLink {
		d.add(p, read)
		d.make(q, 0)
		return nil
	}
	d.add(p, write|kind)
	if q.look(false) == absent {
		d.make(q, kind)
	} else if flags&unix.RENAME_NOREPLACE == 0 {
		d.add(q, write|kind)
	}
	return nil
}
