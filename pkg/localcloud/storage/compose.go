package storage

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	raw "google.golang.org/api/storage/v1"
)

const composeSources = 32 // the most that one compose takes

// source is an open object that a compose or a rewrite copies from.
type source struct {
	*object
	bytes content
}

// compose answers objects.compose: it joins up to 32 objects into one.
func (b *bucket) compose(c *call) error {
	name, k, err := b.named(c, "destinationObject")
	if err != nil {
		return err
	}
	var wanted raw.ComposeRequest
	if err := c.decode(&wanted); err != nil {
		return err
	}
	switch n := len(wanted.SourceObjects); {
	case n == 0:
		return &failure{400, "required", "You must provide at least one source component."}
	case n > composeSources:
		return invalid(
			"The number of source components provided (%d) exceeds the maximum (%d)",
			n,
			composeSources,
		)
	}
	want := c.conditions("if", "")
	if err := precheck(k, name, want); err != nil {
		return err
	}
	sent := &raw.Object{}
	if wanted.Destination != nil {
		sent = wanted.Destination
	}
	o := draft(name, sent)
	sources, err := b.sources(wanted.SourceObjects)
	defer func() {
		for _, s := range sources {
			_ = s.bytes.Close()
		}
	}()
	if err != nil {
		return err
	}
	sums, err := join(k, &o, sources)
	if err != nil {
		return err
	}
	if sent.Crc32c != "" && sent.Crc32c != crcText(sums.crc) {
		err = invalid(
			"Provided CRC32C %q doesn't match calculated CRC32C %q.",
			sent.Crc32c,
			crcText(sums.crc),
		)
	}
	if err == nil {
		err = b.commit(c, k, o, sums, want)
	}
	if err != nil {
		_ = os.Remove(k.dataPath(o.Data)) // otherwise the next start removes it
		return err
	}
	if wanted.DeleteSourceObjects {
		for _, s := range sources {
			generation := s.Generation
			if from, err := b.backend(s.Name); err == nil {
				// Google says nothing about it either
				_ = from.remove(s.Name, conditions{Generation: &generation}, b.name)
			}
		}
	}
	return nil
}

// sources opens the generations that a compose reads. The caller closes those that were opened,
// also after an error.
func (b *bucket) sources(named []*raw.ComposeRequestSourceObjects) ([]source, error) {
	var sources []source
	for _, n := range named {
		k, err := b.backend(n.Name)
		if err != nil {
			return sources, err
		}
		var want conditions
		if n.Generation != 0 {
			want.Generation = &n.Generation
		}
		if n.ObjectPreconditions != nil {
			want.Match = &n.ObjectPreconditions.IfGenerationMatch
		}
		o, bytes, err := k.open(n.Name, want, b.name)
		if err != nil {
			return sources, err
		}
		sources = append(sources, source{o, bytes})
	}
	return sources, nil
}

// join copies sources one after the other into the file that becomes o. The checksum is that of the bytes which
// were read, so that a source whose bytes have changed on the disk shows in it.
func join(k backend, o *object, sources []source) (*sums, error) {
	file, data, err := k.temp()
	if err != nil {
		return nil, err
	}
	total := &sums{}
	o.Data, o.Components = data, 0
	to := struct{ io.Writer }{io.MultiWriter(file, total)}
	buffer := make([]byte, copyBytes)
	for _, s := range sources {
		n, err := io.CopyBuffer(to, struct{ io.Reader }{s.bytes}, buffer)
		if err == nil && n != s.Size {
			err = fmt.Errorf("%d bytes of %d", n, s.Size)
		}
		if err != nil {
			return nil, errors.Join(
				fmt.Errorf("copy %q: %w", s.Name, err), file.Close(), os.Remove(k.dataPath(data)),
			)
		}
		o.Components += max(s.Components, 1)
	}
	if err := file.Close(); err != nil {
		return nil, errors.Join(err, os.Remove(k.dataPath(data)))
	}
	return total, nil
}

// rewrite answers objects.rewrite and objects.copy: it copies an object within a bucket or to
// another one.
func (b *bucket) rewrite(c *call, to *bucket) error {
	name, from, err := b.named(c, "sourceObject")
	if err != nil {
		return err
	}
	target, k, err := to.named(c, "destinationObject")
	if err != nil {
		return err
	}
	sent := &raw.Object{}
	if err := c.decode(sent); err != nil {
		return err
	}
	want := c.conditions("if", "")
	if err := precheck(k, target, want); err != nil {
		return err
	}
	old, bytes, err := from.open(name, c.conditions("ifSource", "sourceGeneration"), b.name)
	if err != nil {
		return err
	}
	defer func() { _ = bytes.Close() }()
	o := draft(target, sent)
	if o.Attributes == (attributes{}) && o.Metadata == nil {
		o.Attributes = old.Attributes
		o.Metadata = old.Metadata // the request names none
	}
	sums, err := join(k, &o, []source{{old, bytes}})
	if err != nil {
		return err
	}
	o.Size = sums.size
	o.CRC32C = &sums.crc
	o.MD5 = old.MD5
	o.Components = old.Components
	made, err := k.commit(o, want)
	if err != nil {
		_ = os.Remove(k.dataPath(o.Data)) // otherwise the next start removes it
		return err
	}
	resource := made.resource(to.name, c.self())
	if c.method.ID == "objects.copy" {
		return c.answer(resource)
	}
	size := strconv.FormatInt(made.Size, 10)
	return c.answer(map[string]any{
		"kind":                "storage#rewriteResponse",
		"done":                true,
		"resource":            resource,
		"totalBytesRewritten": size,
		"objectSize":          size,
	})
}
