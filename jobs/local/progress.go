package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/nvr-miem/merger/pkg/merge"
)

// progress shows how far a merge is: a bar on a terminal, a plain line every ten seconds elsewhere.
type progress struct {
	out  io.Writer
	rate int  // frames a second, for the speed
	cli  *cli // for texts
	bar  bool
	now  func() time.Time

	mu      sync.Mutex
	phase   merge.Phase
	shown   *progressbar.ProgressBar
	started time.Time
	printed time.Time
}

// plainEvery is how often a plain line is printed.
const plainEvery = 10 * time.Second

func newProgress(out io.Writer, rate int, c *cli) *progress {
	file, ok := out.(*os.File)
	return &progress{
		out:  out,
		rate: rate,
		cli:  c,
		now:  time.Now,
		bar:  ok && term.IsTerminal(int(file.Fd())), // #nosec G115 -- a file descriptor
	}
}

// update shows how far the merge is. The engine calls it from several goroutines.
func (p *progress) update(now merge.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Phase != p.phase {
		p.finish()
		p.phase, p.started, p.printed, p.shown = now.Phase, p.now(), time.Time{}, nil
	}
	if now.Total == 0 {
		return
	}
	if p.bar {
		p.draw(now)
		return
	}
	if p.now().Sub(p.printed) < plainEvery && now.Done < now.Total {
		return
	}
	p.printed = p.now()
	_, _ = fmt.Fprintf(p.out, "%s: %d%%%s\n", p.phaseName(), 100*now.Done/now.Total, p.pace(now))
}

// pace returns the speed of rendering, as a multiple of real time, and the time that remains.
func (p *progress) pace(now merge.Progress) string {
	spent := p.now().Sub(p.started)
	if now.Done == 0 || now.Done == now.Total || spent < time.Second {
		return ""
	}
	left := time.Duration(float64(spent) * float64(now.Total-now.Done) / float64(now.Done)).Round(time.Second)
	if now.Phase != merge.Rendering {
		return ", " + p.cli.t("progress.left", "left", left.String())
	}
	speed := float64(now.Done) / float64(p.rate) / spent.Seconds()
	return fmt.Sprintf(", %.1fx, %s", speed, p.cli.t("progress.left", "left", left.String()))
}

// phaseName returns the phase in the user's language.
func (p *progress) phaseName() string {
	return p.cli.t("stage." + string(p.phase))
}

func (p *progress) draw(now merge.Progress) {
	if p.shown == nil || p.shown.GetMax64() != now.Total {
		p.shown = progressbar.NewOptions64(
			now.Total,
			progressbar.OptionSetWriter(p.out),
			progressbar.OptionFullWidth(),
			progressbar.OptionThrottle(200*time.Millisecond),
			progressbar.OptionSetPredictTime(false),
			progressbar.OptionUseANSICodes(true),
		)
	}
	p.shown.Describe(p.phaseName() + p.pace(now))
	_ = p.shown.Set64(now.Done) // a terminal that cannot be written to does not stop a merge
}

func (p *progress) finish() {
	if p.shown != nil {
		_, _ = fmt.Fprintln(p.out)
	}
}

// end ends the bar, so that what follows begins on a line of its own.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.finish()
	p.shown = nil
}
