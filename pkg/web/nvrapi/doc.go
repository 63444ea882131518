// Package nvrapi is the API that the recorder's existing clients use: /rooms,
// /records/{user_email} and /montage-event/{room}. Its paths, fields and errors are the
// recorder's, so that those clients need no change.
package nvrapi
