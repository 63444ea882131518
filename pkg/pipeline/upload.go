package pipeline

import (
	"bytes"
	"cmp"
	"context"
	"crypto/md5" //nolint:gosec // Drive names files' content by MD5; nothing secret rests on it
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"strconv"

	"github.com/nvr-miem/merger/pkg/bucket"
	"github.com/nvr-miem/merger/pkg/calendar"
	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/workspace"
)

// chunkBytes is how much of a merge goes to Drive in one request, and lies in memory, unless the
// settings say otherwise.
const chunkBytes = 8 << 20

// Upload brings the merge to Drive and shares it. Before: step upload, the merge in the work bucket.
// After: step link, done = 1, the file on Drive, checked, readable by the requester. A kill leaves a
// file id without a file, or a session that the next worker goes on with from the byte that Drive has.
func (p *Pipeline) Upload(ctx context.Context, claim nvr.Claim) error {
	return p.work(ctx, job{claim: claim, continues: true, body: (*worker).upload})
}

func (w *worker) upload(ctx context.Context) error {
	if may, err := w.mayShare(ctx); err != nil || !may {
		return err
	}
	if w.isTakenBack() {
		if restored, err := w.restore(ctx); err != nil || restored {
			return err
		}
	}
	name, err := bucket.MergeName(w.rec.ID, w.rec.Digest)
	if err != nil {
		return err
	}
	object, err := w.p.Work.Stat(ctx, name)
	if errors.Is(err, bucket.ErrNotFound) {
		w.log.WarnContext(ctx, "the merge is gone from the work bucket: making it again")
		return w.backToStage(ctx)
	}
	if err != nil {
		return fmt.Errorf("look for the merge: %w", err)
	}
	file, err := w.ensureUploaded(ctx, object)
	if err != nil {
		return err
	}
	if gone, err := w.checkWithdrawn(ctx); err != nil || gone {
		return err
	}
	if may, err := w.mayShareNow(ctx); err != nil || !may {
		return err
	}
	return w.deliver(ctx, file)
}

// mayShareNow is [worker.mayShare] after a look into the calendar.
func (w *worker) mayShareNow(ctx context.Context) (bool, error) {
	if err := w.findOptOuts(ctx); err != nil {
		return false, err
	}
	return w.mayShare(ctx)
}

// deliver shares a video that is on Drive, puts its report beside it, and moves the record on to link.
func (w *worker) deliver(ctx context.Context, file workspace.File) error {
	share, err := w.share(ctx, file.ID)
	if err != nil {
		return err
	}
	if err := w.uploadReport(ctx, file); err != nil {
		return err
	}
	if w.rec.Edits.Forget {
		if err := w.p.Workspace.ForgetRevisions(ctx, w.rec.ID, file.ID); err != nil {
			return fmt.Errorf("delete the former versions of the video: %w", err)
		}
	}
	next, err := w.advance(ctx, nvr.StepLink, store.Change{Link: &file.Link, Share: &share})
	if err != nil {
		return err
	}
	w.log.InfoContext(ctx, "uploaded", "file", file.ID, "bytes", file.Size, "share", share)
	return w.sendNext(ctx, next)
}

// ensureUploaded makes the record's one file on Drive hold the merge.
func (w *worker) ensureUploaded(ctx context.Context, object bucket.Object) (workspace.File, error) {
	source := fmt.Sprintf("%s#%d", object.Name, object.Generation)
	state, err := w.p.Store.Uploads.Get(ctx, w.rec.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return workspace.File{}, err
	}
	file, err := w.driveFile(ctx, state.MD5 != "" && state.FileID == w.rec.FileID)
	if err != nil {
		return file, err
	}
	if file.Size > 0 && state.Source == source && state.MD5 != "" && file.MD5 == state.MD5 && file.Size == object.Size {
		return file, nil // uploaded and checked before
	}
	if state.Source != source || state.FileID != file.ID {
		state = store.Upload{Source: source, FileID: file.ID, Size: object.Size}
	}
	sent, err := w.transfer(ctx, object, file, &state)
	if err != nil {
		return file, err
	}
	if sent == nil { // the upload went on from the middle: read the merge once more
		if sent, err = w.sum(ctx, object); err != nil {
			return file, err
		}
	}
	sum := hex.EncodeToString(sent.md5.Sum(nil))
	stored, err := w.p.Workspace.Stat(ctx, w.rec.FileID)
	if err != nil {
		return stored, fmt.Errorf("look at the uploaded file: %w", err)
	}
	state.Session, state.MD5, state.Sent = "", sum, stored.Size
	if stored.Size != object.Size || stored.MD5 != sum {
		state.MD5 = ""
		return stored, errors.Join(
			fmt.Errorf(
				"drive holds %d bytes with MD5 %s, the merge has %d with %s",
				stored.Size, stored.MD5, object.Size, sum,
			),
			w.p.Store.Uploads.Save(ctx, w.hold, state))
	}
	if err := w.report(ctx, object, hex.EncodeToString(sent.sha256.Sum(nil))); err != nil {
		return stored, err
	}
	return stored, w.p.Store.Uploads.Save(ctx, w.hold, state)
}

