package rangeproxy

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// sendAheadBytes bounds how much of an open-ended range the kernel buffers before
// FFmpeg closes the connection to seek.
const sendAheadBytes = 128 << 10

// sparseAheadBytes bounds the same of an object whose bytes lie far apart in a file: of sound alone, which has a
// fraction of the bytes of its file.
const sparseAheadBytes = 8 << 10

// Proxy serves objects to FFmpeg on loopback by range. FFmpeg sees a random path
// and a number, but no name, token or bucket.
type Proxy struct {
	server *http.Server
	base   string
	// failed receives the error with which serving ended.
	failed chan error

	mu     sync.Mutex
	served map[int]*Served
	next   int
}

// connection is the key of a request's connection in its context.
type connection struct{}

// boundBuffer bounds how much the kernel buffers for the reader of a request.
func boundBuffer(ctx context.Context, bytes int) {
	if tcp, ok := ctx.Value(connection{}).(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(bytes) // a bound on waste, not on correctness
	}
}

// Served is an object with its URL, for as long as one process reads it.
type Served struct {
	URL string

	object Object
	proxy  *Proxy
	index  int
	ahead  int // bytes that may be buffered at either side
	// bytes counts what was read for FFmpeg, pending the reads of the storage under way.
	bytes   atomic.Int64
	pending atomic.Int64
	mu      sync.Mutex
	err     error
}

// Location returns the URL.
func (s *Served) Location() string {
	return s.URL
}

// ReadAhead returns how many bytes the reader should buffer, at most.
func (s *Served) ReadAhead() int { return s.ahead }

// Progress returns how many bytes have been read for FFmpeg, and reports whether a read of the storage
// is pending.
func (s *Served) Progress() (bytes int64, waiting bool) {
	return s.bytes.Load(), s.pending.Load() > 0
}

// Listen starts a proxy on a free port of 127.0.0.1. It must be closed.
func Listen(ctx context.Context) (*Proxy, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("open a port on loopback for FFmpeg: %w", err)
	}
	secret := rand.Text()
	p := &Proxy{
		base:   "http://" + listener.Addr().String() + "/" + secret + "/",
		served: map[int]*Served{},
		failed: make(chan error, 1),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /"+secret+"/{file}", p.serve)
	p.server = &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: 10 * time.Second,
		ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
			return context.WithValue(ctx, connection{}, conn)
		},
	}
	go func() { p.failed <- p.server.Serve(listener) }()
	return p, nil
}

// Close stops the proxy and interrupts pending reads.
func (p *Proxy) Close() error {
	err := p.server.Close()
	if served := <-p.failed; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// Serve serves an object under a URL of its own until it is closed.
func (p *Proxy) Serve(o Object) *Served { return p.add(o, sendAheadBytes) }

// ServeSparse is Serve for an object whose bytes lie far apart in the file behind it: little of it is read ahead.
func (p *Proxy) ServeSparse(o Object) *Served { return p.add(o, sparseAheadBytes) }

func (p *Proxy) add(o Object, ahead int) *Served {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := &Served{
		object: o,
		proxy:  p,
		index:  p.next,
		ahead:  ahead,
		URL:    p.base + strconv.Itoa(p.next) + ".mp4",
	}
	p.served[p.next] = s
	p.next++
	return s
}

// Close removes the object and returns the first error of its storage. After such
// an error, the output of FFmpeg is not reliable.
func (s *Served) Close() error {
	s.proxy.mu.Lock()
	delete(s.proxy.served, s.index)
	s.proxy.mu.Unlock()
	return s.Err()
}

// Err returns the first error of the object's storage so far.
func (s *Served) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// fail keeps the first error.
func (s *Served) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = err
	}
}

// serve handles a request. After an error of the storage it aborts the connection,
// because the length is already promised.
func (p *Proxy) serve(w http.ResponseWriter, r *http.Request) {
	var index int
	if _, err := fmt.Sscanf(r.PathValue("file"), "%d.mp4", &index); err != nil {
		http.NotFound(w, r)
		return
	}
	p.mu.Lock()
	s := p.served[index]
	p.mu.Unlock()
	if s == nil {
		http.NotFound(w, r)
		return
	}
	boundBuffer(r.Context(), s.ahead)
	w.Header().Set("Content-Type", "video/mp4")
	body := io.NewSectionReader(errorRecorder{s}, 0, s.object.Size())
	http.ServeContent(w, r, "", time.Time{}, body)
	if s.Err() != nil {
		// The length is promised already: cutting the connection is the only way left to say no.
		panic(http.ErrAbortHandler)
	}
}

// errorRecorder keeps the errors of the storage behind an object.
type errorRecorder struct{ *Served }

// ReadAt implements [io.ReaderAt].
func (m errorRecorder) ReadAt(p []byte, off int64) (int, error) {
	m.pending.Add(1)
	n, err := m.object.ReadAt(p, off)
	m.pending.Add(-1)
	m.bytes.Add(int64(n))
	if err != nil &&
		(!errors.Is(err, io.EOF) || off+int64(n) < m.object.Size()) {
		m.fail(fmt.Errorf("read a segment at byte %d: %w", off, err))
	}
	return n, err
}
