// Package store keeps blobs of bytes on S3, Azure Blob Storage, Google Cloud
// Storage, SFTP or in a folder.
//
// All stores behave alike: a write is seen whole or not at all, what the
// server answers is checked before it is believed, an error is an [*Error]
// that says what kind of trouble it is and what the user can do, and what is
// likely to go away by itself is tried again.
package store

import (
	"context"
	"errors"
	"iter"
	"time"
)

// Info describes one blob.
type Info struct {
	Key      string    // relative to the store's prefix
	Size     int64     // in bytes
	Modified time.Time // by the clock of the server
	Version  string    // ETag, generation or the like; "" if the store has none
}

// Store holds blobs under keys: slash-separated, ASCII, relative to the prefix
// in the URL. It is safe for concurrent use. All errors are of type [*Error],
// and one about a missing blob is also [io/fs.ErrNotExist].
type Store interface {
	// Stat describes the blob at key.
	Stat(ctx context.Context, key string) (Info, error)

	// Read fills p from offset off of the blob at key. The error is
	// [ErrShort] if the blob ends before p is full.
	Read(ctx context.Context, key string, off int64, p []byte) error

	// Put stores data in one step: a reader sees the old blob or the new one,
	// whatever is killed when.
	Put(ctx context.Context, key string, data []byte) error

	// Create is Put where there is no blob yet. The error is
	// [io/fs.ErrExist] if there is one.
	Create(ctx context.Context, key string, data []byte) error

	// List yields what is below prefix, which is "" or ends with a slash, in
	// the order of the keys if the store has one. It ends after an error.
	List(ctx context.Context, prefix string) iter.Seq2[Info, error]

	// Delete removes blobs, in batches where the store can. One that is
	// missing is no error.
	Delete(ctx context.Context, keys []string) error

	// Close gives up the connections.
	Close() error
}

// Sweeper is a [Store] in which a killed writer may leave something that List
// doesn't show.
type Sweeper interface {
	// Sweep removes what writers left behind that were killed longer ago than
	// olderThan, by the clock of the server, and returns how many things.
	Sweep(ctx context.Context, olderThan time.Duration) (int, error)
}

// ErrShort is why a blob could not be read to the end of what was asked for.
var ErrShort = errors.New("the blob ends before what was asked for")

// Options are what a store is given beside its address.
type Options struct {
	// Sent and Received are told how many bytes went over the wire, or to and
	// from the disk, as they go. They are called from several goroutines.
	Sent, Received func(n int64)

	// Log is told of each failure that is going to be tried again.
	Log func(format string, args ...any)

	// Foreign says that the blobs are not xt's own: one that no xt could have
	// written is an error in a listing, rather than passed over.
	Foreign bool

	// Environ is where SFTP finds the user's agent and home; nil is this
	// process's own. The SDKs of the clouds always look into the latter.
	Environ []string

	// What tests replace.
	stall time.Duration
	sleep func(ctx context.Context, d time.Duration) error
}
