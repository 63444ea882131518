package records

import "github.com/nvr-miem/merger/pkg/store"

// Store holds the parts of the database that the pages and the APIs use.
type Store struct {
	Records      store.Records
	Requests     store.Requests
	Queue        store.Queue
	Rooms        store.Rooms
	Keys         store.Keys
	Segments     store.Segments
	OptOuts      store.OptOuts
	EventMembers store.EventMembers
	Channels     store.Channels
}

// StoreOf returns the parts of an open database that the pages and the APIs use.
func StoreOf(db *store.Store) Store {
	return Store{
		Records:      db.Records,
		Requests:     db.Requests,
		Queue:        db.Queue,
		Rooms:        db.Rooms,
		Keys:         db.Keys,
		Segments:     db.Segments,
		OptOuts:      db.OptOuts,
		EventMembers: db.EventMembers,
		Channels:     db.Channels,
	}
}
