package simulate

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"
)

// size is the capacity that Terraform gives a deployment.
type size struct {
	MaxMerges, Parallelism, MergeCPU int
	Users                            int // of Drive that upload
	Stage, Upload, Link              pool
	Claim, Recover, Standby, Sweep   time.Duration // between two runs
}

// pool is the capacity of a service: its instances, their concurrent requests, and their resources.
type pool struct {
	Instances, Concurrency int
	CPU, GiB               float64
}

func (p pool) places() int {
	return p.Instances * p.Concurrency
}

// readSize reads terraform/examples/NAME.tfvars and the modules of terraform/main.tf below root.
func readSize(root, name string) (size, error) {
	vars, err := os.ReadFile(filepath.Join(root, "terraform", "examples", name+".tfvars"))
	if err != nil {
		return size{}, fmt.Errorf("read the size: %w", err)
	}
	flow, err := os.ReadFile(filepath.Join(root, "terraform", "main.tf"))
	if err != nil {
		return size{}, fmt.Errorf("read the flow: %w", err)
	}
	var r reader
	s := size{
		MaxMerges:   r.number(vars, "max_merges", 0),
		Parallelism: r.number(vars, "merge_parallelism", 0),
		MergeCPU:    r.number(vars, "merge_cpu", 4),
		Stage:       r.pool(vars, flow, "stage"),
		Upload:      r.pool(vars, flow, "upload"),
		Link:        r.pool(vars, flow, "link"),
	}
	s.Users = max(1, bytes.Count(
		regexp.MustCompile(`drive_uploaders\s*=.*`).Find(vars),
		[]byte("@"),
	))
	s.Claim, s.Recover, s.Standby, s.Sweep = r.every(flow, "all"), r.every(flow, "recover"), r.every(flow, "look"), r.every(flow, "sweep")
	return s, r.err
}

// reader reads numbers from HCL formatted by terraform fmt. It keeps the first error.
type reader struct{ err error }

// number returns the number after "name =". If there is none, it returns otherwise; if that is 0, it is an error.
func (r *reader) number(text []byte, name string, otherwise int) int {
	found := regexp.MustCompile(`\b` + name + `\s*=\s*"?(\d+)`).FindSubmatch(text)
	if found == nil {
		if otherwise == 0 && r.err == nil {
			r.err = fmt.Errorf("terraform says nothing of %s", name)
		}
		return otherwise
	}
	n, err := strconv.Atoi(string(found[1]))
	if err != nil && r.err == nil {
		r.err = err
	}
	return n
}

func (r *reader) pool(vars, flow []byte, name string) pool {
	module := regexp.MustCompile(`(?s)module "` + name + `" \{.*?\n\}`).Find(flow)
	p := pool{
		Instances:   r.number(vars, name, 0),
		Concurrency: r.number(module, "concurrency", 0),
		CPU:         float64(r.number(module, "cpu", 1)),
		GiB:         0.5,
	}
	if gib := regexp.MustCompile(`memory\s*=\s*"(\d+)Gi"`).FindSubmatch(module); gib != nil {
		p.GiB, _ = strconv.ParseFloat(string(gib[1]), 64) // digits
	}
	return p
}

// every returns the time between two runs of a schedule.
func (r *reader) every(flow []byte, schedule string) time.Duration {
	found := regexp.MustCompile(`\b` + schedule + `\s*= \{ cron = "\*(?:/(\d+))? `).FindSubmatch(flow)
	if found == nil {
		r.err = errors.Join(r.err, fmt.Errorf("terraform does not schedule %s", schedule))
		return time.Hour
	}
	minutes, _ := strconv.Atoi(string(found[1])) // digits, or none: every minute
	return time.Duration(max(minutes, 1)) * time.Minute
}