// driveFile is the record's file on Drive as it is now; of size 0 if it is not there yet. Its id is
// generated and stored before anything is made under it; that of a file which was uploaded and deleted
// since is not used again.
func (w *worker) driveFile(ctx context.Context, uploaded bool) (workspace.File, error) {
	if w.rec.FileID != "" {
		file, err := w.p.Workspace.Stat(ctx, w.rec.FileID)
		switch absent := errors.Is(err, workspace.ErrNotFound); {
		case absent && !uploaded:
			return workspace.File{ID: w.rec.FileID}, nil
		case !absent && (err != nil || !file.Trashed):
			return file, err
		}
		w.log.InfoContext(
			ctx, "a person threw the file away: making a new one",
			"file", w.rec.FileID,
		)
	}
	id, err := w.p.Workspace.GenerateID(ctx, w.rec.ID)
	if err != nil {
		return workspace.File{}, fmt.Errorf("ask Drive for a file id: %w", err)
	}
	if err := w.save(ctx, store.Change{FileID: &id}); err != nil {
		return workspace.File{}, err
	}
	w.rec.FileID = id
	return workspace.File{ID: id}, nil
}

// transfer sends the merge, from the byte that Drive has. It returns the sums of what it sent if it
// sent all of it.
func (w *worker) transfer(ctx context.Context, object bucket.Object, file workspace.File, state *store.Upload) (*sums, error) {
	sent := newSums()
	for opened := 0; opened < 3; opened++ {
		if state.Session == "" {
			if err := w.openSession(ctx, object, file, state); errors.Is(err, workspace.ErrExists) {
				return nil, nil //nolint:nilnil // the file is there: the check reports whether it is the right one
			} else if err != nil {
				return nil, err
			}
		}
		err := w.sendAll(ctx, object, state.Session, sent)
		switch {
		case err == nil:
			return sent.of(object.Size), nil
		case errors.Is(err, workspace.ErrExists):
			return nil, nil //nolint:nilnil // as above
		case !errors.Is(err, workspace.ErrSessionGone):
			return nil, err
		}
		w.log.InfoContext(ctx, "the upload session is gone: opening another one")
		state.Session = ""
	}
	return nil, errors.New("drive keeps forgetting the upload session")
}

// openSession opens an upload session and stores it before the first byte.
func (w *worker) openSession(ctx context.Context, object bucket.Object, file workspace.File, state *store.Upload) error {
	upload := workspace.Upload{
		Record:      w.rec.ID,
		FileID:      w.rec.FileID,
		MIME:        "video/mp4",
		Size:        object.Size,
		Name:        w.fileName(),
		Description: w.description(),
		Properties: map[string]string{
			"nvrRecord":   strconv.FormatInt(w.rec.ID, 10),
			"nvrRevision": strconv.FormatInt(w.rec.Revision, 10),
		},
		Replace: file.Size > 0,
	}
	if !upload.Replace {
		var err error
		if upload.Parent, err = w.folder(ctx); err != nil {
			return err
		}
	}
	session, err := w.p.Workspace.StartUpload(ctx, upload)
	if err != nil {
		return err
	}
	state.Session = session
	return w.p.Store.Uploads.Save(ctx, w.hold, *state)
}

// sendAll sends chunk after chunk.
func (w *worker) sendAll(ctx context.Context, object bucket.Object, session string, sent *sums) error {
	at, done, err := w.p.Workspace.UploadedBytes(ctx, session, object.Size)
	for err == nil && !done {
		n := min(cmp.Or(w.p.Settings.Chunk, chunkBytes), object.Size-at)
		var kept int64
		if kept, done, err = w.sendChunk(ctx, object, session, at, n, sent); err == nil {
			at = kept
			w.progressed(ctx)
		}
	}
	return err
}

func (w *worker) sendChunk(ctx context.Context, object bucket.Object, session string, at, n int64, sent *sums) (int64, bool, error) {
	body, err := w.p.Work.Reader(ctx, object.Name, object.Generation, at, n)
	if err != nil {
		return at, false, fmt.Errorf("read the merge at %d: %w", at, err)
	}
	chunk := make([]byte, n)
	_, err = io.ReadFull(body, chunk)
	if err = errors.Join(err, body.Close()); err != nil {
		return at, false, fmt.Errorf("read the merge at %d: %w", at, err)
	}
	sent.add(chunk, at)
	return w.p.Workspace.SendChunk(ctx, session, bytes.NewReader(chunk), at, n, object.Size)
}

// sums are those of a file that is read from its beginning, chunk after chunk. A chunk that comes again
// counts once; after a leap nothing is known.
type sums struct {
	md5, sha256 hash.Hash
	at          int64 // bytes summed so far
}

func newSums() *sums {
	return &sums{
		md5:    md5.New(), //nolint:gosec // as above
		sha256: sha256.New(),
	}
}

