package workspace

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"google.golang.org/api/drive/v3"
)

// folderKey is the property that marks a folder of ours. Key and value together have 124 bytes at most,
// so the value is a digest.
const folderKey = "nvrFolder"

// EnsureFolder gives the folder for key inside parent, made under name if there is none: once, even
// when several workers make it at the same moment or the answer to making it is lost. A folder of that
// name made by a person will do. A person may rename ours: it is found by its key.
//
// Drive has no "create if absent". So whoever makes one looks again, and all agree on the oldest; the
// others go to the bin. Between making and looking lies a pause: creation times are milliseconds, and
// within one of them two folders could each look like the only one.
func (c *Client) EnsureFolder(ctx context.Context, parent, name, key string) (string, error) {
	if err := checkID("folder", parent); err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(key))
	folder := wantedFolder{parent: parent, name: fit(name, ""), key: hex.EncodeToString(sum[:16])}
	if there, err := c.folders(ctx, folder); err != nil || len(there) > 0 {
		return oldest(there), err
	}
	made, err := c.makeFolder(ctx, folder)
	if err != nil {
		return "", err
	}
	if err := c.options.Pause(ctx, max(c.scaled(time.Second), 3*time.Millisecond)); err != nil {
		return "", err
	}
	there, err := c.folders(ctx, folder)
	if err != nil {
		return "", err
	}
	if len(there) == 0 {
		return made, nil // the list lags behind
	}
	winner := oldest(there)
	if winner != made {
		// Nobody uses ours: everybody who looks sees the older one first.
		return winner, c.Trash(ctx, made)
	}
	return winner, nil
}

type wantedFolder struct{ parent, name, key string }

// folders lists what would do, in no order.
func (c *Client) folders(ctx context.Context, w wantedFolder) ([]*drive.File, error) {
	query := "mimeType = " + quoted(folderType) + " and trashed = false and " + quoted(w.parent) + " in parents and (name = " +
		quoted(w.name) + " or appProperties has { key=" + quoted(folderKey) + " and value=" + quoted(w.key) + " })"
	found, err := c.list(ctx, "look for folder "+w.name, query)
	if err != nil {
		return nil, err
	}
	var fit []*drive.File
	for _, f := range found {
		if !f.Trashed && (f.Name == w.name || f.AppProperties[folderKey] == w.key) {
			fit = append(fit, f)
		}
	}
	return fit, nil
}

// oldest is the folder that all agree on; empty if there is none.
func oldest(folders []*drive.File) string {
	var winner *drive.File
	for _, f := range folders {
		if winner == nil {
			winner = f
			continue
		}
		at, than := instant(f.CreatedTime), instant(winner.CreatedTime)
		if at.Before(than) || at.Equal(than) && strings.Compare(f.Id, winner.Id) < 0 {
			winner = f
		}
	}
	if winner == nil {
		return ""
	}
	return winner.Id
}

func (c *Client) makeFolder(ctx context.Context, w wantedFolder) (string, error) {
	id, err := c.GenerateID(ctx)
	if err != nil {
		return "", err
	}
	seat, err := c.as(ctx, c.options.Subjects.Drive)
	if err != nil {
		return "", err
	}
	err = c.do(ctx, "drive.files.create", "make folder "+w.name, func(ctx context.Context) error {
		_, err := seat.drive.Files.Create(&drive.File{
			Id: id, Name: w.name, MimeType: folderType, Parents: []string{w.parent},
			AppProperties: map[string]string{folderKey: w.key},
		}).Context(ctx).SupportsAllDrives(true).Fields("id").Do()
		return err
	})
	if errors.Is(err, ErrExists) {
		err = nil // an earlier try made it, and its answer was lost
	}
	return id, err
}
