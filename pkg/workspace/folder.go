package workspace

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/api/drive/v3"
)

// folderKey is the property that marks a folder that this package made. Key and value together have 124 bytes at most,
// so the value is a digest.
const folderKey = "nvrFolder"

// EnsureFolder gives the folder for key inside parent, made under name if there is none: once, even
// when several workers make it at the same moment or the answer to making it is lost. A folder of that
// name made by a person will do. A person may rename ours: it is found by its key.
//
// Drive has no "create if absent". So a worker that makes one, or finds one that is very young, looks again
// after a pause, and all agree on the oldest; the others go to the bin. The pause is there because
// creation times are milliseconds: within one of them two folders could each look like the only one.
func (c *Client) EnsureFolder(ctx context.Context, parent, name, key string) (string, error) {
	if err := checkID("folder", parent); err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(key))
	folder := wantedFolder{
		parent: parent,
		name:   fit(name, ""),
		key:    hex.EncodeToString(sum[:16]),
	}
	there, err := c.folders(ctx, folder)
	if err != nil {
		return "", err
	}
	made := ""
	if winner := oldest(there); winner == nil {
		if made, err = c.makeFolder(ctx, folder); err != nil {
			return "", err
		}
	} else if c.options.Now().Sub(instant(winner.CreatedTime)) > settled {
		c.rememberCorpus(winner.Id, parent)
		return winner.Id, c.trashRivals(ctx, folder, there, winner)
	}
	if err := c.options.Pause(ctx, max(c.scaled(time.Second), 3*time.Millisecond)); err != nil {
		return "", err
	}
	if there, err = c.folders(ctx, folder); err != nil {
		return "", err
	}
	winner := oldest(there)
	switch {
	case winner == nil && made == "":
		return "", fmt.Errorf("folder %s came and went", name)
	case winner == nil:
		c.rememberCorpus(made, parent)
		return made, nil // the list lags behind
	}
	c.rememberCorpus(winner.Id, parent)
	return winner.Id, c.trashRivals(ctx, folder, there, winner)
}

// trashRivals removes the unused folders that this package made. All workers take the oldest: our own,
// and what a worker left that was killed before he could remove his.
func (c *Client) trashRivals(ctx context.Context, w wantedFolder, there []*drive.File, winner *drive.File) error {
	for _, f := range there {
		if f.Id == winner.Id || f.AppProperties[folderKey] != w.key {
			continue
		}
		if err := c.Trash(ctx, f.Id); err != nil {
			return err
		}
	}
	return nil
}

// settled is the age at which a folder has no rival any more that is about to become visible.
const settled = 10 * time.Second

type wantedFolder struct{ parent, name, key string }

// folders lists what would do, in no order.
func (c *Client) folders(ctx context.Context, w wantedFolder) ([]*drive.File, error) {
	query := "mimeType = " + quoted(folderType) + " and trashed = false and " + quoted(w.parent) + " in parents and (name = " +
		quoted(w.name) + " or appProperties has { key=" + quoted(folderKey) + " and value=" + quoted(w.key) + " })"
	where, err := c.corpusOf(ctx, w.parent)
	if err != nil {
		return nil, err
	}
	found, err := c.list(ctx, "look for folder "+w.name, query, where)
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

// corpusOf returns where to look for what lies in a folder: its shared drive, or what the subject owns or was
// given. A search of all drives may stay incomplete, which Google answers by "choose user or drive".
func (c *Client) corpusOf(ctx context.Context, folder string) (corpus, error) {
	c.mu.Lock()
	known, found := c.corpora[folder]
	c.mu.Unlock()
	if found {
		return known, nil
	}
	f, err := c.file(ctx, folder)
	if errors.Is(err, ErrNotFound) {
		return everywhere(), nil // the search says so, too
	}
	if err != nil {
		return corpus{}, err
	}
	where := corpus{name: "user"}
	if f.DriveId != "" {
		where = corpus{name: "drive", drive: f.DriveId}
	}
	c.mu.Lock()
	c.corpora[folder] = where
	c.mu.Unlock()
	return where, nil
}

// rememberCorpus notes that a folder lies in the same drive as its parent.
func (c *Client) rememberCorpus(folder, parent string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if where, found := c.corpora[parent]; found {
		c.corpora[folder] = where
	}
}

// oldest is the folder that all agree on; nil if there is none.
func oldest(folders []*drive.File) *drive.File {
	if len(folders) == 0 {
		return nil
	}
	return slices.MinFunc(folders, func(a, b *drive.File) int {
		return cmp.Or(
			instant(a.CreatedTime).Compare(instant(b.CreatedTime)),
			strings.Compare(a.Id, b.Id),
		)
	})
}

func (c *Client) makeFolder(ctx context.Context, w wantedFolder) (string, error) {
	id, err := c.generateID(ctx, c.options.Subjects.Drive)
	if err != nil {
		return "", err
	}
	seat, err := c.as(ctx, c.options.Subjects.Drive)
	if err != nil {
		return "", err
	}
	err = c.do(ctx, "drive.files.create", "make folder "+w.name, func(ctx context.Context) error {
		_, err := seat.drive.Files.Create(&drive.File{
			Id:            id,
			Name:          w.name,
			MimeType:      folderType,
			Parents:       []string{w.parent},
			AppProperties: map[string]string{folderKey: w.key},
		}).Context(ctx).SupportsAllDrives(true).Fields("id").Do()
		return err
	})
	if errors.Is(err, ErrExists) {
		err = nil // an earlier try made it, and its answer was lost
	}
	return id, err
}
