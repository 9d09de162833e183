package offline

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"

	"google.golang.org/protobuf/encoding/protowire"
)

func parseArtifact(message []byte) (*Artifact, error) {
	a := &Artifact{}
	to := map[protowire.Number]*string{
		4: &a.Type, 5: &a.Name, 6: &a.Digest, 7: &a.Description, 8: &a.Metadata, 15: &a.ClientID, 16: &a.SequenceClientID,
	}
	return a, fields(message, func(f *field) error {
		switch f.number {
		case 10:
			a.Use = f.bits != 0
		case 11:
			a.Aliases = append(a.Aliases, f.text())
		case 12:
			return a.parseManifest(f.bytes)
		default:
			if s := to[f.number]; s != nil {
				*s = f.text()
			}
		}
		return nil
	})
}

func (a *Artifact) parseManifest(message []byte) error {
	return fields(message, func(f *field) error {
		switch f.number {
		case 4:
			var x ArtifactFile
			to := map[protowire.Number]*string{1: &x.Path, 2: &x.Digest, 3: &x.Ref, 6: &x.Local}
			err := fields(f.bytes, func(f *field) error {
				if f.number == 4 {
					x.Size = f.int()
				} else if s := to[f.number]; s != nil {
					*s = f.text()
				}
				return nil
			})
			a.Files = append(a.Files, x)
			return err
		case 5:
			a.Manifest = f.text()
		}
		return nil
	})
}

// maxManifest bounds the list of the files of an artifact, in bytes.
const maxManifest = 1 << 30

// ReadManifest reads the list of files that a client has written beside the log, for
// an artifact of many thousands.
func ReadManifest(path string) ([]ArtifactFile, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	var files []ArtifactFile
	for d := json.NewDecoder(io.LimitReader(z, maxManifest)); ; {
		var x struct {
			Path, Digest, Ref string

			Size  int64
			Local string `json:"local_path"`
		}
		err := d.Decode(&x)
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		files = append(files, ArtifactFile{Path: x.Path, Digest: x.Digest, Ref: x.Ref, Local: x.Local, Size: x.Size})
	}
}
