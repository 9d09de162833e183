package offline

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// The form of the log is that of LevelDB, but for the header of the file and the
// checksum: blocks with pieces of records, each with a checksum, its length and which
// piece it is. A piece does not reach over the end of a block.
const (
	blockSize  = 32 << 10
	pieceSize  = 7 // before the data of a piece
	fileHeader = ":W&B\xe1\xbe\x00"
	maxRecord  = 256 << 20 // bytes
)

// The pieces.
const (
	whole = 1 + iota
	first
	middle
	last
)

// ErrNoLog says that a file is none of W&B's.
var ErrNoLog = errors.New("it does not begin as a log of W&B does")

// log reads records.
type log struct {
	r     *bufio.Reader
	block []byte // what is left of the block
	buf   [blockSize]byte
	at    int64 // of the end of the block in the file
	warn  func(problem string)
}

// newLog begins to read. Of what in the file is damaged, warn is told.
func newLog(r io.Reader, warn func(problem string)) (*log, error) {
	l := &log{r: bufio.NewReaderSize(r, blockSize), warn: warn}
	if err := l.load(); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if len(l.block) < len(fileHeader) || string(l.block[:len(fileHeader)]) != fileHeader {
		return nil, ErrNoLog
	}
	l.block = l.block[len(fileHeader):]
	return l, nil
}

// load reads the next block.
func (l *log) load() error {
	n, err := io.ReadFull(l.r, l.buf[:])
	l.block, l.at = l.buf[:n], l.at+int64(n)
	if n > 0 && errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

// next returns the next record, and io.EOF after the last. The record is good until
// the next call. What is damaged is passed over up to the next block.
func (l *log) next(record []byte) ([]byte, error) {
	record, begun := record[:0], false
	for {
		kind, data, err := l.piece()
		switch {
		case errors.Is(err, io.EOF) && begun:
			l.warn("the last record is cut off")
			return nil, io.EOF
		case err != nil:
			return nil, err
		case kind == 0: // damaged, and told
			record, begun = record[:0], false
			continue
		case (kind == whole || kind == first) == begun:
			l.damaged("a record without an end, or without a beginning")
			record, begun = record[:0], false
			if kind != whole && kind != first {
				continue
			}
		}
		if len(record)+len(data) > maxRecord {
			return nil, fmt.Errorf("a record is larger than %d MiB", maxRecord>>20)
		}
		record, begun = append(record, data...), true
		if kind == whole || kind == last {
			return record, nil
		}
	}
}

// piece returns the next piece; its kind is 0 if it is damaged.
func (l *log) piece() (kind byte, data []byte, err error) {
	if len(l.block) < pieceSize { // only zeros
		cut := len(l.block) > 0 && l.at%blockSize != 0
		if err := l.load(); err != nil {
			if cut {
				l.warn("the last record is cut off")
			}
			return 0, nil, err
		}
		if len(l.block) < pieceSize {
			return l.piece()
		}
	}
	sum, n, kind := binary.LittleEndian.Uint32(l.block), int(binary.LittleEndian.Uint16(l.block[4:])), l.block[6]
	switch {
	case sum == 0 && n == 0 && kind == 0: // of a file that was made longer than what was written
		l.block = nil
		return 0, nil, nil
	case pieceSize+n > len(l.block) && l.at%blockSize != 0:
		l.block = nil
		l.warn("the last record is cut off")
		return 0, nil, nil
	case kind < whole || kind > last || pieceSize+n > len(l.block):
		l.damaged("a piece of a kind or length that cannot be")
		l.block = nil
		return 0, nil, nil
	}
	data = l.block[pieceSize : pieceSize+n]
	if crc32.Update(crc32.ChecksumIEEE([]byte{kind}), crc32.IEEETable, data) != sum {
		l.damaged("a wrong checksum")
		l.block = nil
		return 0, nil, nil
	}
	l.block = l.block[pieceSize+n:]
	return kind, data, nil
}

func (l *log) damaged(what string) {
	l.warn(fmt.Sprintf("%s before byte %d; what is there is passed over", what, l.at))
}
