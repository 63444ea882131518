package storage_test

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gcs "cloud.google.com/go/storage"
	"google.golang.org/api/googleapi"
)

func both() []string { return []string{"work", "segments"} }

func TestPreconditions(t *testing.T) {
	t.Parallel()
	for _, bucket := range both() {
		c := start(t)
		a := c.put(t, bucket, "d/a", []byte("one"))
		other := gcs.Conditions{GenerationMatch: a.Generation + 1}
		right := gcs.Conditions{GenerationMatch: a.Generation}
		absent := gcs.Conditions{DoesNotExist: true}
		o := c.object(bucket, "d/a")
		write := func(cond gcs.Conditions) error {
			_, err := put(t.Context(), o.If(cond), []byte("x"), 256<<10)
			return err
		}
		compose := func(dst *gcs.ObjectHandle, sources ...*gcs.ObjectHandle) error {
			_, err := dst.ComposerFrom(sources...).Run(t.Context())
			return err
		}
		for _, tt := range []struct {
			what string
			want int
			call func() error
		}{
			{"create what is there", 412, func() error { return write(absent) }},
			{"replace another generation", 412, func() error { return write(other) }},
			{
				"replace unless", 412, func() error {
					return write(gcs.Conditions{GenerationNotMatch: a.Generation})
				},
			},
			{
				"replace another metadata", 412, func() error {
					return write(gcs.Conditions{MetagenerationMatch: 2})
				},
			},
			{"delete another", 412, func() error { return o.If(other).Delete(t.Context()) }},
			{
				"delete a generation that is not there", 404, func() error {
					return o.Generation(7).Delete(t.Context())
				},
			},
			{
				"read another", 412, func() error {
					_, err := o.If(other).NewReader(t.Context())
					return err
				},
			},
			{
				"read unless",
				304,
				func() error {
					_, err := o.If(gcs.Conditions{GenerationNotMatch: a.Generation}).NewReader(t.Context())
					return err
				},
			},
			{
				"read a generation", 404, func() error {
					_, err := o.Generation(7).NewReader(t.Context())
					return err
				},
			},
			{
				"stat another",
				412,
				func() error { _, err := o.If(other).Attrs(t.Context()); return err },
			},
			{"patch another", 412, func() error {
				_, err := o.If(gcs.Conditions{MetagenerationMatch: 2}).Update(
					t.Context(), gcs.ObjectAttrsToUpdate{ContentType: "a/b"},
				)
				return err
			}},
			{"compose onto", 412, func() error { return compose(o.If(absent), o) }},
			{
				"compose of another", 412, func() error {
					return compose(c.object(bucket, "d/z").If(absent), o.If(other))
				},
			},
			{
				"compose of a generation", 404, func() error {
					return compose(c.object(bucket, "d/z").If(absent), o.Generation(7))
				},
			},
			{
				"compose of nothing there", 404, func() error {
					return compose(c.object(bucket, "d/z").If(absent), c.object(bucket, "d/none"))
				},
			},
			{
				"copy of another", 412, func() error {
					_, err := c.object(bucket, "d/z").CopierFrom(o.If(other)).Run(t.Context())
					return err
				},
			},
			{
				"copy onto", 412, func() error {
					_, err := o.If(absent).CopierFrom(o).Run(t.Context())
					return err
				},
			},
			{"replace", 0, func() error { return write(right) }},
			{"replace again", 412, func() error { return write(right) }},
		} {
			if got := status(t, tt.call()); got != tt.want {
				t.Errorf("%s: %s: %d, want %d", bucket, tt.what, got, tt.want)
			}
		}
		now, err := o.Attrs(t.Context())
		if err != nil || bucket == "work" && now.Generation <= a.Generation ||
			now.Generation == a.Generation {
			t.Errorf(
				"%s: the generation went from %d to %d, %v",
				bucket, a.Generation, now.Generation, err,
			)
		}
		if err := o.If(gcs.Conditions{GenerationMatch: now.Generation}).Delete(t.Context()); err != nil {
			t.Error(err)
		}
		if err := write(absent); err != nil {
			t.Errorf("create after delete: %v", err)
		}
		if got := c.names(t, bucket, nil, 0); !slices.Equal(got, []string{"d/a"}) {
			t.Errorf("%s holds %v", bucket, got)
		}
	}
}

