package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// run is what one call has measured. It is kept as JSON, so that tables and the chart
// can be drawn from it later, on another machine.
type run struct {
	Machine string    `json:"machine"`
	Build   string    `json:"build"`
	Date    time.Time `json:"date"`
	Runs    int       `json:"runs"` // of each tool
	Results []keptJob `json:"results"`
}

// keptJob is a result in the file of a run.
type keptJob struct {
	Picture string    `json:"picture"`
	Width   int       `json:"width"`
	Height  int       `json:"height"`
	Bytes   int64     `json:"bytes"`
	Job     string    `json:"job"`
	Rows    []keptRow `json:"rows"`
}

// keptRow is a row of a table in the file of a run. What was not measured is 0.
type keptRow struct {
	Tool  string  `json:"tool"`
	CPU   float64 `json:"cpu_ms"`
	Wall  float64 `json:"wall_ms"`
	Peak  int64   `json:"peak_bytes"`
	Bytes int64   `json:"bytes"`
	PSNR  float64 `json:"psnr_db"`
	SSIM  float64 `json:"ssim"`
	Error string  `json:"error,omitempty"`
}

// kept makes a run of results.
func (b *bench) kept(results []result) run {
	r := run{Machine: machine(), Build: b.build(), Date: time.Now().UTC().Truncate(time.Second), Runs: b.runs}
	for _, res := range results {
		k := keptJob{res.p.name, res.p.w, res.p.h, res.p.bytes, res.j.name, nil}
		for _, l := range res.rows {
			row := keptRow{Tool: l.tool, CPU: ms(l.cpu), Wall: ms(l.wall), Peak: l.peak, Bytes: l.bytes, PSNR: l.psnr, SSIM: l.ssim}
			if l.err != nil {
				row.Error = l.err.Error()
			}
			k.Rows = append(k.Rows, row)
		}
		r.Results = append(r.Results, k)
	}
	return r
}

func (r run) write(path string) error {
	text, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o666)
}

func readRun(path string) (r run, err error) {
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		return r, fmt.Errorf("run %s: %w", path, err)
	}
	if len(r.Results) == 0 {
		return r, fmt.Errorf("run %s: no results in it", path)
	}
	return r, nil
}

// job returns the rows of a job on a picture, without those that failed.
func (r run) job(picture, job string) (k keptJob, ok bool) {
	i := slices.IndexFunc(r.Results, func(k keptJob) bool { return k.Picture == picture && k.Job == job })
	if i < 0 {
		return k, false
	}
	k = r.Results[i]
	k.Rows = slices.DeleteFunc(slices.Clone(k.Rows), func(l keptRow) bool { return l.Error != "" })
	return k, len(k.Rows) > 0
}

// print writes tables that fit 80 columns beside the margin of a manual page.
func (r run) print(w io.Writer) {
	processor, system, _ := strings.Cut(r.Machine, "), ")
	fmt.Fprintf(w, "%s)\n%s\n%s; %s; %d runs each, one core, medians\n", processor, system, r.Date.Format(time.DateOnly), r.Build, r.Runs)
	for _, res := range r.Results {
		k, ok := r.job(res.Picture, res.Job)
		if !ok {
			continue
		}
		fmt.Fprintf(w, "\n%s, %dx%d, %d bytes: %s\n", k.Picture, k.Width, k.Height, k.Bytes, k.Job)
		fmt.Fprintf(w, "  %-29s %7s %6s %6s %9s %6s\n", "", "CPU ms", "ours=1", "MiB", "bytes", "dB")
		for _, l := range k.Rows {
			peak, db := "-", "-"
			if l.Peak > 0 {
				peak = fmt.Sprintf("%.1f", mib(l.Peak))
			}
			if l.PSNR > 0 {
				db = fmt.Sprintf("%.2f", l.PSNR)
			}
			fmt.Fprintf(w, "  %-29s %7.1f %6.2f %6s %9d %6s\n", l.Tool, l.CPU, l.CPU/k.Rows[0].CPU, peak, l.Bytes, db)
		}
	}
}
