package offline

import "google.golang.org/protobuf/encoding/protowire"

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