func TestMetadataLives(t *testing.T) {
	t.Parallel()
	for _, bucket := range both() {
		c := start(t)
		data := random(700_000, 1)
		for name, chunk := range map[string]int{
			"d/one":    0,
			"d/more":   256 << 10,
			"d/little": 1 << 20,
		} {
			made, err := put(t.Context(), c.object(bucket, name), data, chunk)
			if err != nil {
				t.Fatal(err)
			}
			if made.CRC32C != crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)) ||
				len(made.MD5) != 16 ||
				made.Size != 700_000 {
				t.Errorf("%s: %+v", name, made)
			}
			_, err = c.object(bucket, name).Update(
				t.Context(),
				gcs.ObjectAttrsToUpdate{
					Metadata:     map[string]string{"Key": "", "new": "1"},
					CacheControl: "no-store",
				},
			)
			if err != nil {
				t.Error(err)
			}
			c.restart(t)
			now, err := c.object(bucket, name).Attrs(t.Context())
			if err != nil || now.Metadata["new"] != "1" || now.ContentType != "text/x" ||
				now.CacheControl != "no-store" ||
				now.Metageneration != 2 ||
				now.Generation != made.Generation || now.CRC32C != made.CRC32C || !slices.Equal(now.MD5, made.MD5) {
				t.Errorf("%s after a restart: %+v, %v", name, now, err)
			}
			same(t, name, c.read(t, c.object(bucket, name)), data)
		}
		copied, err := c.object(bucket, "d/copy").CopierFrom(c.object(bucket, "d/one")).Run(t.Context())
		if err != nil || copied.Metadata["new"] != "1" || copied.ContentType != "text/x" {
			t.Errorf("copy: %+v, %v", copied, err)
		}
		same(t, "copy", c.read(t, c.object(bucket, "d/copy")), data)
	}
}

func TestCopyBetweenBuckets(t *testing.T) {
	t.Parallel()
	c := start(t)
	data := random(1000, 1)
	c.put(t, "work", "a", data)
	if _, err := c.object("segments", "d/b").CopierFrom(c.object("work", "a")).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	same(t, "the copy", c.read(t, c.object("segments", "d/b")), data)
}

