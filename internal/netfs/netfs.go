// Package netfs tells file systems that several machines see from those that only one
// does: what processes on one machine share through memory does not hold on the former.
package netfs
