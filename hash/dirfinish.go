package hash

// finish makes the directory's node, of which all the parts are known, records
// and stores it.
func (d *dirJob) finish() (Node, error) {
	if d.recs == nil {
		if d.sameKids() {
			return d.old.node(), nil
		}
		d.recs = d.old.records()
	}
	for _, k := range d.kids {
		d.recs[k.at].Node = k.node
	}
	self, listing := listRecords(d.recs)
	if err := d.putTree(self.Sum, listing); err != nil {
		return Node{}, err
	}
	d.record(&self)
	d.recs = nil
	return self, nil
}

// sameKids reports whether the directories in the directory are what old says.
func (d *dirJob) sameKids() bool {
	for _, k := range d.kids {
		if d.old.nodeAt(k.at) != k.node {
			return false
		}
	}
	return true
}

// listRecords encodes the records as a tree, without making one first.
func listRecords(recs []Record) (Node, []byte) {
	size := len(treeHeader)
	for i := range recs {
		size += 2*Size + 32 + len(recs[i].Name) + len(recs[i].Node.Target)
	}
	self := Node{Kind: Directory}
	b := append(make([]byte, 0, size), treeHeader...)
	for i := range recs {
		b = appendEntry(b, recs[i].Name, &recs[i].Node)
		self.add(&recs[i].Node)
	}
	self.Sum = Bytes(b)
	return self, b
}

func (d *dirJob) putTree(sum Sum, listing []byte) error {
	st := d.top.store
	if st == nil || d.stored && sum == d.old.node().Sum || st.HasTree(sum) {
		return nil
	}
	return st.PutTree(sum, listing)
}

// record tells the index of the directory, and of those that are no longer in
// it.
func (d *dirJob) record(self *Node) {
	x := d.top.Index
	if x == nil {
		return
	}
	j := 0
	for i := range d.old.len() {
		if !d.old.isDir(i) {
			continue
		}
		name := string(d.old.name(i))
		for j < len(d.kids) && d.recs[d.kids[j].at].Name < name {
			j++
		}
		if j == len(d.kids) || d.recs[d.kids[j].at].Name != name {
			x.Drop(join(d.rel, name))
		}
	}
	x.setBlock(d.rel, encodeBlock(self, d.recs))
}
