// Package pkg is the map of the packages below it, in the order of imports.txt: each may import only
// what stands above it.
//
//	cause                why something is missing, faulty or failed: codes with arguments, no text
//	i18n                 the catalogue: keys and causes into sentences, one file per language
//	nvr                  words of the recorder: roles, segment names, room time
//	homoglyph            look-alike Cyrillic and Latin letters, folded for comparison
//	fault                errors that are decisions: permanent, later, stale
//	config               every environment variable, once
//	observe              logs, traces and metrics as Google Cloud reads them
//	call                 outside calls, repeated by a policy
//	confine              bounds child processes: memory, time, environment
//	ffmpeg               typed values → FFmpeg → pictures, samples, packets
//	mp4                  sample tables of an MP4 file, read and written
//	bitstream            headers of coded pictures: where decoding can start, what is missing
//	interlace            tells interlaced pictures by what they show
//	rangeproxy            segments as byte ranges; the loopback proxy FFmpeg reads them from
//	timeline             a record laid over its segments, in frames; gaps and their causes
//	ocr                  reads the words in a picture with Tesseract
//	captions             recognised words → cues, WebVTT, transcript (pure)
//	slides               slides and their titles in what a screen shows (pure)
//	presence             presentation or idle screen: verdicts on the pictures of a screen source
//	align                how late a microphone hears against another
//	report               what was done and why, as JSON, text and a page
//	merge/probe          a segment's file → sample tables → what can be used of it
//	merge/sound          levels of the sound, choice of its source, the mix
//	speech               a video's sound → words, by a speech recogniser
//	merge/plan           layout, slices, chapters, digests; plan.json, which holds every decision (pure)
//	merge/render         a slice of a plan → a part
//	merge                the engine: Plan, Render, Join, Make
//	store                records, claims, rooms, keys: all SQL
//	store/storetest      databases for tests: a file, and a MariaDB server
//	internal/heaptest    the peak of the heap, for tests of memory bounds
//	web/browsertest      a headless Chromium for tests
//	bucket               segments, plans, parts and merges in Cloud Storage
//	workspace            Drive, Calendar, Classroom: find, upload, share, attach, announce
//	notify               tells the requester: webhook, Zulip, e-mail
//	dispatch             Pub/Sub messages, and starting and querying the merge job
//	calendar             an event → a record: times, opt-out, course code (pure)
//	pipeline             the steps of a record, one file per step
//	app                  builds a process from its configuration
//	simulate             weeks of a deployment in minutes: our claim under Google's quotas
//	doctor               checks a deployment and says how to repair it
//	verify               compares the videos on Drive with what was uploaded
//	web/httpapi          what every handler shares: limits, errors, event streams, the server
//	web/auth             who sends a request: an API key's owner or a signed-in person
//	web/records          records, rooms and footage as the page and the APIs show them
//	web/nvrapi           the NVR's API
//	web/v1               /api/v1
//	web/page             the pages of lecturers and operators
//	web                  nvrapi, v1 and page assembled into the handlers of form and api
//	localcloud/recorder/timecode  what footage says about itself, and its reader
//	localcloud/recorder  makes footage as a room's recorder would, faults included
//	localcloud/openid    an issuer of OpenID Connect for tests
//	localcloud/faults    rules by which the stand-ins fail
//	localcloud/apidesc   requests and answers checked against Google's API descriptions
//	localcloud/google/api  what Google's APIs share: calls, errors, pages
//	localcloud/state     rows of a stand-in in memory and in SQLite, whole after any kill
//	localcloud/google/drive  Drive: files, uploads, queries, sharing
//	localcloud/google/calendar  Calendar: events, series, copies, notifications
//	localcloud/google/classroom  Classroom: courses, announcements, people
//	localcloud/google    the three as servers on one machine, and pages to look at
//	localcloud/storage   Cloud Storage as a server on one machine
//	localcloud/supervisor  processes that end with their parent, and are started again
//	localcloud/run       the Cloud Run Admin API as a server; tasks are processes
//	localcloud/pubsub    Pub/Sub on one machine: pstest, and pushes with deadlines and dead letters
//	localcloud/machine   the whole system on one machine
package pkg
