// Command simulate runs the scenarios of package simulate, two at a time, and writes docs/simulation.csv,
// docs/simulation.svg and the tables of docs/simulation.md. docs/simulation-before.csv holds what they came
// to before the design was changed by them.
//
//	simulate [scenario…]     without names: all; with names: the others' rows stay as they are
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/nvr-miem/merger/pkg/simulate"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "simulate:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, names []string) error {
	all := simulate.Scenarios()
	results := make([]*simulate.Result, len(all))
	costs, err := simulate.Measured(".")
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(2)
	for _, i := range slices.Backward(indexes(all)) { // the largest are the last
		if len(names) > 0 && !slices.Contains(names, all[i].Name) {
			continue
		}
		group.Go(func() error {
			began := time.Now()
			r, err := simulate.Run(ctx, all[i], costs, ".")
			if err != nil {
				return err
			}
			results[i] = r
			fmt.Printf("%-18s %6d records, %5.1f %% within 4 h, p50 %v, p99 %v, %d failed (%v)\n", all[i].Name, r.Asked, 100*r.Within,
				r.P50.Round(time.Minute), r.P99.Round(time.Minute), r.Failed, time.Since(began).Round(time.Second))
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return write(all, slices.DeleteFunc(results, func(r *simulate.Result) bool { return r == nil }))
}

func indexes(all []simulate.Scenario) []int {
	list := make([]int, len(all))
	for i := range list {
		list[i] = i
	}
	return list
}

// write brings docs/ up to date; rows of scenarios that were not run stay.
func write(all []simulate.Scenario, results []*simulate.Result) error {
	before, err := read("docs/simulation-before.csv")
	if err != nil {
		return err
	}
	now, err := read("docs/simulation.csv")
	if err != nil {
		return err
	}
	for _, r := range results {
		now[r.Scenario.Name] = r.Row()
	}
	var text bytes.Buffer
	if err := simulate.WriteCSV(&text, all, now); err != nil {
		return err
	}
	const page = "docs/simulation.md"
	doc, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	marks := regexp.MustCompile(`(?s)(<!-- tables: written by make simulate -->\n).*(<!-- end of the tables -->)`)
	if !marks.Match(doc) {
		return errors.New(page + " has lost the marks of its tables")
	}
	doc = marks.ReplaceAllFunc(doc, func(found []byte) []byte {
		parts := marks.FindSubmatch(found)
		return slices.Concat(parts[1], []byte(simulate.Markdown(all, before, now)), parts[2])
	})
	return errors.Join(
		os.WriteFile("docs/simulation.csv", text.Bytes(), 0o600),
		os.WriteFile("docs/simulation.svg", []byte(simulate.SVG(all, before, now)), 0o600),
		os.WriteFile(page, doc, 0o600))
}

// read reads a table; one that is not there is empty.
func read(name string) (map[string]simulate.Row, error) {
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]simulate.Row{}, nil
	}
	if err != nil {
		return nil, err
	}
	return simulate.ReadCSV(bytes.NewReader(text))
}
