//go:build !linux || !(amd64 || arm64)

package main

import "os"

// lstatAll calls lstat for everything in dir and returns the number of files
// and the names of the directories in it.
func lstatAll(dir string) (files int, dirs []string, err error) {
	list, err := os.ReadDir(dir)
	if err != nil {
		return 0, nil, err
	}
	for _, e := range list {
		if _, err := e.Info(); err != nil {
			return files, dirs, err
		}
		if e.IsDir() {
			dirs = append(dirs, e.Name())
		} else {
			files++
		}
	}
	return files, dirs, nil
}
