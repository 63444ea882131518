package workspace

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/api/classroom/v1"
	"google.golang.org/api/googleapi"

	"github.com/nvr-miem/merger/pkg/fault"
)

const (
	published = "PUBLISHED"
	draft     = "DRAFT"

	maxAnnouncement = 30_000 // characters
)

// Announce posts a video to a course, once: as the course's owner, or as the configured teacher. stored
// is the id that an earlier attempt handed to store, empty if there was none; store is called with an
// id before it is published, and must refuse ([fault.ErrStale]) once another worker holds the record: that
// is what keeps two workers from publishing two. An announcement that a person removed stays removed.
//
// Classroom has no "create if absent", so an announcement begins as a draft. It is looked for before it
// is made and after; a worker that finds a better one than its own deletes its own. A crash in between leaves a
// draft, which the next attempt finds by its material.
func (c *Client) Announce(ctx context.Context, course Course, text string, file File, stored string, store func(id string) error) (id string, err error) {
	poster, err := c.poster(ctx, course)
	if err != nil {
		return "", err
	}
	seat, err := c.as(ctx, poster)
	if err != nil {
		return "", err
	}
	p := &post{
		client:  c,
		service: seat.classroom,
		course:  course.ID,
		poster:  poster,
		file:    file,
		text:    cutText(text),
	}
	if stored != "" {
		return stored, p.publish(ctx, stored, "")
	}
	found, err := p.settle(ctx, nil)
	if err != nil {
		return "", err
	}
	if found == nil {
		if found, err = p.create(ctx); err != nil {
			return "", err
		}
		if found, err = p.settle(ctx, found); err != nil {
			return "", err
		}
	}
	if err := store(found.Id); err != nil {
		return "", fmt.Errorf("store announcement %s: %w", found.Id, err)
	}
	if err := p.publish(ctx, found.Id, found.State); err != nil {
		return "", err
	}
	for _, id := range p.spare {
		if err := p.remove(ctx, id); err != nil {
			return "", err
		}
	}
	return found.Id, nil
}

func cutText(text string) string {
	if utf8.RuneCountInString(text) <= maxAnnouncement {
		return text
	}
	return string([]rune(text)[:maxAnnouncement])
}

// poster is a teacher of the course, for only one may post.
func (c *Client) poster(ctx context.Context, course Course) (string, error) {
	if c.options.Subjects.Classroom != "" {
		return c.options.Subjects.Classroom, nil
	}
	c.mu.Lock()
	known := c.posters[course.Owner]
	c.mu.Unlock()
	if known != "" {
		return known, nil
	}
	if err := checkID("owner of course "+course.ID, course.Owner); err != nil {
		return "", err
	}
	seat, err := c.as(ctx, c.searcher())
	if err != nil {
		return "", err
	}
	var profile *classroom.UserProfile
	err = c.do(ctx, "classroom.userProfiles.get", "read who owns course "+course.ID, func(ctx context.Context) (err error) {
		profile, err = seat.classroom.UserProfiles.Get(course.Owner).Context(ctx).Fields("id", "emailAddress").Do()
		if err == nil && profile.EmailAddress == "" {
			err = fmt.Errorf("the address of owner %s: %w", course.Owner, ErrNotFound)
		}
		return err
	})
	if err != nil {
		return "", err
	}
	c.mu.Lock()
	c.posters[course.Owner] = profile.EmailAddress
	c.mu.Unlock()
	return profile.EmailAddress, nil
}

// post is one announcement on its way.
type post struct {
	client  *Client
	service *classroom.Service
	course  string
	poster  string
	file    File
	text    string
	refused *ShareRefused // why the poster did not become a writer of the file; nil if that was not refused
	spare   []string      // drafts that lost, to be deleted once the winner is published
}