func TestComposeLimits(t *testing.T) {
	t.Parallel()
	c := start(t)
	var sources []*gcs.ObjectHandle
	var whole []byte
	for i := range 33 {
		data := random(1000*i, byte(i))
		c.put(t, "work", fmt.Sprint("p", i), data)
		sources = append(sources, c.object("work", fmt.Sprint("p", i)))
		whole = append(whole, data...)
	}
	if _, err := c.object("work", "all").ComposerFrom(sources...).Run(t.Context()); status(t, err) != 400 {
		t.Errorf("33 sources: %v", err)
	}
	made, err := c.object("work", "all").ComposerFrom(sources[:32]...).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	whole = whole[:len(whole)-32_000]
	same(t, "32 sources", c.read(t, c.object("work", "all")), whole)
	if made.ComponentCount != 32 ||
		made.CRC32C != crc32.Checksum(whole, crc32.MakeTable(crc32.Castagnoli)) ||
		len(made.MD5) > 0 {
		t.Errorf("%+v", made)
	}
	for body, want := range map[string]int{
		`{}`:                                400,
		`{"sourceObjects":[]}`:              400,
		`{"sourceObjects":[{"name":""}]}`:   400,
		`{"sourceObjects":[{"name":"p1"}]}`: 200,
		`{"sourceObjects":[{"name":"p1"}],"destination":{"crc32c":"AAAAAA=="}}`:      400,
		`{"sourceObjects":[{"name":"p1","extra":1}]}`:                                400,
		`{"sourceObjects":[{"name":"p5"},{"name":"p6"}],"deleteSourceObjects":true}`: 200,
	} {
		if got, _, answer := c.call(t, "POST", "/storage/v1/b/work/o/dst/compose", body); got != want {
			t.Errorf("%s: %d %s", body, got, answer)
		}
	}
	if got := c.names(t, "work", &gcs.Query{Prefix: "p5"}, 0); slices.Contains(got, "p5") {
		t.Error("deleteSourceObjects left one")
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.put(t, "work", "a", []byte("abc"))
	for _, tt := range []struct {
		method, path, body string
		want               int
		says               string
	}{
		{"GET", "/storage/v1/b/work/o?colour=red", "", 400, "colour"},
		{"GET", "/storage/v1/b/work/o?maxResults=many", "", 400, "maxResults"},
		{"GET", "/storage/v1/b/work/o?projection=most", "", 400, "projection"},
		{"GET", "/storage/v1/b/work/o?pageToken=!", "", 400, "page token"},
		{"GET", "/storage/v1/b/work/o/a?ifGenerationMatch=x", "", 400, "ifGenerationMatch"},
		{"GET", "/storage/v1/b/none/o", "", 404, "The specified bucket does not exist."},
		{"GET", "/storage/v1/b/none/o/a?alt=media", "", 404, "The specified bucket does not exist."},
		{"GET", "/storage/v1/b/work/o/none", "", 404, "No such object: work/none"},
		{"GET", "/storage/v1/b/work/q", "", 404, ""},
		{"GET", "/drive/v3/files", "", 404, ""},
		{"PATCH", "/storage/v1/b/work/o/a", `{"contentTyp":"x"}`, 400, "contentTyp"},
		{"PATCH", "/storage/v1/b/work/o/a", `{"metadata":{"k":1}}`, 400, "metadata"},
		{"PATCH", "/storage/v1/b/work/o/a", `{"size":"x"}`, 400, "size"},
		{"PATCH", "/storage/v1/b/work/o/a", `{`, 400, "Invalid JSON payload received."},
		{"POST", "/storage/v1/b", `{"name":"more"}`, 400, "Required parameter: project"},
		{"POST", "/storage/v1/b?project=p", `{"name":"Work"}`, 400, "bucket name"},
		{"POST", "/storage/v1/b?project=p", `{"name":"work"}`, 409, ""},
		{"POST", "/storage/v1/b?project=p", `{"name":"more"}`, 200, ""},
		{"GET", "/storage/v1/b/more", "", 200, "storage#bucket"},
		{"POST", "/storage/v1/b/work/o", `{"name":"b"}`, 400, ""},
		{"POST", "/upload/storage/v1/b/work/o?uploadType=media", "data", 400, "name"},
		{
			"POST", "/upload/storage/v1/b/work/o?uploadType=media&name=b&predefinedAcl=all", "data", 400, "predefinedAcl",
		},
		{"POST", "/upload/storage/v1/b/work/o?uploadType=media&name=b", "data", 200, `"size":"4"`},
		{"POST", "/upload/storage/v1/b/work/o?uploadType=multipart&name=b", "data", 400, "multipart"},
		{
			"POST", "/upload/storage/v1/b/work/o?uploadType=resumable", `{"name":"c","bucket":"other"}`, 400, "other",
		},
		{"DELETE", "/storage/v1/b/work/o/none", "", 404, ""},
		{"DELETE", "/storage/v1/b/work/o/b", "", 204, ""},
	} {
		got, header, answer := c.call(t, tt.method, tt.path, tt.body)
		if got != tt.want || !strings.Contains(answer, tt.says) {
			t.Errorf("%s %s: %d %s", tt.method, tt.path, got, answer)
		}
		if got >= 400 && !strings.Contains(tt.path, "alt=media") &&
			(!strings.Contains(answer, `"errors":[{`) ||
				!strings.HasPrefix(header.Get("Content-Type"), "application/json")) {
			t.Errorf("%s %s: not Google's form: %s", tt.method, tt.path, answer)
		}
	}
	body := "--b\r\nContent-Type: application/json\r\n\r\n{\"name\":\"m\"}\r\n--b\r\nContent-Type: a/b\r\n\r\ncut off"
	if got, _, answer := c.call(
		t,
		"POST",
		"/upload/storage/v1/b/work/o?uploadType=multipart",
		body,
		"Content-Type",
		"multipart/related; boundary=b",
	); got != 400 {
		t.Errorf("a body that breaks off: %d %s", got, answer)
	}
	if got, _, answer := c.call(
		t,
		"POST",
		"/upload/storage/v1/b/work/o?uploadType=multipart",
		body+"\r\n--b--",
		"Content-Type",
		"multipart/related; boundary=b",
		"X-Goog-Hash",
		"crc32c=AAAAAA==",
	); got != 400 {
		t.Errorf("another sum: %d %s", got, answer)
	}
	if got, _, answer := c.call(
		t,
		"POST",
		"/upload/storage/v1/b/work/o?uploadType=multipart",
		body+"\r\n--b--",
		"Content-Type",
		"multipart/related; boundary=b",
	); got != 200 || !strings.Contains(answer, `"contentType":"a/b"`) {
		t.Errorf("multipart: %d %s", got, answer)
	}
}

func TestRanges(t *testing.T) {
	t.Parallel()
	c := start(t)
	data := "0123456789"
	c.put(t, "work", "a", []byte(data))
	c.put(t, "work", "empty", nil)
	for _, tt := range []struct {
		header, want string
		status       int
		contentRange string
	}{
		{"", data, 200, ""},
		{"bytes=0-0", "0", 206, "bytes 0-0/10"},
		{"bytes=3-", "3456789", 206, "bytes 3-9/10"},
		{"bytes=3-99", "3456789", 206, "bytes 3-9/10"},
		{"bytes=-4", "6789", 206, "bytes 6-9/10"},
		{"bytes=-40", data, 206, "bytes 0-9/10"},
		{"bytes=10-", "", 416, "bytes */10"},
		{"bytes=-0", "", 416, "bytes */10"},
		{"bytes=5-3", data, 200, ""},
		{"bytes=x-3", data, 200, ""},
		{"lines=1-3", data, 200, ""},
	} {
		got, header, answer := c.call(
			t,
			"GET",
			"/storage/v1/b/work/o/a?alt=media",
			"",
			"Range",
			tt.header,
		)
		if got != tt.status || tt.status < 300 && answer != tt.want ||
			header.Get("Content-Range") != tt.contentRange {
			t.Errorf("%q: %d %q %q", tt.header, got, answer, header.Get("Content-Range"))
		}
		if tt.status < 300 &&
			(header.Get("X-Goog-Generation") == "" ||
				!strings.Contains(strings.Join(header["X-Goog-Hash"], ","), "crc32c=")) {
			t.Errorf("%q: %v", tt.header, header)
		}
	}
	if got, _, answer := c.call(
		t, "GET", "/download/storage/v1/b/work/o/empty", "",
	); got != 200 || answer != "" {
		t.Errorf("an empty object: %d %q", got, answer)
	}
	if got, header, _ := c.call(
		t, "HEAD", "/storage/v1/b/work/o/a?alt=media", "",
	); got != 200 || header.Get("Content-Length") != "10" {
		t.Errorf("HEAD: %d, %v", got, header)
	}
}

// TestListsLikeAModel lists random names by all means and compares with what they should give.
func TestListsLikeAModel(t *testing.T) {
	t.Parallel()
	dice := rand.New(rand.NewPCG(5, 5))
	for _, bucket := range both() {
		c := start(t)
		var model []string
		for range 120 {
			parts := make([]string, 1+dice.IntN(3))
			for i := range parts {
				parts[i] = strings.Repeat(
					[]string{"a", "b", "é", "-", "0", "a.b"}[dice.IntN(6)], 1+dice.IntN(2),
				)
			}
			name := strings.Join(parts, "/")
			if slices.Contains(model, name) {
				continue
			}
			_, err := put(t.Context(), c.object(bucket, name), nil, 0)
			// a file where a folder must be, or the reverse
			if bucket == "segments" && err != nil && status(t, err) == 400 {
				continue
			}
			if err != nil {
				t.Fatalf("%q: %v", name, err)
			}
			model = append(model, name)
		}
		slices.Sort(model)
		for range 150 {
			prefix := ""
			if dice.IntN(3) > 0 {
				prefix = model[dice.IntN(len(model))]
				prefix = prefix[:dice.IntN(len(prefix)+1)]
				prefix = strings.ToValidUTF8(prefix, "")
			}
			delimiter := []string{"", "/", "a"}[dice.IntN(3)]
			var want []string
			for _, name := range model {
				rest, ok := strings.CutPrefix(name, prefix)
				if !ok {
					continue
				}
				if head, _, folded := strings.Cut(rest, delimiter); folded && delimiter != "" {
					name = prefix + head + delimiter
				}
				if !slices.Contains(want, name) {
					want = append(want, name)
				}
			}
			got := c.names(
				t,
				bucket,
				&gcs.Query{Prefix: prefix, Delimiter: delimiter},
				1+dice.IntN(40),
			)
			slices.Sort(got) // the client gives a page's prefixes behind its objects
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Fatalf(
					"%s: prefix %q, delimiter %q: %q, want %q",
					bucket, prefix, delimiter, got, want,
				)
			}
		}
	}
}

