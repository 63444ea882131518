package page

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/report"
	"github.com/nvr-miem/merger/pkg/web/httpapi"
)

// showReport is GET /recordings/{id}/report: the report of a merge as a page.
func (s *site) showReport(w http.ResponseWriter, r *http.Request) {
	record, ok := s.Records.Owned(w, r, s.failPage)
	if !ok {
		return
	}
	var body []byte
	var err error
	if s.Report != nil {
		body, err = s.Report(r.Context(), record)
	}
	if err != nil {
		s.serverError(w, r, "read a report", err)
		return
	}
	if len(body) == 0 {
		s.renderMessage(w, r, http.StatusNotFound, "no-report")
		return
	}
	var made report.Report
	if err := json.Unmarshal(body, &made); err != nil {
		s.serverError(w, r, "read a report", err)
		return
	}
	var page bytes.Buffer
	if err := made.HTML(&page, s.localizer(r), nil); err != nil {
		s.serverError(w, r, "write a report", err)
		return
	}
	body, err = s.withLinks(r, page.Bytes(), &record)
	if err != nil {
		s.serverError(w, r, "write a report", err)
		return
	}
	policy := "default-src 'none'; img-src data:; frame-ancestors 'none'; base-uri 'none'; style-src "
	w.Header().Set("Content-Security-Policy", policy+styleHash(body))
	writeHTML(w, http.StatusOK, body)
}

// reportLinks lead from a report to the list that it belongs to, and to the video.
type reportLinks struct {
	ID   int64
	Link string
}

// withLinks adds links to the head of a report's page.
func (s *site) withLinks(r *http.Request, page []byte, record *nvr.Record) ([]byte, error) {
	links := reportLinks{ID: record.ID, Link: webLink(record.Link)}
	if record.Edits.TakenBack != "" {
		links.Link = ""
	}
	html, err := s.execute(s.localizer(r).Language(), "recordings", "report-links", links)
	if err != nil {
		return nil, err
	}
	const head = "<main>\n<header>"
	return bytes.Replace(page, []byte(head), append([]byte(head), html...), 1), nil
}

// styleHash returns the source expression that allows exactly the inline style of a page, and no
// other.
func styleHash(page []byte) string {
	_, rest, _ := bytes.Cut(page, []byte("<style>"))
	style, _, ok := bytes.Cut(rest, []byte("</style>"))
	if !ok {
		return "'none'"
	}
	sum := sha256.Sum256(style)
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// showThumbnail is GET /recordings/{id}/thumbnail.
func (s *site) showThumbnail(w http.ResponseWriter, r *http.Request) {
	record, ok := s.Records.Owned(w, r, s.failPage)
	if !ok {
		return
	}
	var body []byte
	var err error
	if s.Thumbnail != nil {
		body, err = s.Thumbnail(r.Context(), record)
	}
	if err != nil || len(body) == 0 {
		s.failPage(w, r, http.StatusNotFound, "")
		return
	}
	httpapi.WriteTagged(w, r, "image/jpeg", body)
}
