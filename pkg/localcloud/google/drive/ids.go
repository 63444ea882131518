package drive

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"

	"github.com/nvr-miem/merger/pkg/localcloud/google/api"
)

const (
	idBytes   = 18   // random part of an id, before base64
	sealBytes = 6    // proof that an id was generated here, and what for
	maxIDs    = 1000 // that one call of files.generateIds returns, as in Drive
)

// newID returns an id for a file or a shortcut. It carries a proof that it was generated here, so
// that ids stay valid after a restart without being stored.
func newID(shortcut bool) string {
	random := make([]byte, idBytes)
	_, _ = rand.Read(random) // never fails
	id := "1" + base64.RawURLEncoding.EncodeToString(random)
	return id + seal(id, shortcut)
}

// seal returns the proof in an id.
func seal(id string, shortcut bool) string {
	purpose := "files"
	if shortcut {
		purpose = "shortcuts"
	}
	sum := sha256.Sum256([]byte(purpose + " " + id))
	return base64.RawURLEncoding.EncodeToString(sum[:sealBytes])
}

// generated reports whether newID returned an id for that purpose.
func generated(id string, shortcut bool) bool {
	body := len(id) - base64.RawURLEncoding.EncodedLen(sealBytes)
	return body > 0 && id[body:] == seal(id[:body], shortcut)
}

// newName returns a random name for a content or a session, which cannot be guessed.
func newName() string {
	random := make([]byte, idBytes)
	_, _ = rand.Read(random) // never fails
	return hex.EncodeToString(random)
}

// generateIDs answers files.generateIds.
func (d *Drive) generateIDs(c *api.Call) (*api.Answer, error) {
	count := c.Int("count", 10)
	if count < 1 || count > maxIDs {
		return nil, api.Invalid(
			"count", "Invalid value '%d'. Values must be within the range: [1, %d]", count, maxIDs,
		)
	}
	space, kind := c.Query.Get("space"), c.Query.Get("type")
	if !slices.Contains([]string{"", "drive", "appDataFolder"}, space) {
		return nil, api.Invalid("space", "Invalid value %q", space)
	}
	if !slices.Contains([]string{"", "files", "shortcuts"}, kind) {
		return nil, api.Invalid("type", "Invalid value %q", kind)
	}
	ids := make([]any, count)
	for i := range ids {
		ids[i] = newID(kind == "shortcuts")
	}
	if space == "" {
		space = "drive"
	}
	return api.OK(api.Object{
		"kind":  "drive#generatedIds",
		"space": space,
		"ids":   ids,
	})
}

// chosenID returns the id of a new file: the caller's, if it may be used, or a new one. It runs
// inside a view or an update.
func (d *Drive) chosenID(body api.Object) (string, error) {
	shortcut := api.Text(body, "mimeType") == shortcutType
	id := api.Text(body, "id")
	switch {
	case id == "":
		return newID(shortcut), nil
	case d.files.Get(id) != nil:
		return "", api.Refuse(
			http.StatusConflict, "fileIdInUse", "A file already exists with the provided ID.",
		)
	case !generated(id, shortcut):
		return "", api.Invalid("file.id", "The provided file ID is not usable.")
	}
	return id, nil
}

// rootOf returns the id of a user's own drive, which the alias root stands for.
func rootOf(user string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(user)))
	return "0A" + base64.RawURLEncoding.EncodeToString(sum[:9]) + "PVA"
}