func (s *sums) add(chunk []byte, from int64) {
	if from <= s.at && s.at < from+int64(len(chunk)) {
		s.md5.Write(chunk[s.at-from:])
		s.sha256.Write(chunk[s.at-from:])
		s.at = from + int64(len(chunk))
	}
}

// of are the sums of size bytes; nil if not all of them were added.
func (s *sums) of(size int64) *sums {
	if s.at != size {
		return nil
	}
	return s
}

// sum reads the merge for its sums.
func (w *worker) sum(ctx context.Context, object bucket.Object) (*sums, error) {
	body, err := w.p.Work.Reader(ctx, object.Name, object.Generation, 0, object.Size)
	if err != nil {
		return nil, fmt.Errorf("read the merge for its checksum: %w", err)
	}
	sent := newSums()
	n, err := io.Copy(io.MultiWriter(sent.md5, sent.sha256), body)
	if err = errors.Join(err, body.Close()); err == nil && n != object.Size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, fmt.Errorf("read the merge for its checksum: %w", err)
	}
	return sent, nil
}

// folder is where the video goes: the room's folder, and in it a folder a day.
func (w *worker) folder(ctx context.Context) (string, error) {
	room := "room-" + strconv.FormatInt(w.room.ID, 10)
	root := w.p.Settings.DriveFolder
	var err error
	switch {
	case w.room.Drive != "":
		if root, err = workspace.FolderID(w.room.Drive); err != nil {
			return "", &fault.PermanentError{Cause: cause.BadFolder(w.rec.Room), Err: err}
		}
	case root == "":
		root = "root" // of the Drive that work is done on
		fallthrough
	default:
		if root, err = w.p.Workspace.EnsureFolder(ctx, root, w.rec.Room, room); err != nil {
			return "", fmt.Errorf("make the folder of room %s: %w", w.rec.Room, err)
		}
	}
	id, err := w.p.Workspace.EnsureFolder(ctx, root, w.rec.Date, room+"-"+w.rec.Date)
	if err != nil {
		return "", fmt.Errorf("make the folder of %s: %w", w.rec.Date, err)
	}
	return id, nil
}

// fileName is the video's name on Drive.
func (w *worker) fileName() string {
	r := w.rec
	return workspace.FileName(r.Date, r.StartTime, r.EndTime, r.Room, r.Title)
}

func (w *worker) description() string {
	return fmt.Sprintf(
		"NVR Merger, record %d: room %s, %s, %s–%s",
		w.rec.ID, w.rec.Room, w.rec.Date, w.rec.StartTime, w.rec.EndTime,
	)
}

// checkWithdrawn reads the record's event again before anybody is let in: one that was cancelled,
// or says that it is not to be recorded, withdraws the record. A video that was delivered stays.
func (w *worker) checkWithdrawn(ctx context.Context) (bool, error) {
	if w.rec.EventID == "" || w.room.Calendar == "" || w.rec.Revision > 1 {
		return false, nil
	}
	event, err := w.p.Workspace.Event(ctx, w.room.Calendar, w.rec.EventID)
	if errors.Is(err, workspace.ErrNotFound) {
		return false, nil // the event is gone: link notes it in the record. The video was asked for, so it stays
	}
	if err != nil {
		return false, fmt.Errorf("read the event again: %w", err)
	}
	if !event.Cancelled() && !calendar.HasOptOutWords(event.Description) {
		return false, nil
	}
	w.log.InfoContext(ctx, "withdrawn: the event was cancelled or asks not to be recorded")
	if err := w.throwAway(ctx); err != nil {
		return false, err
	}
	reason := cause.EventWithdrawn()
	return true, w.end(ctx, nvr.StepWithdrawn, store.Change{Reason: &reason})
}

// share lets the requester read the video. A policy that refuses is said in the record, not an error.
func (w *worker) share(ctx context.Context, fileID string) (string, error) {
	if w.rec.UserEmail == "" {
		return "", nil
	}
	if domains := w.p.Settings.ShareDomains; domains != nil && !nvr.InDomains(w.rec.UserEmail, domains) {
		w.log.InfoContext(ctx, "not shared: the requester is of another domain")
		return w.p.Texts.FormatReason(cause.ShareOutside(nvr.DomainOf(w.rec.UserEmail))), nil
	}
	_, err := w.p.Workspace.Share(ctx, fileID, w.rec.UserEmail)
	if why, final := refusal(err); final {
		w.log.WarnContext(ctx, "the share was refused", "err", err)
		return w.p.Texts.FormatReason(why), nil
	}
	if err != nil {
		return "", fmt.Errorf("share the video with its requester: %w", err)
	}
	return "shared", nil
}

// refusal is why Google refuses something for good, if it does.
func refusal(err error) (why cause.Cause, final bool) {
	var refused *workspace.ShareRefused
	if errors.As(err, &refused) {
		return refused.Cause, true
	}
	return fault.CauseOf(err), fault.KindOf(err) == fault.Permanent
}
