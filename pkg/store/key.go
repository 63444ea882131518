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

// keyMark begins every key of ours, so that one that leaks is recognised.
const keyMark = "nvr_"

// Keys checks and manages the keys of the API.
type Keys struct{ *database }

// Key is an API key without its secret, of which only the SHA-256 is kept.
type Key struct {
	ID         int64
	Prefix     string   // how the secret begins; empty for short ones
	Email      string   // whose requests it makes
	Rooms      []string // which rooms it may ask for; none: all
	AnyAddress bool     // may name any requester
	Imported   bool     // from the NVR's users
	CreatedAt  time.Time
	ExpiresAt  time.Time // zero: never
	RevokedAt  time.Time // zero: it is valid
}

// May tells whether the key may ask for a room.
func (k *Key) Allows(room string) bool { return len(k.Rooms) == 0 || slices.Contains(k.Rooms, room) }

// AddKey makes a key of email, rooms, any_address and expiry and returns its secret, which nobody can
// read again.
func (s Keys) Add(ctx context.Context, key Key) (secret string, added Key, err error) {
	var random [32]byte
	if _, err := rand.Read(random[:]); err != nil {
		return "", Key{}, fmt.Errorf("make a key: %w", err)
	}
	secret = keyMark + base64.RawURLEncoding.EncodeToString(random[:])
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
	if len(secret) >= 20 { // what is shown leaves at least 12 characters unknown
		prefix = secret[:8]
	}
	_, err = s.send(ctx, insertKey, digest([]byte(secret)), prefix, key.Email, string(rooms),
		bit(key.AnyAddress), bit(key.Imported), s.nowMs(), millis(key.ExpiresAt))
	return err
}

// Key is the valid key of a secret; [ErrNotFound] for an unknown, an expired or a revoked one.
func (s Keys) Find(ctx context.Context, secret string) (Key, error) {
	hash := digest([]byte(secret))
	var key Key
	var stored string
	err := s.row(ctx, func(row scanner) (err error) { key, stored, err = scanKey(row); return err }, selectKey, hash)
	if err == nil && subtle.ConstantTimeCompare([]byte(stored), []byte(hash)) != 1 {
		err = ErrNotFound
	}
	expired := !key.ExpiresAt.IsZero() && !s.now().Before(key.ExpiresAt)
	if err == nil && (expired || !key.RevokedAt.IsZero()) {
		err = ErrNotFound
	}
	if err != nil {
		return Key{}, fmt.Errorf("look for an API key: %w", err)
	}
	return key, nil
}

// Keys lists all keys, also those that are no longer valid.
func (s Keys) List(ctx context.Context) ([]Key, error) {
	var keys []Key
	err := s.each(ctx, func() { keys = nil }, func(row scanner) error {
		key, _, err := scanKey(row)
		keys = append(keys, key)
		return err
	}, selectKeys)
	if err != nil {
		return nil, fmt.Errorf("list the API keys: %w", err)
	}
	return keys, nil
}

func scanKey(row scanner) (key Key, hash string, err error) {
	var rooms string
	var created, expires, revoked int64
	err = row.Scan(&key.ID, &hash, &key.Prefix, &key.Email, &rooms, &key.AnyAddress, &key.Imported, &created, &expires, &revoked)
	if err != nil {
		return Key{}, "", err
	}
	key.CreatedAt, key.ExpiresAt, key.RevokedAt = instant(created), instant(expires), instant(revoked)
	if err := json.Unmarshal([]byte(rooms), &key.Rooms); err != nil {
		return Key{}, "", fmt.Errorf("read the rooms of key %d: %w", key.ID, err)
	}
	return key, hash, nil
}

// RevokeKey ends a key at once; [ErrNotFound] if there is no valid one of that number.
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

// Users reads the NVR's users with their keys, in this database, migrated or not.
func (s Keys) NVRUsers(ctx context.Context) ([]User, error) {
	var users []User
	err := s.each(ctx, func() { users = nil }, func(row scanner) error {
		var user User
		err := row.Scan(&user.Email, &user.Key)
		users = append(users, user)
		return err
	}, selectUsers)
	if err != nil {
		return nil, fmt.Errorf("read the NVR's users: %w", err)
	}
	return users, nil
}

// ImportKeys takes over the keys of the NVR's users, hashed; they may name any address. Those that are
// there already, revoked ones too, are left alone. It returns how many are new.
func (s Keys) Import(ctx context.Context, users []User) (added int, err error) {
	for _, user := range users {
		err := s.insertKey(ctx, user.Key, Key{Email: user.Email, AnyAddress: true, Imported: true})
		switch {
		case err == nil:
			added++
		case !duplicate(err):
			return added, fmt.Errorf("import the key of %s: %w", user.Email, err)
		}
	}
	return added, nil
}
