//go:build !linux

package hash

import (
	"io/fs"
	"os"
)

func lstat(path string) (Stat, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return Stat{}, err
	}
	return statInfo(info), nil
}

// stat follows links.
func stat(path string) (Stat, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Stat{}, err
	}
	return statInfo(info), nil
}

func statInfo(info fs.FileInfo) Stat {
	s := Stat{
		Size:  info.Size(),
		Mtime: info.ModTime().UnixNano(),
		Mode:  uint32(info.Mode() & (fs.ModeType | fs.ModePerm)),
	}
	addSystem(&s, info)
	return s
}
