package terraform_test

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/nvr-miem/merger/pkg/simulate"
)

// TestCostsAddUp computes the table of docs/cost-cloud.md from its prices and formulas and the
// examples.
func TestCostsAddUp(t *testing.T) {
	t.Parallel()
	rows := map[string][]float64{} // of both tables: the numbers of a row's cells
	number := regexp.MustCompile(`[0-9][0-9,]*(\.[0-9]+)?`)
	for line := range strings.Lines(read(t, "../docs/cost-cloud.md")) {
		cells := strings.Split(line, "|")
		if len(cells) != 5 || strings.Contains(cells[1], "---") {
			continue
		}
		name, _, _ := strings.Cut(strings.Trim(cells[1], " *"), " (")
		last := 3 // the second number of a size
		if strings.Contains(cells[3], ".") {
			last = 2 // a source
		}
		for _, text := range number.FindAllString(strings.Join(cells[2:last+1], " "), -1) {
			n, err := strconv.ParseFloat(strings.ReplaceAll(text, ",", ""), 64)
			if err != nil {
				t.Fatal(err)
			}
			rows[name] = append(rows[name], n)
		}
	}
	price := func(name string, i int) float64 {
		if len(rows[name]) <= i {
			t.Fatalf("no price %d of %s: %v", i, name, rows[name])
		}
		return rows[name][i]
	}
	costs, err := simulate.Measured("..")
	if err != nil {
		t.Fatal(err)
	}
	core := costs.RenderCPU / 3600 // an hour of video
	for size, rooms := range []float64{20, 1000} {
		vars := read(t, "examples/"+[]string{"small", "large"}[size]+".tfvars")
		set := func(pattern string) float64 {
			match := regexp.MustCompile(pattern).FindStringSubmatch(vars)
			if match == nil {
				return 0
			}
			n, _ := strconv.ParseFloat(match[1], 64) // it is digits
			return n
		}
		const sources, gb, merged, used = 3, 1.8, 4.5, 0.7
		const needed = 7.0 * 22 / (30 * 24) // share of the hours that records need
		const job = "job, vCPU-second / GiB-second"
		const service = "service, vCPU-second / GiB-second while serving"
		const custom = "Cloud SQL vCPU-hour / GB-hour"
		kept := price("storage, GB-month", 0)
		machine := price("Cloud SQL db-g1-small, hour", 0)
		disk := set(`disk_gb +=\s*(\d+)`) * price("Cloud SQL SSD, GB-month", 0)
		if cpu := set(`"db-custom-(\d+)-`); cpu > 0 {
			memory := set(`"db-custom-\d+-(\d+)"`) / 1024
			machine = cpu*price(custom, 0) + memory*price(custom, 1)
		}
		cores := set(`merge_cpu +=\s*(\d+)`)
		task := cores*price(job, 0) + set(`merge_memory += "(\d+)`)*price(job, 1)
		if strings.Contains(vars, "standby         = true") {
			machine, disk = 2*machine, 2*disk
		}
		hours := rooms * merged * 22
		watched := []float64{4, 12 * 2} // hours of instances a day
		spare := set(`spare_days +=\s*(\d+)`)
		days := spare + (set(`retention_days +=\s*(\d+)`)-spare)*needed
		sum := 0.0
		for _, row := range []struct {
			name string
			want float64
		}{
			{"rendering", hours * 3600 * core / used * task / cores},
			{"staging, upload, link", hours * 300 * (2*price(service, 0) + 4*price(service, 1))},
			{"segments kept", rooms * sources * 24 * gb * days * kept},
			{"segments written, marked", rooms * sources * 48 * 30 * (2 + needed) / 10_000 * price("10,000 writes", 0)},
			{"work kept", hours / 30 * 1.2 * (set(`work_days +=\s*(\d+)`) + 1) * kept},
			{"pages that follow a record", watched[size] * 22 * 3600 * (price(service, 0) + price(service, 1)/2)},
			{"database", 730*machine + disk},
			{"logs, builds, registry, alerts ?", price("logs, builds, registry, alerts ?", size)},
		} {
			if said := price(row.name, size); math.Abs(said-row.want) > 0.5 {
				t.Errorf(
					"%v rooms: %s is %v, its formula gives %.2f",
					rooms, row.name, said, row.want,
				)
			}
			sum += row.want
		}
		if said := price("about", size); math.Abs(said-sum) > 0.5 {
			t.Errorf("%v rooms: in all %v, and by the rows %.2f", rooms, said, sum)
		}
		if said := price("hours of video a month", size); said != hours {
			t.Errorf("%v rooms: %v hours of video, not %v", rooms, said, hours)
		}
	}
}
