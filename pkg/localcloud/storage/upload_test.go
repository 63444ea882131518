package storage_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// begin starts a resumable upload and gives its address.
func (c *cloud) begin(t testing.TB, query, metadata string) string {
	t.Helper()
	status, header, answer := c.call(
		t, "POST", "/upload/storage/v1/b/work/o?uploadType=resumable&"+query, metadata,
	)
	if status != 200 || header.Get("Location") == "" {
		t.Fatalf("start an upload: %d %s", status, answer)
	}
	return header.Get("Location")
}

func TestResumableUploads(t *testing.T) {
	t.Parallel()
	const grain = 256 << 10
	data := string(random(grain*2+1000, 1))
	for _, restarts := range []bool{false, true} {
		c := start(t)
		at := c.begin(t, "name=a", `{"contentType":"video/mp4"}`)
		chunk := func(body, span string, want int, wantRange string, header ...string) string {
			t.Helper()
			if restarts {
				c.restart(t)
			}
			status, got, answer := c.call(
				t,
				"PUT",
				at,
				body,
				append(header, "Content-Range", span)...,
			)
			if status != want || got.Get("Range") != wantRange {
				t.Errorf(
					"%s: %d %q, want %d %q: %s", span, status, got.Get("Range"), want, wantRange, answer,
				)
			}
			return answer
		}
		chunk("", "bytes */*", 308, "")
		chunk(
			data[:grain],
			fmt.Sprintf("bytes 0-%d/*", grain-1),
			308,
			fmt.Sprintf("bytes=0-%d", grain-1),
		)
		chunk("", "bytes */*", 308, fmt.Sprintf("bytes=0-%d", grain-1))
		// no multiple of 256 KiB
		chunk(data[:100], "bytes 0-99/*", 400, "")
		// a gap
		chunk(
			data[2*grain:],
			fmt.Sprintf("bytes %d-%d/%d", 2*grain, len(data)-1, len(data)),
			400,
			"",
		)
		// sent again, with more
		chunk(
			data[:2*grain],
			fmt.Sprintf("bytes 0-%d/*", 2*grain-1),
			308,
			fmt.Sprintf("bytes=0-%d", 2*grain-1),
		)
		// all of it known
		chunk(
			data[:grain],
			fmt.Sprintf("bytes 0-%d/*", grain-1),
			308,
			fmt.Sprintf("bytes=0-%d", 2*grain-1),
		)
		// asking finishes nothing
		chunk("", fmt.Sprintf("bytes */%d", len(data)), 308, fmt.Sprintf("bytes=0-%d", 2*grain-1))
		// the last
		chunk(
			data[2*grain:],
			fmt.Sprintf("bytes %d-%d/%d", 2*grain, len(data)-1, len(data)),
			200,
			"",
		)
		// its answer was lost
		answer := chunk("", fmt.Sprintf("bytes */%d", len(data)), 200, "")
		// or it is sent again
		answer2 := chunk(
			data[2*grain:], fmt.Sprintf("bytes %d-%d/%d", 2*grain, len(data)-1, len(data)), 200, "",
		)
		if !strings.Contains(answer, `"contentType":"video/mp4"`) || answer != answer2 {
			t.Errorf("the object came as %s, then %s", answer, answer2)
		}
		same(t, "the object", c.read(t, c.object("work", "a")), []byte(data))
	}
}

