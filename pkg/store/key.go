package store

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

const (
	keyColumns = `id, hash, prefix, email, rooms, any_address, imported, created_at, expires_at, revoked_at`

	selectKey = `select ` + keyColumns + ` from merger_api_keys where hash = ?`

	selectKeys = `select ` + keyColumns + ` from merger_api_keys order by id`

	insertKey = `insert into merger_api_keys (hash, prefix, email, rooms, any_address, imported, created_at, expires_at)
 values (?, ?, ?, ?, ?, ?, ?, ?)`

	updateRevoke = `update merger_api_keys set revoked_at = ? where id = ? and revoked_at = 0`

	selectUsers = `select coalesce(email, ''), api_key from users where api_key is not null and api_key <> '' order by id`
)

const (
	// secretPrefix begins every secret, so that scanners of leaked secrets can recognise one.
	secretPrefix = "nvr_"

	secretBytes = 32 // random bytes of a new secret

	// A listing shows the first shownChars characters of a secret that has at least showableChars. At least
	// twelve characters stay unknown.
	shownChars, showableChars = 8, 20
)

// Keys checks and manages the keys of the API.
type Keys struct{ *database }

// Key is an API key without its secret. The database holds only the SHA-256 of the secret.
type Key struct {
	ID         int64
	Prefix     string   // the first characters of the secret; empty for short secrets
	Email      string   // the requester of its requests
	Rooms      []string // the rooms that it may request; none: all
	AnyAddress bool     // whether it may name another requester
	Imported   bool     // whether it comes from the NVR's users
	CreatedAt  time.Time
	ExpiresAt  time.Time // zero: never
	RevokedAt  time.Time // zero: not revoked
}

// Allows reports whether the key may request a room.
func (k *Key) Allows(room string) bool {
	return len(k.Rooms) == 0 || slices.Contains(k.Rooms, room)
}

// Add creates a key with the email, rooms, any_address and expiry of key. It returns the secret, which
// cannot be read again.
func (s Keys) Add(ctx context.Context, key Key) (secret string, added Key, err error) {
	var random [secretBytes]byte
	if _, err := rand.Read(random[:]); err != nil {
		return "", Key{}, fmt.Errorf("generate a key: %w", err)
	}
	secret = secretPrefix + base64.RawURLEncoding.EncodeToString(random[:])
	if err := s.insertKey(ctx, secret, key); err != nil {
		return "", Key{}, fmt.Errorf("add a key of %s: %w", key.Email, err)
	}
	added, err = s.Find(ctx, secret)
	return secret, added, err
}

func (s Keys) insertKey(ctx context.Context, secret string, key Key) error {
	rooms, err := json.Marshal(append([]string{}, key.Rooms...))
	if err != nil {
		return err
	}
	prefix := ""
	if len(secret) >= showableChars {
		prefix = secret[:shownChars]
	}
	_, err = s.send(ctx, insertKey, digest([]byte(secret)), prefix, key.Email, string(rooms),
		bit(key.AnyAddress), bit(key.Imported), s.nowMs(), millis(key.ExpiresAt))
	return err
}

// Find returns the valid key of a secret. It returns [ErrNotFound] if the key is unknown, expired or
// revoked.
func (s Keys) Find(ctx context.Context, secret string) (Key, error) {
	key, err := s.find(ctx, digest([]byte(secret)))
	if err != nil {
		return Key{}, fmt.Errorf("find an API key: %w", err)
	}
	return key, nil
}

func (s Keys) find(ctx context.Context, hash string) (Key, error) {
	var key Key
	var stored string
	scan := func(row scanner) (err error) {
		key, stored, err = scanKey(row)
		return err
	}
	if err := s.row(ctx, scan, selectKey, hash); err != nil {
		return Key{}, err
	}
	matches := subtle.ConstantTimeCompare([]byte(stored), []byte(hash)) == 1
	expired := !key.ExpiresAt.IsZero() && !s.now().Before(key.ExpiresAt)
	if !matches || expired || !key.RevokedAt.IsZero() {
		return Key{}, ErrNotFound
	}
	return key, nil
}

// List lists all keys, including expired and revoked ones.
func (s Keys) List(ctx context.Context) ([]Key, error) {
	var keys []Key
	reset := func() { keys = nil }
	scan := func(row scanner) error {
		key, _, err := scanKey(row)
		keys = append(keys, key)
		return err
	}
	if err := s.each(ctx, reset, scan, selectKeys); err != nil {
		return nil, fmt.Errorf("list the API keys: %w", err)
	}
	return keys, nil
}

func scanKey(row scanner) (key Key, hash string, err error) {
	var rooms string
	var created, expires, revoked int64
	err = row.Scan(&key.ID, &hash, &key.Prefix, &key.Email, &rooms, &key.AnyAddress, &key.Imported,
		&created, &expires, &revoked)
	if err != nil {
		return Key{}, "", err
	}
	key.CreatedAt = instant(created)
	key.ExpiresAt = instant(expires)
	key.RevokedAt = instant(revoked)
	if err := json.Unmarshal([]byte(rooms), &key.Rooms); err != nil {
		return Key{}, "", fmt.Errorf("read the rooms of key %d: %w", key.ID, err)
	}
	return key, hash, nil
}

// Revoke ends a key at once. It returns [ErrNotFound] if no key of this id is left to revoke.
func (s Keys) Revoke(ctx context.Context, id int64) error {
	rows, err := s.exec(ctx, updateRevoke, s.nowMs(), id)
	if err == nil && rows == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("revoke key %d: %w", id, err)
	}
	return nil
}

// User is a user of the NVR that has an API key.
type User struct{ Email, Key string }

// NVRUsers reads the NVR's users that have keys. The database need not be migrated.
func (s Keys) NVRUsers(ctx context.Context) ([]User, error) {
	var users []User
	reset := func() { users = nil }
	scan := func(row scanner) error {
		var user User
		err := row.Scan(&user.Email, &user.Key)
		users = append(users, user)
		return err
	}
	if err := s.each(ctx, reset, scan, selectUsers); err != nil {
		return nil, fmt.Errorf("read the NVR's users: %w", err)
	}
	return users, nil
}

// Import adds the keys of the NVR's users. They may name any requester. Keys that are already stored,
// including revoked ones, stay as they are. It returns how many keys are new.
func (s Keys) Import(ctx context.Context, users []User) (added int, err error) {
	for _, user := range users {
		err := s.insertKey(ctx, user.Key, Key{Email: user.Email, AnyAddress: true, Imported: true})
		if err == nil {
			added++
		} else if !isDuplicate(err) {
			return added, fmt.Errorf("import the key of %s: %w", user.Email, err)
		}
	}
	return added, nil
}
