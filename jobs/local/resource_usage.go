package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nvr-miem/merger/pkg/app"
	"github.com/nvr-miem/merger/pkg/merge"
	"github.com/nvr-miem/merger/pkg/report"
)

// meter measures what a merge costs: the time of this process and its children, and the most memory
// that they held together.
type meter struct {
	started time.Time
	cpu     time.Duration // spent before the merge
	quit    chan struct{}
	once    sync.Once
	done    sync.WaitGroup
	peak    int64
}

// sampleEvery is how often memory is looked at.
const sampleEvery = 500 * time.Millisecond // looking takes a millisecond of CPU time or two

func startMeter() *meter {
	m := &meter{
		started: time.Now(),
		cpu:     cpuTime(),
		quit:    make(chan struct{}),
	}
	m.done.Go(func() {
		ticker := time.NewTicker(sampleEvery)
		defer ticker.Stop()
		for {
			m.peak = max(m.peak, treeRSS(os.Getpid(), ""))
			select {
			case <-ticker.C:
			case <-m.quit:
				return
			}
		}
	})
	return m
}

// end ends the measurement; it may be called again.
func (m *meter) end() {
	m.once.Do(func() { close(m.quit) })
	m.done.Wait()
}

// stop ends the measurement and gives the result. Children count when they have ended.
func (m *meter) stop(engine *merge.Engine) report.Cost {
	m.end()
	return report.Cost{
		CPU:      report.Number((cpuTime() - m.cpu).Seconds()),
		Wall:     report.Number(time.Since(m.started).Seconds()),
		PeakRSS:  m.peak,
		Read:     engine.Rendering.Bytes(),
		Analysis: engine.Analysis.Bytes(),
	}
}

// cpuTime returns the CPU time of this process and of the children that it has waited for.
func cpuTime() time.Duration {
	cpu, _ := app.ResourceUsage()
	return cpu
}

// treeRSS is the resident memory of a process and all below it, in bytes. A process that ends while
// it is looked at counts as none, and so does a child that still runs its parent's program: until it
// has started its own it shares the parent's memory.
func treeRSS(pid int, parent string) int64 {
	proc := filepath.Join("/proc", strconv.Itoa(pid))
	program, err := os.Readlink(filepath.Join(proc, "exe"))
	if err != nil || program == parent {
		return 0
	}
	statm, err := os.ReadFile(filepath.Join(proc, "statm")) // #nosec G304 -- /proc
	if err != nil {
		return 0
	}
	sum := int64(0)
	if fields := strings.Fields(string(statm)); len(fields) > 1 {
		pages, _ := strconv.ParseInt(fields[1], 10, 64)
		sum = pages * int64(os.Getpagesize())
	}
	lists, _ := filepath.Glob(filepath.Join(proc, "task", "*", "children"))
	for _, list := range lists {
		children, err := os.ReadFile(list) // #nosec G304 -- /proc
		if err != nil {
			continue
		}
		for _, child := range strings.Fields(string(children)) {
			if id, err := strconv.Atoi(child); err == nil {
				sum += treeRSS(id, program)
			}
		}
	}
	return sum
}