func TestUploadsThatEnd(t *testing.T) {
	t.Parallel()
	c := start(t)
	no308 := []string{"X-GUploader-No-308", "yes"}
	at := c.begin(t, "name=a&ifGenerationMatch=0", "")
	if status, header, _ := c.call(
		t, "POST", at, "", append(no308, "Content-Range", "bytes */*")...,
	); status != 200 || header.Get("X-Http-Status-Code-Override") != "308" {
		t.Errorf("without 308: %d %v", status, header)
	}
	c.put(t, "work", "a", []byte("written meanwhile"))
	if status, _, answer := c.call(t, "POST", at, "data", "Content-Range", "bytes 0-3/4"); status != 412 {
		t.Errorf("the condition failed meanwhile: %d %s", status, answer)
	}
	if status, _, _ := c.call(t, "POST", at, "data", "Content-Range", "bytes 0-3/4"); status != 410 {
		t.Errorf("after that: %d", status)
	}
	if status, _, _ := c.call(
		t, "POST", "/upload/storage/v1/b/work/o?uploadType=resumable&name=a&ifGenerationMatch=0", "",
	); status != 412 {
		t.Errorf("start with a condition that fails: %d", status)
	}
	at = c.begin(t, "name=b", "")
	if status, _, answer := c.call(
		t, "POST", at, "data", "Content-Range", "bytes 0-3/4", "X-Goog-Hash", "crc32c=AAAAAA==",
	); status != 400 {
		t.Errorf("another sum: %d %s", status, answer)
	}
	at = c.begin(t, "name=b", `{"md5Hash":"AAAAAAAAAAAAAAAAAAAAAA=="}`)
	if status, _, answer := c.call(t, "POST", at, "data", "Content-Range", "bytes 0-3/4"); status != 400 {
		t.Errorf("another MD5: %d %s", status, answer)
	}
	at = c.begin(t, "name=b", "")
	if status, _, _ := c.call(t, "DELETE", at, ""); status != 499 {
		t.Errorf("end an upload: %d", status)
	}
	if status, _, _ := c.call(t, "PUT", at, "data"); status != 410 {
		t.Errorf("go on with it: %d", status)
	}
	at = c.begin(t, "name=c", "")
	if status, _, answer := c.call(t, "PUT", at, "in one request"); status != 200 {
		t.Errorf("without Content-Range: %d %s", status, answer)
	}
	for _, span := range []string{
		"bytes", "bytes 0-3", "bytes 3-0/9", "bytes 0-9/4", "bytes x-3/4", "bytes -1-3/4", "bytes */x", "0-3/4",
	} {
		at = c.begin(t, "name=d", "")
		if status, _, answer := c.call(t, "PUT", at, "data", "Content-Range", span); status != 400 {
			t.Errorf("%q: %d %s", span, status, answer)
		}
	}
	if names := c.names(t, "work", nil, 0); strings.Join(names, " ") != "a c" {
		t.Errorf("the bucket holds %v", names)
	}
}

// TestCommittedBeforeDeath kills the server between the commit of an upload and its being
// forgotten: whatever is asked of the upload then, the object stays.
func TestCommittedBeforeDeath(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, method, body, span string
		want                     int
	}{
		{"asked", "PUT", "", "bytes */4", 200},
		{"sent again", "PUT", "data", "bytes 0-3/4", 200},
		{"ended", "DELETE", "", "", 200}, // too late
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := start(t)
			at := c.begin(t, "name=a&ifGenerationMatch=0", "")
			known, err := filepath.Glob(filepath.Join(c.dir, "work", "uploads", "*.json"))
			if err != nil || len(known) != 1 {
				t.Fatalf("the uploads are %v: %v", known, err)
			}
			text, err := os.ReadFile(known[0])
			if err != nil {
				t.Fatal(err)
			}
			if status, _, answer := c.call(
				t, "PUT", at, "data", "Content-Range", "bytes 0-3/4",
			); status != 200 {
				t.Fatalf("finish the upload: %d %s", status, answer)
			}
			// the killed process had not come to removing it
			if err := os.WriteFile(known[0], text, 0o600); err != nil {
				t.Fatal(err)
			}
			c.restart(t)
			if status, _, answer := c.call(
				t, tt.method, at, tt.body, "Content-Range", tt.span,
			); status != tt.want {
				t.Errorf("%d, want %d: %s", status, tt.want, answer)
			}
			c.restart(t)
			same(t, "the object", c.read(t, c.object("work", "a")), []byte("data"))
		})
	}
}

// TestAddressesLeadBack mounts the API below a path: what it hands out leads back there.
func TestAddressesLeadBack(t *testing.T) {
	t.Parallel()
	c := start(t)
	at := c.begin(t, "name=a%2Fb%20c", "")
	if !strings.HasPrefix(at, c.listener.URL+"/upload/storage/v1/b/work/o?") {
		t.Errorf("uploads go to %s", at)
	}
}
