package rangeproxy_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/nvr-miem/merger/pkg/rangeproxy"
)

func object(t *testing.T, size int) (*rangeproxy.File, []byte, string) {
	t.Helper()
	data := make([]byte, size)
	random := rand.NewChaCha8([32]byte{1})
	_, _ = random.Read(data)
	path := filepath.Join(t.TempDir(), "a: 100%'\n.mp4")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := rangeproxy.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	return file, data, path
}

func listen(t *testing.T) *rangeproxy.Proxy {
	t.Helper()
	proxy, err := rangeproxy.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := proxy.Close(); err != nil {
			t.Errorf("close the proxy: %v", err)
		}
	})
	return proxy
}

func fetch(t *testing.T, url, byteRange string) (int, []byte, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if byteRange != "" {
		request.Header.Set("Range", byteRange)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, body, err
}

func TestProxyServesRanges(t *testing.T) {
	t.Parallel()
	file, data, _ := object(t, 1<<20)
	served := listen(t).Serve(file)
	for _, tt := range []struct {
		header string
		status int
		want   []byte
	}{
		{"", 200, data},
		{"bytes=100-199", 206, data[100:200]},
		{"bytes=1048000-", 206, data[1048000:]},
		{"bytes=2000000-", 416, nil},
	} {
		status, body, err := fetch(t, served.URL, tt.header)
		if err != nil || status != tt.status || tt.want != nil && !bytes.Equal(body, tt.want) {
			t.Errorf("%q: status %d, %d bytes, %v", tt.header, status, len(body), err)
		}
	}
	if err := served.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	if status, _, err := fetch(t, served.URL, ""); status != 404 || err != nil {
		t.Errorf("after close: status %d, %v; want 404", status, err)
	}
}

func TestProxyNeverPassesAShortFileForAWholeOne(t *testing.T) {
	t.Parallel()
	file, _, path := object(t, 1<<20)
	served := listen(t).Serve(file)
	if err := os.Truncate(path, 700_000); err != nil {
		t.Fatal(err)
	}
	if _, body, err := fetch(t, served.URL, ""); err == nil {
		t.Errorf("a file cut to 700000 bytes came as %d bytes and no error", len(body))
	}
	if err := served.Close(); !errors.Is(err, rangeproxy.ErrChanged) {
		t.Errorf("close = %v, want ErrChanged", err)
	}
}

func TestSharedFetchesOnce(t *testing.T) {
	t.Parallel()
	file, data, _ := object(t, 3<<20+17)
	var meter rangeproxy.Meter
	shared := rangeproxy.Share(rangeproxy.Metered{Object: file, Meter: &meter})
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			got, err := io.ReadAll(io.NewSectionReader(shared, 0, shared.Size()))
			if err != nil || !bytes.Equal(got, data) {
				t.Errorf("read %d bytes, %v", len(got), err)
			}
		})
	}
	readers.Wait()
	if meter.Bytes() != int64(len(data)) {
		t.Errorf("three readers fetched %d bytes of %d", meter.Bytes(), len(data))
	}
}

func TestOpenFileRefusesFolders(t *testing.T) {
	t.Parallel()
	if _, err := rangeproxy.OpenFile(t.TempDir()); err == nil {
		t.Error("a folder was opened as a segment")
	}
}