// TestNamesStayInside puts objects under the worst names: what is taken comes back, and nothing
// is written but where it belongs.
func TestNamesStayInside(t *testing.T) {
	t.Parallel()
	c := start(t)
	for _, name := range []string{
		"..",
		".",
		"../x",
		"../../../../tmp/x",
		"a/../../x",
		"a/..",
		"/etc/passwd",
		"//",
		"a//b",
		"a/",
		"/",
		"a/./b",
		`..\x`,
		"a\x00b",
		"a\nb",
		"a\r",
		"con:",
		"a b",
		" ",
		"%2e%2e/x",
		"..%2fx",
		"é",
		strings.Repeat("я", 512),
		strings.Repeat("x", 1025),
		strings.Repeat("d/", 200) + "x",
		"\xff\xfe",
		"bucket.json",
		"data",
		"objects/x.json",
		".uploads/x",
		".hidden",
		"room/.x",
		"~",
		"a~b",
		"*?",
		"-rf",
		"ж/2026-11-20/ж_24.mp4",
	} {
		for _, bucket := range both() {
			_, err := put(t.Context(), c.object(bucket, name), []byte(name), 0)
			if err != nil {
				var answer *googleapi.Error
				if errors.As(err, &answer) && answer.Code != 400 {
					t.Errorf("%s: %q: %v", bucket, name, err)
				}
				continue
			}
			same(
				t,
				fmt.Sprintf("%s: %q", bucket, name),
				c.read(t, c.object(bucket, name)),
				[]byte(name),
			)
			if bucket == "segments" &&
				(strings.Contains("/"+name+"/", "/../") || strings.Contains("/"+name+"/", "//")) {
				t.Errorf("%q was taken", name)
			}
		}
	}
	for _, dir := range []string{filepath.Dir(c.dir), filepath.Dir(c.folder)} {
		entries, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil || len(entries) > 2 {
			t.Errorf("beside the folders: %v, %v", entries, err)
		}
	}
	c.restart(t)
	for _, bucket := range both() {
		for _, name := range c.names(t, bucket, nil, 0) {
			same(t, name, c.read(t, c.object(bucket, name)), []byte(name))
		}
	}
}

func FuzzRequests(f *testing.F) {
	f.Add("GET", "/storage/v1/b/work/o/..%2F..%2Fx?alt=media", "", "bytes=0-1")
	f.Add("POST", "/upload/storage/v1/b/segments/o?uploadType=media&name=..%2Fx", "data", "")
	f.Add("PUT", "/upload/storage/v1/b/work/o?upload_id=x&name=a", "data", "bytes 0-3/4")
	f.Add("POST", "/storage/v1/b/work/o/a/compose", `{"sourceObjects":[{"name":"a"}]}`, "")
	c := start(f)
	f.Fuzz(func(t *testing.T, method, path, body, span string) {
		r, err := http.NewRequestWithContext(
			t.Context(), method, c.listener.URL+path, strings.NewReader(body),
		)
		if err != nil || r.URL.Host != strings.TrimPrefix(c.listener.URL, "http://") {
			return
		}
		r.Header.Set("Range", span)
		r.Header.Set("Content-Range", span)
		response, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		if response.StatusCode >= 500 {
			t.Errorf("%s %s: %d", method, path, response.StatusCode)
		}
	})
}