// settle looks for announcements of the file, own included, and picks the one that all would pick: a
// published one, else the oldest. A draft of this record that lost is deleted at once, those of others once the
// winner is published: until then its maker may still count on it.
func (p *post) settle(ctx context.Context, own *classroom.Announcement) (*classroom.Announcement, error) {
	var hits []*classroom.Announcement
	err := p.client.do(ctx, "classroom.announcements.list", "look for announcements in course "+p.course, func(ctx context.Context) (err error) {
		hits, err = p.look(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	winner := own // the list may lag behind
	for _, hit := range hits {
		if winner == nil || better(hit, winner) {
			winner = hit
		}
	}
	p.spare = nil
	for _, hit := range hits {
		if hit.Id != winner.Id && hit.State == draft {
			p.spare = append(p.spare, hit.Id)
		}
	}
	if own != nil && own.Id != winner.Id {
		return winner, p.remove(ctx, own.Id)
	}
	return winner, nil
}

func better(a, b *classroom.Announcement) bool {
	if (a.State == published) != (b.State == published) {
		return a.State == published
	}
	at, than := instant(a.CreationTime), instant(b.CreationTime)
	return at.Before(than) || at.Equal(than) && a.Id < b.Id
}

var errFarEnough = errors.New("older than the file")

// look lists the announcements that carry the file. None can be older than the file itself.
func (p *post) look(ctx context.Context) ([]*classroom.Announcement, error) {
	var hits []*classroom.Announcement
	err := p.service.Courses.Announcements.List(p.course).AnnouncementStates(draft, published).OrderBy("updateTime desc").
		PageSize(100).Fields("nextPageToken", "announcements(id,state,materials,creationTime,updateTime)").
		Pages(ctx, func(page *classroom.ListAnnouncementsResponse) error {
			for _, a := range page.Announcements {
				if p.about(a) {
					hits = append(hits, a)
				}
				if at := instant(a.UpdateTime); !at.IsZero() && at.Before(p.file.Created.Add(-24*time.Hour)) {
					return errFarEnough
				}
			}
			return nil
		})
	if errors.Is(err, errFarEnough) {
		err = nil
	}
	return hits, err
}

// about reports whether an announcement has our file among its materials.
func (p *post) about(a *classroom.Announcement) bool {
	for _, m := range a.Materials {
		if m.DriveFile != nil && m.DriveFile.DriveFile != nil && m.DriveFile.DriveFile.Id == p.file.ID {
			return true
		}
		if m.Link != nil && (m.Link.Url == p.file.Link || fileIDIn(m.Link.Url) == p.file.ID) {
			return true
		}
	}
	return false
}

// lagTries is how often a refused announcement is tried again after the poster got a right: Classroom may not
// know of it yet.
const lagTries = 3

// create makes the draft. It is no call to be repeated blindly: each try looks first whether an earlier
// one made it after all.
func (p *post) create(ctx context.Context) (made *classroom.Announcement, err error) {
	fresh, err := p.allowSharing(ctx)
	if err != nil {
		return nil, err
	}
	tries := 0
	err = p.client.do(ctx, "classroom.announcements.create", "make an announcement in course "+p.course, func(ctx context.Context) error {
		if tries > 0 {
			hits, err := p.look(ctx)
			if err != nil {
				return err
			}
			if len(hits) > 0 {
				made = hits[0]
				return nil
			}
		}
		tries++
		made, err = p.service.Courses.Announcements.Create(p.course, p.draft()).Context(ctx).
			Fields("id", "state", "creationTime").Do()
		if p.refused != nil && lacksRight(err) {
			return &fault.PermanentError{Cause: p.refused.Cause, Err: errors.Join(err, p.refused.Err)}
		}
		if fresh && tries <= lagTries && lacksRight(err) {
			return errors.New("the poster's right is not known to Classroom yet: " + err.Error())
		}
		return err
	})
	return made, err
}

// draft returns the announcement as it is made.
func (p *post) draft() *classroom.Announcement {
	return &classroom.Announcement{
		Text:  p.text,
		State: draft,
		Materials: []*classroom.Material{{DriveFile: &classroom.SharedDriveFile{
			DriveFile: &classroom.DriveFile{Id: p.file.ID}, ShareMode: "VIEW",
		}}},
	}
}

// allowSharing makes the poster a writer of the file: Classroom shares it with the students as the poster, and
// refuses a poster who may not share it. It reports whether the right is new. A refused share is no error,
// because the poster may have the right in another way; Classroom decides.
func (p *post) allowSharing(ctx context.Context) (fresh bool, err error) {
	_, fresh, err = p.client.grant(ctx, p.file.ID, p.poster, roleWriter)
	var refused *ShareRefused
	if errors.As(err, &refused) {
		p.client.options.Log.InfoContext(ctx, "the poster did not become a writer of the video", "err", err)
		p.refused = refused
		return false, nil
	}
	return fresh, err
}

// lacksRight reports whether Classroom refuses a poster who cannot see or share the file.
func lacksRight(err error) bool {
	var answer *googleapi.Error
	if !errors.As(err, &answer) {
		return false
	}
	return answer.Code == http.StatusForbidden && fault.HTTP(answer.Code, reasonOf(answer)) == fault.Permanent ||
		reasonOf(answer) == "AttachmentNotVisible" || strings.Contains(answer.Message, "AttachmentNotVisible")
}

func (p *post) remove(ctx context.Context, id string) error {
	err := p.client.do(ctx, "classroom.announcements.delete", "delete an announcement in course "+p.course, func(ctx context.Context) error {
		_, err := p.service.Courses.Announcements.Delete(p.course, id).Context(ctx).Do()
		return err
	})
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// publish makes a draft visible. state is the announcement's if it is known, else empty. One that a
// person has removed is done.
func (p *post) publish(ctx context.Context, id, state string) error {
	if state == published {
		return nil
	}
	err := p.client.do(ctx, "classroom.announcements.patch", "publish announcement "+id, func(ctx context.Context) error {
		if err := checkID("announcement", id); err != nil {
			return err
		}
		if state == "" {
			now, err := p.service.Courses.Announcements.Get(p.course, id).Context(ctx).Fields("id", "state").Do()
			if err != nil || now.State != draft {
				return err
			}
		}
		state = "" // if this fails, look before the next try
		_, err := p.service.Courses.Announcements.Patch(p.course, id, &classroom.Announcement{State: published}).
			UpdateMask("state").Context(ctx).Fields("id", "state").Do()
		var answer *googleapi.Error
		if errors.As(err, &answer) && answer.Code == http.StatusBadRequest && slices.Contains([]string{"failedPrecondition", "FAILED_PRECONDITION"}, reasonOf(answer)) {
			return fmt.Errorf("it was deleted meanwhile: %w", ErrNotFound)
		}
		return err
	})
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}
