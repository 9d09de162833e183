//go:build linux && (amd64 || arm64)

package main

import (
	"bytes"
	"encoding/binary"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// lstatAll calls lstat for everything in dir and returns the number of files
// and the names of the directories in it. It uses the kernel's own listing, so
// that it allocates nothing for a file.
func lstatAll(dir string) (files int, dirs []string, err error) {
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, nil, &os.PathError{Op: "open", Path: dir, Err: err}
	}
	defer unix.Close(fd)
	for buf := make([]byte, 64<<10); ; {
		n, err := unix.Getdents(fd, buf)
		if err != nil {
			return files, dirs, &os.PathError{Op: "read", Path: dir, Err: err}
		}
		if n == 0 {
			return files, dirs, nil
		}
		for rest := buf[:n]; len(rest) > 0; {
			var name []byte
			name, rest = cutEntry(rest)
			if s := string(name); s == ".\x00" || s == "..\x00" {
				continue
			}
			isDir, err := lstat(fd, name)
			if err != nil {
				return files, dirs, &os.PathError{Op: "lstat", Path: dir + "/" + string(name), Err: err}
			}
			if isDir {
				dirs = append(dirs, string(name[:len(name)-1]))
			} else {
				files++
			}
		}
	}
}

// cutEntry returns the name of the first entry of a listing, with the NUL that
// ends it, and the entries that follow.
func cutEntry(list []byte) (name, rest []byte) {
	const lenAt, nameAt = unsafe.Offsetof(unix.Dirent{}.Reclen), unsafe.Offsetof(unix.Dirent{}.Name)
	size := binary.NativeEndian.Uint16(list[lenAt:])
	name = list[nameAt:size]
	return name[:bytes.IndexByte(name, 0)+1], list[size:]
}

func lstat(dir int, name []byte) (isDir bool, err error) {
	var st unix.Stat_t
	_, _, errno := unix.Syscall6(unix.SYS_NEWFSTATAT, uintptr(dir), uintptr(unsafe.Pointer(&name[0])),
		uintptr(unsafe.Pointer(&st)), unix.AT_SYMLINK_NOFOLLOW, 0, 0)
	if errno != 0 {
		return false, errno
	}
	return st.Mode&unix.S_IFMT == unix.S_IFDIR, nil
}
