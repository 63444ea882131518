package rangeproxy

import (
	"errors"
	"io"
	"sync"
)

// The window of a [Shared] object: pictures and sound of one file are read by two processes that
// stay within a second or two of each other.
const (
	// blockBytes and blockCount define the window of a [Shared] object. Pictures
	// and sound of one file are read by two processes that stay within a second or
	// two of each other.
	blockBytes = 256 << 10
	blockCount = 32
)

// Shared caches the last blocks read from an object, so that several readers side
// by side fetch each byte once. It is safe for concurrent use.
type Shared struct {
	Object

	mu     sync.Mutex
	blocks map[int64]*block
	// clock grows with every use. The least recently used block is evicted first.
	clock int64
}

type block struct {
	once sync.Once
	data []byte
	err  error
	used int64
}

// Share returns a cached view of an object.
func Share(o Object) *Shared {
	return &Shared{Object: o, blocks: map[int64]*block{}}
}

// ReadAt implements [io.ReaderAt].
func (s *Shared) ReadAt(p []byte, off int64) (int, error) {
	read := 0
	for read < len(p) {
		at := off + int64(read)
		if at >= s.Size() {
			return read, io.EOF
		}
		b := s.block(at / blockBytes)
		b.once.Do(func() { b.data, b.err = s.fetch(at / blockBytes) })
		if b.err != nil {
			s.forget(at/blockBytes, b)
			return read, b.err
		}
		read += copy(p[read:], b.data[at%blockBytes:])
	}
	return read, nil
}

// fetch reads one block from the object.
func (s *Shared) fetch(index int64) ([]byte, error) {
	from := index * blockBytes
	data := make([]byte, min(blockBytes, s.Size()-from))
	n, err := s.Object.ReadAt(data, from)
	if n == len(data) && errors.Is(err, io.EOF) {
		err = nil
	}
	return data, err
}

// block returns a block, and evicts another if the cache is full.
func (s *Shared) block(index int64) *block {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock++
	b := s.blocks[index]
	if b == nil {
		if len(s.blocks) >= blockCount {
			s.evict()
		}
		b = &block{}
		s.blocks[index] = b
	}
	b.used = s.clock
	return b
}

// evict removes the least recently used block.
func (s *Shared) evict() {
	oldest := int64(-1)
	used := s.clock
	for index, b := range s.blocks {
		if b.used < used {
			oldest = index
			used = b.used
		}
	}
	delete(s.blocks, oldest)
}

// forget removes a block that could not be read, so that the next reader retries.
func (s *Shared) forget(index int64, b *block) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.blocks[index] == b {
		delete(s.blocks, index)
	}
}
