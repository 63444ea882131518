package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/metrics"
	"strconv"
	"syscall"
	"time"

	"github.com/nvr-miem/merger/pkg/app"
	"github.com/nvr-miem/merger/pkg/bucket"
	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/merge"
	"github.com/nvr-miem/merger/pkg/merge/probe"
	"github.com/nvr-miem/merger/pkg/merge/render"
	"github.com/nvr-miem/merger/pkg/mp4"
	"github.com/nvr-miem/merger/pkg/pipeline"
	"github.com/nvr-miem/merger/pkg/rangeproxy"
)

// underLoad in the environment names the folder of a load test: every process of its serve answers there
// how much it holds, and its tasks take their parts from there instead of rendering them.
const underLoad = "NVR_TEST_LOAD"

// beforeLoad is what a process of a load test does before it is the command, or in its place.
func beforeLoad(dir string) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	if len(os.Args) > 1 && os.Args[1] == "task" {
		err := fakeTask(ctx, dir)
		stop()
		if err != nil {
			os.Exit(exitFailed)
		}
		os.Exit(exitDone)
	}
	stop()
	if err := answerHolding(dir); err != nil {
		panic(err)
	}
}

// fakeTask is a task of the job merge without FFmpeg: it commits the part that was rendered once for all
// records. The rest is the real step, which finds the part there and joins it; the video gets no thumbnail.
func fakeTask(ctx context.Context, dir string) error {
	proxy, err := rangeproxy.Listen(ctx)
	if err != nil {
		return err
	}
	err = app.Task(ctx, os.Stdout, time.Now, func(ctx context.Context, p *app.Process) error {
		p.Tools = &pipeline.Tools{FFmpeg: new(ffmpeg.Tool), Proxy: proxy}
		return putPart(ctx, dir, p)
	})
	return errors.Join(err, proxy.Close())
}

// putPart commits the task's part unless it is there.
func putPart(ctx context.Context, dir string, p *app.Process) error {
	c := p.Config
	name, err := bucket.PlanName(c.Record, c.Digest)
	if err != nil {
		return err
	}
	text, _, err := p.Work.ReadAll(ctx, name, 1<<20)
	if err != nil {
		return err
	}
	plan, err := merge.ReadPlan(text)
	if err != nil {
		return err
	}
	part, media, err := partOfAll(ctx, dir, plan, p.Segments)
	if err != nil {
		return err
	}
	payload, err := bucket.MediaName(c.Record, rand.Text())
	if err != nil {
		return err
	}
	object, err := p.Work.CreateBytes(ctx, payload, "application/octet-stream", nil, media)
	if err != nil {
		return err
	}
	if name, err = bucket.PartName(c.Record, plan.SliceDigest(c.TaskIndex)); err != nil {
		return err
	}
	text, err = json.Marshal(map[string]any{
		"media":      payload,
		"generation": object.Generation,
		"part":       part,
	})
	if err != nil {
		return err
	}
	if _, err = p.Work.CreateBytes(ctx, name, "application/json", nil, text); errors.Is(err, bucket.ErrExists) {
		return nil // a task that is tried again
	}
	return err
}

// partOfAll is the part that all records of a load test are given: all are of the same minute. The first
// one's task renders it.
func partOfAll(ctx context.Context, dir string, plan *merge.Plan, segments *bucket.Bucket) (*mp4.Part, []byte, error) {
	tables, payload := filepath.Join(dir, "part.json"), filepath.Join(dir, "part")
	if _, err := os.Stat(tables); errors.Is(err, os.ErrNotExist) {
		if err := renderPart(ctx, tables, payload, plan, segments); err != nil {
			return nil, nil, err
		}
	}
	text, err := os.ReadFile(tables)
	if err != nil {
		return nil, nil, err
	}
	part := new(mp4.Part)
	if err := json.Unmarshal(text, part); err != nil {
		return nil, nil, err
	}
	media, err := os.ReadFile(payload)
	return part, media, err
}

func renderPart(ctx context.Context, tables, payload string, plan *merge.Plan, segments *bucket.Bucket) error {
	tool, err := ffmpeg.Find(ctx)
	if err != nil {
		return err
	}
	proxy, err := rangeproxy.Listen(ctx)
	if err != nil {
		return err
	}
	plan.Bind(func(ctx context.Context, path, generation string) (merge.Bytes, error) {
		number, err := strconv.ParseInt(generation, 10, 64)
		if err != nil {
			return nil, err
		}
		return segments.Open(ctx, path, number)
	})
	media, err := os.Create(payload)
	if err != nil {
		return err
	}
	prober := &probe.Prober{Tool: tool, Proxy: proxy, Meter: new(rangeproxy.Meter)}
	part, err := render.Slice(ctx, prober, i18n.Default(), plan, 0, media, nil)
	if err = errors.Join(err, media.Close(), proxy.Close()); err != nil {
		return err
	}
	text, err := json.Marshal(part)
	if err != nil {
		return err
	}
	return os.WriteFile(tables, text, 0o600)
}

// holding is how much a process holds, and what it has taken, with its children that have ended.
type holding struct {
	Name       string // serve, or the function
	CPU        time.Duration
	RSS        int64 // bytes
	Heap       int64 // bytes that lived through the last collection
	Goroutines int64
}

// answerHolding lets the process answer, on a socket of its own, how much it holds; what grows is found by
// its profiles, at /debug/pprof/ of the same socket.
func answerHolding(dir string) error {
	listener, err := net.Listen("unix", filepath.Join(dir, strconv.Itoa(os.Getpid())+".sock"))
	if err != nil {
		return err
	}
	name := os.Getenv("FUNCTION_TARGET")
	if name == "" {
		name = "serve"
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		samples := []metrics.Sample{
			{Name: "/gc/heap/live:bytes"},
			{Name: "/sched/goroutines:goroutines"},
		}
		metrics.Read(samples)
		_ = json.NewEncoder(w).Encode(holding{
			Name:       name,
			CPU:        cpuTime(),
			RSS:        treeRSS(os.Getpid(), ""),
			Heap:       int64(samples[0].Value.Uint64()),
			Goroutines: int64(samples[1].Value.Uint64()),
		})
	})
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	go func() { _ = http.Serve(listener, mux) }() // until the process ends
	return nil
}

// holdings asks every process of a load test that lives.
func holdings(dir string) (all []holding, err error) {
	sockets, err := filepath.Glob(filepath.Join(dir, "*.sock"))
	if err != nil {
		return nil, err
	}
	for _, socket := range sockets {
		client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "unix", socket)
			},
		}}
		answer, err := client.Get("http://process/")
		if err != nil {
			return nil, err
		}
		text, err := io.ReadAll(answer.Body)
		if err := errors.Join(err, answer.Body.Close()); err != nil {
			return nil, err
		}
		var h holding
		if err := json.Unmarshal(text, &h); err != nil {
			return nil, err
		}
		all = append(all, h)
	}
	return all, nil
}
