// Package page is the pages of lecturers and operators: the request form, the list of recordings
// with their progress, reports, and the operators' status and rooms. They work without scripts;
// static/app.js adds the draggable day and live updates.
//
// Start with site.go for routes and protection. render.go turns templates and the catalogue's
// texts into answers.
package page
