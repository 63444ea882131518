package storage_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	gcs "cloud.google.com/go/storage"
	"github.com/googleapis/gax-go/v2"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"

	"github.com/nvr-miem/merger/pkg/localcloud/storage"
)

// A test binary with these in its environment is a server, to be killed.
const (
	childDir    = "NVR_TEST_STORAGE_DIR"
	childFolder = "NVR_TEST_STORAGE_FOLDER"
	childListen = "NVR_TEST_STORAGE_LISTEN"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		fmt.Fprintln(os.Stderr, serveChild(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func serveChild(dir string) error {
	server, err := storage.New(storage.Options{
		Dir:     dir,
		Folders: map[string]string{"segments": os.Getenv(childFolder)},
		Now:     time.Now,
	})
	if err == nil {
		err = server.Ensure("work")
	}
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(
		context.Background(),
		"tcp",
		os.Getenv(childListen),
	)
	if err != nil {
		return err
	}
	return (&http.Server{Handler: server, ReadHeaderTimeout: time.Minute}).Serve(listener)
}

// killable is a server in a process of its own.
type killable struct {
	address, dir, folder string
}

func (v *killable) run(t *testing.T) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), self)
	child.Env = append(
		os.Environ(), childDir+"="+v.dir, childFolder+"="+v.folder, childListen+"="+v.address,
	)
	child.Stderr = os.Stderr
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	return child
}

// numbered is data that says of itself which write it was, and whether it is whole.
func numbered(n uint64, size int) []byte {
	return binary.BigEndian.AppendUint64(random(size-8, byte(n)), n)
}

func number(data []byte) (uint64, bool) {
	if len(data) < 8 {
		return 0, false
	}
	n := binary.BigEndian.Uint64(data[len(data)-8:])
	return n, bytes.Equal(data, numbered(n, len(data)))
}

// TestKills writes from several sides while the server is killed and started again, and then
// looks: what was acknowledged is there whole, what was not is there whole or not at all, and
// nothing else is.
func TestKills(t *testing.T) {
	t.Parallel()
	kills := 12
	if testing.Short() {
		kills = 3
	}
	v := &killable{dir: t.TempDir(), folder: t.TempDir()}
	free, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	v.address = free.Addr().String()
	_ = free.Close()
	client, err := gcs.NewClient(
		t.Context(),
		gcs.WithJSONReads(),
		option.WithEndpoint("http://"+v.address+"/storage/v1/"),
		option.WithoutAuthentication(),
	)
	if err != nil {
		t.Fatal(err)
	}
	client.SetRetry(
		gcs.WithErrorFunc(gcs.ShouldRetry),
		gcs.WithBackoff(gax.Backoff{Initial: 5 * time.Millisecond, Max: 50 * time.Millisecond}),
	)
	child := v.run(t)
	ctx, stop := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	var all []*writer
	for i, bucket := range []string{"work", "work", "segments", "segments"} {
		w := &writer{
			bucket: client.Bucket(bucket),
			folder: fmt.Sprint("w", i),
			acked:  map[string]uint64{},
		}
		all = append(all, w)
		writers.Go(func() { w.run(ctx) })
	}
	dice := rand.New(rand.NewPCG(1, 2))
	for range kills {
		<-time.After(time.Duration(50+dice.IntN(250)) * time.Millisecond)
		_ = child.Process.Kill()
		_ = child.Wait()
		child = v.run(t)
	}
	<-time.After(200 * time.Millisecond)
	stop()
	writers.Wait()
	_ = child.Process.Kill()
	_ = child.Wait()
	child = v.run(t)
	for _, w := range all {
		w.check(t)
	}
	_ = child.Process.Kill()
	_ = child.Wait()
	// What a new server keeps: two files an object, or one in the folder and perhaps one about
	// it.
	server := open(t, v.dir, v.folder)
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	left := files(
		t, filepath.Join(v.dir, "work", "data"),
	) - files(
		t, filepath.Join(v.dir, "work", "objects"),
	) - files(t, filepath.Join(v.dir, "work", "uploads"))
	if left > 0 {
		t.Errorf("%d files with data of no object", left)
	}
}

// writer makes objects, replaces one again and again, and composes.
type writer struct {
	bucket *gcs.BucketHandle
	folder string
	acked  map[string]uint64 // what is known to be written: name → number
	tried  uint64
}

func (w *writer) run(ctx context.Context) {
	latest, generation := w.folder+"/latest", int64(0)
	for ctx.Err() == nil {
		w.tried++
		condition := gcs.Conditions{DoesNotExist: true}
		name := fmt.Sprintf("%s/%d", w.folder, w.tried)
		if w.tried%2 == 0 {
			name = latest
			if generation != 0 {
				condition = gcs.Conditions{GenerationMatch: generation}
			}
		}
		attrs, err := put(
			ctx,
			w.bucket.Object(name).If(condition),
			numbered(w.tried, 100_000+int(w.tried%4)*200_000),
			256<<10,
		)
		if err == nil {
			w.acked[name] = w.tried
		}
		if name == latest {
			if err != nil { // an answer was lost: look how it stands
				attrs, err = w.bucket.Object(name).Attrs(ctx)
			}
			if err == nil {
				generation = attrs.Generation
			}
		}
		if w.tried%5 == 0 {
			_, _ = w.bucket.Object(name+".joined").If(gcs.Conditions{DoesNotExist: true}).ComposerFrom(
				w.bucket.Object(name), w.bucket.Object(latest),
			).Run(ctx)
		}
	}
}

func (w *writer) check(t *testing.T) {
	t.Helper()
	objects := w.bucket.Objects(t.Context(), &gcs.Query{Prefix: w.folder + "/"})
	found := map[string]bool{}
	for {
		attrs, err := objects.Next()
		if errors.Is(err, iterator.Done) {
			break
		}
		if err != nil {
			t.Fatalf("list what %s wrote: %v", w.folder, err)
		}
		found[attrs.Name] = true
		r, err := w.bucket.Object(attrs.Name).NewReader(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var data bytes.Buffer
		_, err = data.ReadFrom(r) // the client compares the sum
		if err = errors.Join(err, r.Close()); err != nil || int64(data.Len()) != attrs.Size {
			t.Errorf("%s: %d bytes of %d, %v", attrs.Name, data.Len(), attrs.Size, err)
		}
		if filepath.Ext(attrs.Name) == ".joined" {
			continue
		}
		if n, whole := number(data.Bytes()); !whole || n < w.acked[attrs.Name] || n > w.tried {
			t.Errorf(
				"%s: write %d, whole %v, after %d was acknowledged",
				attrs.Name,
				n,
				whole,
				w.acked[attrs.Name],
			)
		}
	}
	for name := range w.acked {
		if !found[name] {
			t.Errorf("%s was acknowledged and is not there", name)
		}
	}
	t.Logf("%s: %d writes, %d objects", w.folder, w.tried, len(found))
}
