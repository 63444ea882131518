package pipeline

import "github.com/nvr-miem/merger/pkg/store"

// Store holds the parts of the database that the steps use.
type Store struct {
	Records      store.Records
	Requests     store.Requests
	Queue        store.Queue
	Leases       store.Leases
	Rooms        store.Rooms
	Segments     store.Segments
	Effects      store.Effects
	Uploads      store.Uploads
	Notices      store.Notices
	Runs         store.Runs
	OptOuts      store.OptOuts
	EventMembers store.EventMembers
}

// StoreOf returns the parts of an open database that the steps use.
func StoreOf(db *store.Store) Store {
	return Store{
		Records:      db.Records,
		Requests:     db.Requests,
		Queue:        db.Queue,
		Leases:       db.Leases,
		Rooms:        db.Rooms,
		Segments:     db.Segments,
		Effects:      db.Effects,
		Uploads:      db.Uploads,
		Notices:      db.Notices,
		Runs:         db.Runs,
		EventMembers: db.EventMembers,
		OptOuts:      db.OptOuts,
	}
}

// CalendarStore holds the parts of the database that a sweep of the calendars uses.
type CalendarStore struct {
	Requests     store.Requests
	Events       store.Events
	OptOuts      store.OptOuts
	EventMembers store.EventMembers
	Rooms        store.Rooms
	Channels     store.Channels
}

// CalendarStoreOf returns the parts of an open database that a sweep of the calendars uses.
func CalendarStoreOf(db *store.Store) CalendarStore {
	return CalendarStore{
		Requests:     db.Requests,
		Events:       db.Events,
		EventMembers: db.EventMembers,
		OptOuts:      db.OptOuts,
		Rooms:        db.Rooms,
		Channels:     db.Channels,
	}
}
